"""Acknowledgements that were damaged, are another's or cannot be true delete nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from greenhearth import wire
from greenhearth_agent.items import Counts, Entry, entry_of
from greenhearth_agent.uplink import Identity, Uplink

EPOCH = 77
TOPIC = wire.topic("works", "edge", "ack")


@dataclass
class Store:
    """Notes what it is told."""

    acks: list[wire.Ack] = field(default_factory=list)

    def acknowledge(self, ack: wire.Ack) -> None:
        self.acks.append(ack)

    def counts(self) -> Counts:
        return Counts()

    async def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        return []


def heard(send: Callable[[Uplink], None]) -> tuple[list[wire.Ack], int]:
    """Let an uplink that handed out 1 to 9 hear something; return what it believed and what it refused."""

    async def work() -> tuple[list[wire.Ack], int]:
        birth = entry_of(wire.Birth(EPOCH, 1, 1, "works", "edge", "test", [], [], [], [], []))
        store = Store()
        uplink = Uplink(Identity("works", "edge", EPOCH, ("127.0.0.1", 1)), birth, store)
        uplink.offer([entry_of(wire.Event(EPOCH, seq, seq, "x", "y")) for seq in range(2, 10)])
        send(uplink)
        await asyncio.sleep(0)
        return store.acks, uplink.refused_acks

    return asyncio.run(work())


def say(ack: wire.Ack, topic: str = TOPIC, check: bool = True) -> Callable[[Uplink], None]:
    payload = wire.encode_checked(TOPIC, ack) if check else wire.encode(ack)
    return lambda uplink: uplink._heard(topic, payload, False)


@pytest.mark.parametrize("check", [True, False])
def test_what_was_handed_out_may_be_acknowledged_with_or_without_a_checksum(check: bool) -> None:
    acks, refused = heard(say(wire.Ack(1, EPOCH, 5, [(7, 9)]), check=check))
    assert ([(ack.upto, ack.also) for ack in acks], refused) == ([(5, [(7, 9)])], 0)


@pytest.mark.parametrize(
    "ack",
    [wire.Ack(1, EPOCH, 10), wire.Ack(1, EPOCH, 1, [(9, 10)]), wire.Ack(1, EPOCH + 1, 1)],
    ids=["beyond the last number", "a range beyond it", "an epoch that was not opened here"],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_true_is_refused_with_or_without_a_checksum(ack: wire.Ack, check: bool) -> None:
    assert heard(say(ack, check=check)) == ([], 1)


def test_an_older_epoch_is_believed_though_its_end_is_not_known_here() -> None:
    """The start before this one may have sent what its disk had not taken."""
    acks, refused = heard(say(wire.Ack(1, EPOCH - 1, 1000)))
    assert (len(acks), refused) == (1, 0)


def test_a_changed_digit_and_another_agents_topic_are_refused() -> None:
    payload = wire.encode_checked(TOPIC, wire.Ack(1, EPOCH, 5)).replace(b'"upto":5', b'"upto":9')
    assert heard(lambda uplink: uplink._heard(TOPIC, payload, False)) == ([], 1)
    assert heard(say(wire.Ack(1, EPOCH, 5), topic=wire.topic("works", "edgf", "ack"))) == ([], 1)


def test_a_refusal_is_told_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    def twice(uplink: Uplink) -> None:
        for _ in range(2):
            say(wire.Ack(1, EPOCH + 1, 1))(uplink)

    assert heard(twice) == ([], 2)
    told = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(told) == 1
    assert "does another agent run with this id?" in told[0]
