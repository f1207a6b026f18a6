"""Defects that others have shipped, planted one at a time: a rig that does not find them proves nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bug:
    """One planted defect."""

    name: str
    where: str
    """``agent`` or ``gateway``: the process it is planted in."""
    story: str
    plant: Callable[[], None]


BUGS: dict[str, Bug] = {}


def bug(where: str, story: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that plants the bug of its name."""

    def register(plant: Callable[[], None]) -> Callable[[], None]:
        BUGS[plant.__name__] = Bug(plant.__name__, where, story, plant)
        return plant

    return register


@bug("agent", "an item counts as delivered when the broker has taken it")
def delete_on_puback() -> None:
    """Acknowledge at the PUBACK what only the gateway's commit makes safe."""
    import time

    from greenhearth import mqtt, wire
    from greenhearth_agent.uplink import Uplink

    born: list[Any] = []
    began, send = Uplink.__post_init__, mqtt.Link.publish

    def begin(self: Any) -> None:
        began(self)
        born.append(self)

    def publish(self: Any, topic: str, payload: bytes, **how: Any) -> bool:
        told = how.get("on_ack")
        if topic.rpartition("/")[2] in ("birth", "records", "events") and told is not None:
            how["on_ack"] = lambda: (told(), born[-1]._loop.call_soon_threadsafe(taken, payload))
        return bool(send(self, topic, payload, **how))

    def taken(payload: bytes) -> None:
        for item in wire.decode_frame(payload).items:
            ack = wire.Ack(wire.VERSION, item.epoch, 0, [(item.seq, item.seq)])
            born[-1].store.acknowledge(ack)
            born[-1].lanes.acknowledged(ack, time.monotonic())

    Uplink.__post_init__ = begin  # type: ignore[method-assign]
    mqtt.Link.publish = publish  # type: ignore[method-assign]


@bug("gateway", "what was taken is remembered by number only, without the epoch")
def dedup_without_epoch() -> None:
    """Let the sequence numbers of an earlier start hide those of this one."""
    from greenhearth_gateway.journal.books import Book, BooksDraft, Sequence

    book = BooksDraft.book

    def shared(self: Any, sequence: Sequence) -> Book:
        one = book(self, sequence)
        for other, known in {**self._committed, **self.touched}.items():
            if other.source == sequence.source and other.epoch != sequence.epoch:
                for first, last in known.seen:
                    one.seen.add_range(first, last)
        return one

    BooksDraft.book = shared  # type: ignore[method-assign]
