"""The agent's side of the wire's golden files: what it sends, byte for byte, and what it hears."""

from pathlib import Path

import msgspec
import pytest

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, entry_of
from greenhearth_agent.outbox import Outbox

GOLDEN = Path(__file__).parents[1] / "wire" / "golden"


@pytest.mark.parametrize("name", ["frame_birth", "frame_records", "frame_events", "frame_mixed"])
def test_the_agent_frames_what_it_stored_as_the_golden_file_has_it(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes().strip()
    frame = wire.decode_frame(golden)
    entries = [entry_of(item) for item in frame.items]

    leaf = {"frame_birth": "birth", "frame_events": "events"}.get(name, "records")
    topic = wire.topic("works", frame.agent, leaf)
    payloads = [entry.payload for entry in entries]
    assert wire.frame_payload(topic, frame.agent, frame.lane, payloads) == golden


@pytest.mark.parametrize("name", ["birth", "record", "event"])
def test_the_agent_stores_items_as_the_golden_file_has_them(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes().strip()

    assert entry_of(msgspec.json.decode(golden, type=wire.Item)).payload == golden


def test_the_golden_acknowledgement_empties_the_outbox_of_what_it_names(tmp_path: Path) -> None:
    ack = wire.decode_ack((GOLDEN / "ack_with_ranges.json").read_bytes())
    outbox = Outbox(tmp_path / "outbox", 10_000_000)
    outbox.open()
    last = max(high for _, high in ack.also) + 2
    kept = {seq for seq in range(ack.upto - 3, last + 1) if seq > ack.upto} - {
        seq for low, high in ack.also for seq in range(low, high + 1)
    }
    events = [wire.Event(ack.epoch, seq, seq, "x", "y") for seq in range(ack.upto - 3, last + 1)]
    outbox.commit(Change(ack.epoch, [Batch([entry_of(event) for event in events], b"state")]))
    outbox.commit(Change(ack.epoch, acks=[ack]))
    waiting = {entry.seq for _, entry in outbox.waiting_after(0, 1000)}
    outbox.close()

    assert waiting == kept
    assert kept
