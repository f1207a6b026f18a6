"""What travels next: live first, backlog while the gateway answers, again after a silence."""

from hypothesis import given
from hypothesis import strategies as st

from greenhearth import wire
from greenhearth_agent.items import Entry, entry_of
from greenhearth_agent.lanes import (
    ANSWER_S,
    FRAME_BYTES,
    FRAME_RECORDS,
    FRESH_ITEMS,
    OPEN_BYTES,
    OPEN_ITEMS,
    RESEND_S,
    Lanes,
    frames,
)


def record(seq: int, epoch: int = 9, size: int = 0) -> Entry:
    entry = entry_of(wire.Record(epoch, seq, seq, 1, [], []))
    return entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")


def payload_of(frame: list[Entry]) -> bytes:
    return wire.frame_payload("greenhearth/1/s/a/records", "edge", "backlog", [e.payload for e in frame])


def event(seq: int) -> Entry:
    return entry_of(wire.Event(9, seq, seq, "x", "y"))


def rows(*entries: Entry) -> list[tuple[int, Entry]]:
    return [(e.seq, e) for e in entries]


def seqs(entries: list[Entry]) -> list[int]:
    return [e.seq for e in entries]


def next_of(lanes: Lanes, *entries: Entry) -> list[int]:
    """Let the lane read on, and return the numbers of the frame it chooses."""
    lanes.read(rows(*entries))
    return seqs(lanes.backlog())


def ack(upto: int, *also: tuple[int, int]) -> wire.Ack:
    return wire.Ack(1, 9, upto, list(also))


def keep_going(lanes: Lanes, first: int, delay_s: float, rounds: int) -> int:
    """Send as much as the lane allows, let it be answered after `delay_s`, and again."""
    now = 1000.0 + first
    for _ in range(rounds):
        begin = first
        while lanes.may_send_backlog():
            lanes.sent([record(n) for n in range(first, first + FRAME_RECORDS)], now)
            first += FRAME_RECORDS
        assert first > begin
        now += delay_s
        lanes.acknowledged(ack(first - 1), now)
    return first


def test_after_a_connection_only_the_newest_record_is_live() -> None:
    lanes = Lanes()
    lanes.add_fresh([record(1), record(2), event(3)])
    lanes.connected()
    assert seqs(lanes.fresh()) == [2]
    assert next_of(lanes, record(1), record(2)) == [1]


def test_what_is_on_its_way_is_not_sent_again_before_its_time() -> None:
    lanes = Lanes()
    lanes.sent([record(1), record(2)], now=100.0)
    assert next_of(lanes, record(1), record(2)) == []
    assert lanes.wants_rows
    lanes.expire(100.0 + RESEND_S - 0.01)
    assert not lanes.backlog_waits(waiting=2)
    lanes.expire(100.0 + RESEND_S)
    assert lanes.backlog_waits(waiting=2)
    assert lanes.cursor == 0
    assert lanes.resent == 2
    assert next_of(lanes, record(1), record(2)) == [1, 2]


def test_an_acknowledged_item_is_forgotten_and_the_rest_is_not() -> None:
    lanes = Lanes()
    lanes.sent([record(n) for n in range(1, 6)], now=0.0)
    lanes.acknowledged(ack(2, (4, 4)), now=0.1)
    assert lanes.resent == 0
    lanes.expire(RESEND_S + 0.1)
    assert lanes.resent == 2, "three and five were not waited for"
    assert lanes.backlog_waits(waiting=1)


def test_a_gateway_that_is_only_slow_gets_nothing_twice() -> None:
    lanes = Lanes()
    lanes.sent([record(n) for n in range(1, 101)], now=0.0)
    for second in range(1, 31):
        lanes.acknowledged(ack(second), now=float(second))
        lanes.expire(float(second))
    assert lanes.resent == 0
    assert lanes.trusted
    lanes.expire(30.0 + RESEND_S)
    assert lanes.resent == 70, "a gateway that fell silent was waited for"


def test_what_something_younger_has_overtaken_is_sent_again_though_the_gateway_answers() -> None:
    lanes = Lanes()
    lanes.sent([record(1)], now=0.0)
    lanes.sent([record(2)], now=1.0)
    lanes.acknowledged(ack(0, (2, 2)), now=4.5)
    lanes.expire(RESEND_S - 0.1)
    assert lanes.resent == 0
    lanes.expire(RESEND_S)
    assert lanes.resent == 1
    assert lanes.trusted, "one lost frame made the lane distrust a gateway that answers"
    assert next_of(lanes, record(1), record(2)) == [1, 2]


