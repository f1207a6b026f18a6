"""What was changed on its way: never stored, never acknowledged, never believed."""

import binascii
import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from greenhearth import wire
from greenhearth_gateway.intake import Arrival, Opened, open_arrival

from ..chaos.tiers import seed, size

GOLDEN = Path(__file__).parent / "golden"
TOPIC = wire.topic("works", "edge-1", "records")
ACK = wire.topic("works", "edge-1", "ack")
OTHERS = [wire.topic(*place) for place in (("works", "edge-2", "records"), ("work3", "edge-1", "records"))]
OTHERS.append(wire.topic("works", "edge-1", "events"))
TOPICS = [*4 * [TOPIC], *OTHERS, wire.topic("wörks", "e+", "birth"), "", TOPIC + "/more"]
STRANGE = (b'"crcs":[1],', b"[" * 5000, b"\xff", b"\x00", b"1e999", b"NaN", b'{"kind":"record"}', b"-0", b"")


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def items() -> list[bytes]:
    return [golden(name) for name in ("birth", "record", "event")]


def frame() -> bytes:
    return wire.frame_payload(TOPIC, "edge-1", "live", items())


def flips(payload: bytes) -> Iterator[bytes]:
    for at in range(len(payload)):
        for bit in range(8):
            yield payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]


def taken(opened: Opened) -> list[bytes]:
    return [parsed.payload for parsed in opened.items]


def test_an_undamaged_frame_opens_as_it_was_packed() -> None:
    opened = open_arrival(Arrival(TOPIC, frame()))
    assert (taken(opened), opened.refusals, opened.damaged) == (items(), [], 0)


def test_no_flip_of_one_bit_anywhere_in_a_frame_alters_an_item_or_costs_its_number() -> None:
    """Every single bit of a frame of 3 items; what is left of it is what was sent."""
    kept = set(items())
    for payload in flips(frame()):
        opened = open_arrival(Arrival(TOPIC, payload))
        assert set(taken(opened)) <= kept
        assert all(refusal.seq == 0 for refusal in opened.refusals)
        assert len(opened.items) == 3 or opened.damaged or opened.refusals


def test_a_flipped_digit_costs_its_own_item_alone() -> None:
    opened = open_arrival(Arrival(TOPIC, frame().replace(b"61250.5", b"61250.4")))
    assert taken(opened) == [golden("birth"), golden("event")]
    assert (opened.damaged, opened.refusals) == (1, [])


@pytest.mark.parametrize("topic", OTHERS)
def test_a_frame_under_another_name_is_not_taken(topic: str) -> None:
    opened = open_arrival(Arrival(topic, frame().replace(b'"edge-1","lane"', b'"edge-2","lane"')))
    assert opened.items == []
    opened = open_arrival(Arrival(topic, frame()))
    assert opened.items == []
    assert opened.damaged or opened.refusals


@pytest.mark.parametrize("crcs", [b"[]", b"[1]", b"[1,2,3,4]"])
def test_too_few_or_too_many_checksums_refuse_the_whole_frame(crcs: bytes) -> None:
    head = frame().rpartition(b'"crcs":')[0]
    opened = open_arrival(Arrival(TOPIC, head + b'"crcs":' + crcs + b"}"))
    assert (opened.items, opened.refusals, opened.damaged) == ([], [], 1)


def test_an_item_that_is_malformed_though_its_checksum_fits_keeps_its_quarantine() -> None:
    wrong = golden("record").replace(b'"birth":1', b'"birth":"one"')
    opened = open_arrival(Arrival(TOPIC, wire.frame_payload(TOPIC, "edge-1", "live", [wrong])))
    assert [(refusal.seq, refusal.payload) for refusal in opened.refusals] == [(2, wrong)]
    assert opened.damaged == 0


def test_an_agent_without_checksums_is_taken_as_before() -> None:
    opened = open_arrival(Arrival(TOPIC, golden("frame_without_checksums")))
    assert (taken(opened), opened.damaged) == ([golden("record")], 0)


def test_no_flip_of_one_bit_of_an_acknowledgement_is_believed() -> None:
    for payload in flips(golden("ack_with_ranges")):
        with pytest.raises(ValueError, match=r"."):
            wire.decode_ack(payload, ACK)


@pytest.mark.parametrize("name", ["ack", "health", "status_online"])
def test_a_message_for_another_agent_is_not_believed(name: str) -> None:
    decode = {"ack": wire.decode_ack, "health": wire.decode_health, "status_online": wire.decode_status}[name]
    leaf = name.partition("_")[0]
    assert decode(golden(name), wire.topic("works", "edge-1", leaf)).check
    with pytest.raises(wire.DamagedError):
        decode(golden(name), wire.topic("works", "edge-2", leaf))


def test_an_altered_health_message_is_refused() -> None:
    with pytest.raises(wire.DamagedError):
        wire.decode_health(
            golden("health").replace(b'"measured":1234', b'"measured":1235'),
            wire.topic("works", "edge-1", "health"),
        )


def test_hostile_payloads_neither_crash_nor_store_what_does_not_fit() -> None:
    """Mutations of real messages: bits, bytes, cuts, repeats, splices, nesting."""
    number = seed()
    rng = random.Random(number)
    frames = [golden(path.stem) for path in sorted(GOLDEN.glob("frame_*.json"))] + [frame()]
    small = [golden("ack_with_ranges"), golden("health"), golden("status_online")]
    decoders = (wire.decode_ack, wire.decode_health, wire.decode_status)
    stored = refused = 0
    for turn in range(size(100_000, 1_000_000, 1_000_000)):
        payload, topic = mutated(rng, frames), rng.choice(TOPICS)
        opened = open_arrival(Arrival(topic, payload))
        assert_all_fit(payload, topic, opened, f"seed {number}, turn {turn}")
        stored, refused = stored + len(opened.items), refused + opened.damaged + len(opened.refusals)
        with contextlib.suppress(ValueError, RecursionError):  # which is how they refuse
            decoders[turn % 3](mutated(rng, small), topic)
    assert stored > 0
    assert refused > 0


def mutated(rng: random.Random, pool: list[bytes]) -> bytes:
    payload = bytearray(rng.choice(pool))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at, to = sorted(rng.randrange(len(payload) + 1) for _ in range(2))
        to = min(to, at + rng.choice((1, 3, 40, 4000)))
        match rng.randrange(6):
            case 0 if at < len(payload):
                payload[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(payload):
                payload[at] = rng.randrange(256)
            case 2:
                del payload[at:to]
            case 3:
                payload[at:at] = payload[at:to]
            case 4:
                payload[at:] = rng.choice(pool)[at:]
            case _:
                payload[at:at] = rng.choice(STRANGE)
    return bytes(payload)


def assert_all_fit(payload: bytes, topic: str, opened: Opened, where: str) -> None:
    """Look with another JSON reader and another sum whether what is stored may be."""
    if not opened.items:
        return
    told = json.loads(payload.decode(errors="replace")).get("crcs")  # another item may hold no UTF-8
    for parsed in opened.items:
        assert msgspec.json.decode(parsed.payload, type=wire.Item) == parsed.item, where
        assert told is None or binascii.crc32(topic.encode() + parsed.payload) in told, where
