"""What travels next: live first, backlog while the gateway answers, again after a silence."""

import json

from hypothesis import given
from hypothesis import strategies as st

from greenhearth import wire
from greenhearth_agent.items import Entry, entry_of
from greenhearth_agent.lanes import FRAME_BYTES, FRAME_RECORDS, RESEND_S, Lanes, frame_payload, frames


def record(seq: int, epoch: int = 9, size: int = 0) -> Entry:
    entry = entry_of(wire.Record(epoch, seq, seq, 1, [], []))
    return entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")


def event(seq: int) -> Entry:
    return entry_of(wire.Event(9, seq, seq, "x", "y"))


def rows(*entries: Entry) -> list[tuple[int, Entry]]:
    return [(e.seq, e) for e in entries]


def seqs(entries: list[Entry]) -> list[int]:
    return [e.seq for e in entries]


def test_after_a_connection_only_the_newest_record_is_live() -> None:
    lanes = Lanes()
    lanes.add_fresh([record(1), record(2), event(3)])
    lanes.connected()
    assert seqs(lanes.fresh()) == [2]
    assert seqs(lanes.backlog(rows(record(1), record(2)))) == [1]


def test_what_is_on_its_way_is_not_sent_again_before_its_time() -> None:
    lanes = Lanes()
    lanes.sent([record(1), record(2)], now=100.0)
    assert lanes.backlog(rows(record(1), record(2))) == []
    lanes.expire(100.0 + RESEND_S - 0.01)
    assert not lanes.backlog_waits(waiting=2)
    lanes.expire(100.0 + RESEND_S)
    assert lanes.backlog_waits(waiting=2)
    assert lanes.cursor == 0
    assert seqs(lanes.backlog(rows(record(1), record(2)))) == [1, 2]


def test_an_acknowledged_item_is_forgotten_and_the_rest_is_not() -> None:
    lanes = Lanes()
    lanes.sent([record(n) for n in range(1, 6)], now=0.0)
    lanes.acknowledged(wire.Ack(1, 9, 2, [(4, 4)]))
    lanes.expire(RESEND_S)
    assert lanes.cursor == 0
    assert lanes.backlog_waits(waiting=1)


def test_backlog_waits_for_a_gateway_that_answers() -> None:
    lanes = Lanes()
    assert lanes.may_send_backlog(), "nothing would ever be tried"
    lanes.sent([record(1)], now=0.0)
    assert not lanes.may_send_backlog(), "a gateway that never answered was flooded"
    lanes.acknowledged(wire.Ack(1, 9, 1))
    lanes.sent([record(2)], now=0.0)
    assert lanes.may_send_backlog()
    lanes.expire(RESEND_S)
    lanes.sent([record(2)], now=RESEND_S)
    assert not lanes.may_send_backlog()


def test_one_backlog_frame_has_one_topic_and_the_cursor_stops_before_the_rest() -> None:
    lanes = Lanes()
    assert seqs(lanes.backlog(rows(record(1), record(2), event(3), record(4)))) == [1, 2]
    assert lanes.cursor == 2


@given(st.lists(st.tuples(st.sampled_from(["records", "events"]), st.integers(0, 90_000)), max_size=40))
def test_frames_keep_the_order_one_topic_and_their_limits(kinds: list[tuple[str, int]]) -> None:
    entries = [
        record(n, size=size) if leaf == "records" else event(n) for n, (leaf, size) in enumerate(kinds, 1)
    ]
    cut = list(frames(entries))
    assert [e for frame in cut for e in frame] == entries
    for frame in cut:
        assert len({e.leaf for e in frame}) == 1
        assert len(frame) == 1 or len(frame_payload("edge", "live", frame)) <= FRAME_BYTES


def test_no_frame_has_more_records_than_allowed() -> None:
    assert [len(f) for f in frames([record(n) for n in range(1, 2 * FRAME_RECORDS + 2)])] == [
        FRAME_RECORDS,
        FRAME_RECORDS,
        1,
    ]


def test_a_frame_is_what_the_gateway_reads() -> None:
    payload = frame_payload("edge", "backlog", [record(1), record(2)])
    frame = wire.decode_frame(payload)
    assert (frame.v, frame.agent, frame.lane) == (1, "edge", "backlog")
    assert [(item.epoch, item.seq) for item in frame.items] == [(9, 1), (9, 2)]
    assert json.loads(payload)["items"][0]["kind"] == "record"