def test_backlog_waits_for_a_gateway_that_answers() -> None:
    lanes = Lanes()
    assert lanes.may_send_backlog(), "nothing would ever be tried"
    lanes.sent([record(1)], now=0.0)
    assert not lanes.may_send_backlog(), "a gateway that never answered was flooded"
    lanes.acknowledged(ack(1), now=0.0)
    lanes.sent([record(2)], now=0.0)
    assert lanes.may_send_backlog()
    lanes.expire(RESEND_S)
    lanes.sent([record(2)], now=RESEND_S)
    assert not lanes.may_send_backlog()


def test_one_backlog_frame_has_one_topic_and_the_cursor_stops_before_the_rest() -> None:
    lanes = Lanes()
    assert next_of(lanes, record(1), record(2), event(3), record(4)) == [1, 2]
    assert lanes.cursor == 4
    assert seqs(lanes.backlog()) == [3]
    assert not lanes.wants_rows
    assert seqs(lanes.backlog()) == [4]
    assert lanes.wants_rows


def test_the_window_widens_while_answers_come_at_once_and_narrows_when_they_queue() -> None:
    lanes = Lanes()
    after = keep_going(lanes, 1, ANSWER_S / 3, 20)
    assert lanes.window == OPEN_ITEMS
    after = keep_going(lanes, after, ANSWER_S * 1.1, 2)
    assert lanes.window == OPEN_ITEMS // 4, "each queue halves the window once"
    keep_going(lanes, after, ANSWER_S * 2, 30)
    assert lanes.window == FRAME_RECORDS
    assert lanes.may_send_backlog(), "a slow gateway got nothing at all any more"


def test_an_idle_lane_does_not_earn_a_wide_window() -> None:
    lanes = Lanes()
    for n in range(1, 5000):
        lanes.sent([record(n)], now=float(n))
        lanes.acknowledged(ack(n), now=n + 0.01)
    assert lanes.window == FRAME_RECORDS


def test_a_silence_and_a_new_connection_begin_with_one_frame() -> None:
    lanes = Lanes()
    after = keep_going(lanes, 1, 0.1, 20)
    lanes.sent([record(after)], now=9000.0)
    lanes.expire(9000.0 + RESEND_S)
    assert lanes.window == FRAME_RECORDS
    keep_going(lanes, after, 0.1, 20)
    lanes.connected()
    assert lanes.window == FRAME_RECORDS
    assert not lanes.trusted


def test_bytes_under_way_are_bounded_whatever_the_window() -> None:
    lanes = Lanes()
    after = keep_going(lanes, 1, 0.1, 20)
    big = [record(after + n, size=OPEN_BYTES // 10) for n in range(10)]
    lanes.sent(big[:9], now=0.0)
    assert lanes.may_send_backlog()
    lanes.sent(big[9:], now=0.0)
    assert not lanes.may_send_backlog()
    lanes.acknowledged(ack(after), now=0.1)
    assert lanes.may_send_backlog()


def test_live_items_that_do_not_fit_take_the_backlog_lane() -> None:
    lanes = Lanes()
    made = [record(n) for n in range(1, FRESH_ITEMS + 3)]
    lanes.add_fresh(made)
    assert seqs(lanes.fresh()) == list(range(3, FRESH_ITEMS + 3))
    assert lanes.backlog_waits(len(made))
    assert next_of(lanes, *made) == [1, 2]


@given(st.lists(st.tuples(st.sampled_from(["records", "events"]), st.integers(0, 90_000)), max_size=40))
def test_frames_keep_the_order_one_topic_and_their_limits(kinds: list[tuple[str, int]]) -> None:
    entries = [
        record(n, size=size) if leaf == "records" else event(n) for n, (leaf, size) in enumerate(kinds, 1)
    ]
    cut = list(frames(entries))
    assert [e for frame in cut for e in frame] == entries
    for frame in cut:
        assert len({e.leaf for e in frame}) == 1
        assert len(frame) == 1 or len(payload_of(frame)) <= FRAME_BYTES


def test_no_frame_has_more_records_than_allowed() -> None:
    assert [len(f) for f in frames([record(n) for n in range(1, 2 * FRAME_RECORDS + 2)])] == [
        FRAME_RECORDS,
        FRAME_RECORDS,
        1,
    ]
