"""Defects that others have shipped, planted one at a time: a test that does not find them proves nothing.

Each is planted in the product's own classes, in a process of its own: by ``--bug NAME`` of `process.py`,
or by the environment variable GREENHEARTH_BUG of a pytest (`-p tests.chaos.planted`) or a `disk_writers`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

VARIABLE = "GREENHEARTH_BUG"
LAZY_S = 0.5
"""How seldom a lazy writer asks its disk."""


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


def plant_what_is_asked_for() -> None:
    """Plant the bug that the environment names, if it names one."""
    if name := os.environ.get(VARIABLE, ""):
        BUGS[name].plant()


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


@bug("agent", "an item counts as durable once it is written; the disk is asked twice a second")
def ack_before_fsync() -> None:
    """Let the outbox say yes before the disk has."""
    import time

    sync, asked = os.fdatasync, [0.0]

    def seldom(fd: int) -> None:
        if time.monotonic() - asked[0] > LAZY_S:
            asked[0] = time.monotonic()
            sync(fd)

    os.fdatasync = seldom  # type: ignore[assignment]


@bug("gateway", "the journal commits with synchronous=NORMAL")
def synchronous_normal() -> None:
    """Leave SQLite's log in the kernel's memory at a commit."""
    from greenhearth_gateway.journal import database

    connect = database.connect_writer

    def normal(path: Any) -> Any:
        connection = connect(path)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    database.connect_writer = normal


@bug("agent", "a sync that failed is tried again on the same descriptor, and then believed")
def retry_fsync() -> None:
    """Forget that the kernel has thrown away what it could not write."""
    sync = os.fdatasync

    def twice(fd: int) -> None:
        try:
            sync(fd)
        except OSError:
            sync(fd)

    os.fdatasync = twice  # type: ignore[assignment]


@bug("agent", "a reply with fewer registers than were asked for is taken")
def no_count_check() -> None:
    """Believe the byte count of a reply, whatever was asked for."""
    from greenhearth_agent.buses import guard

    mbap, rtu = guard._inspect_mbap, guard._inspect_rtu

    def told(request: guard.Request, function: int, size: int) -> guard.Request:
        fewer = function == request.function and 0 < size < guard.data_bytes(request)
        return replace(request, count=size // 2 if function > 2 else 8 * size) if fewer else request

    def trusting_mbap(expected: guard.Expected, heard: bytes) -> guard.Verdict:
        request = told(expected.request, heard[7], heard[8]) if len(heard) > 8 else expected.request
        return mbap(expected._replace(request=request), heard)

    def trusting_rtu(request: guard.Request, heard: bytes) -> guard.Verdict:
        return rtu(told(request, heard[1], heard[2]) if len(heard) > 2 else request, heard)

    guard._inspect_mbap, guard._inspect_rtu = trusting_mbap, trusting_rtu


@bug("agent", "a reply with transaction id 0 is taken from any device")
def tid_zero_accepted() -> None:
    """Take 0 for every transaction, as the library below does."""
    from greenhearth_agent.buses import guard

    inspect = guard._inspect_mbap
    guard._inspect_mbap = lambda expected, heard: inspect(expected._replace(tid_zero=True), heard)


@bug("agent", "a function code that writes may leave for a device")
def write_fc_reachable() -> None:
    """Widen what may leave by the codes that write."""
    from greenhearth_agent.buses import guard

    guard.READ_FUNCTIONS = guard.READ_FUNCTIONS | {5, 6, 15, 16, 22, 23}  # type: ignore[misc]


@bug("agent", "the time between two readings is the difference of what the wall clock showed")
def wall_clock_for_intervals() -> None:
    """Leave the kernels' time where it was when the clock is stepped."""
    from greenhearth.engine import Engine

    Engine.shift = lambda *_, **__: []  # type: ignore[method-assign]


@bug("gateway", "a batch that the store answers with 400 is dropped whole")
def drop_batch_on_400() -> None:
    """Go on after a refusal as if the lines had been taken."""
    from greenhearth_gateway.store.delivery import Delivery, WriteFailedError

    meet = Delivery._meet

    def drop(self: Any, error: WriteFailedError, part: list[bytes]) -> None:
        if error.status == 400:
            self._parts.pop()
        else:
            meet(self, error, part)

    Delivery._meet = drop  # type: ignore[method-assign]


@bug("both", "no queue has a limit")
def queue_unbounded() -> None:
    """Let the gateway's inbox and the agent's waiting room grow for ever."""
    from greenhearth_agent.spool import Spool
    from greenhearth_gateway.inbox import Inbox

    Inbox._has_room = lambda _self, _size: True  # type: ignore[method-assign, assignment]
    Spool._make_room = lambda _self: False  # type: ignore[method-assign, assignment]


@bug("gateway", "an alarm is told before the transaction that raises it is stored")
def alert_before_commit() -> None:
    """Tell the house of new alarm states while the disk may still say no."""
    from greenhearth_gateway.journal.writer import Writer

    commit = Writer._commit

    def early(self: Any, work: Any, batch: Any) -> None:
        save = work.save

        def save_and_tell() -> None:
            save()
            found = work.result()
            if found.transitions:
                self.alarm_states = dict(found.alarms)
                for tell in self.on_commit:
                    tell(replace(found, entries=[], books={}))

        work.save = save_and_tell
        commit(self, work, batch)

    Writer._commit = early  # type: ignore[method-assign]
