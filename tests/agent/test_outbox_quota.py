"""T06: a full outbox gives up what costs least, and counts every item of it."""

from pathlib import Path

from greenhearth_agent.items import Batch, Change
from greenhearth_agent.outbox_count import read_outbox

from .outboxes import ack, after_a_crash, event, open_outbox, record, waiting


def test_the_oldest_records_go_first_and_events_stay(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 1_000_000)
    largest = 0
    for first in range(1, 2001, 10):
        entries = [record(5, n, 2000) if n % 10 else event(5, n) for n in range(first, first + 10)]
        outbox.commit(Change(5, [Batch(entries, b"state")]))
        largest = max(largest, sum(file.stat().st_size for file in (tmp_path / "outbox").glob("*.seg")))
    left = [entry for _, entry in outbox.waiting_after(0, 10_000)]
    assert [e.seq for e in left if e.leaf == "events"] == list(range(10, 2001, 10))
    kept = [e.seq for e in left if e.leaf == "records"]
    assert kept == [n for n in range(kept[0], 2001) if n % 10], "not the oldest records were given up"
    assert len(kept) > 300, "more was given up than was necessary"
    c = outbox.counts
    assert c.dropped == 2000 - len(left) == sum(n for _, n in c.dropped_hours)
    assert (c.measured, c.waiting, c.damaged, c.readings) == (2000, len(left), 0, 3600)
    assert c.used_bytes <= 1_000_000
    assert largest <= 1_000_000 + 1_000_000 // 16 + 25_000, "more than the limit, a segment and a commit"
    seen, again = read_outbox(outbox.path), after_a_crash(outbox, tmp_path / "again")
    for counts in (seen.counts, again.counts):
        assert (counts.measured, counts.dropped, counts.waiting, counts.damaged) == (
            2000,
            c.dropped,
            len(left),
            0,
        )
    assert waiting(again) == waiting(outbox)
    again.close()
    outbox.close()


def test_when_only_events_are_left_the_oldest_events_go(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 200_000)
    for first in range(1, 4001, 100):
        outbox.commit(Change(5, [Batch([event(5, n) for n in range(first, first + 100)], b"state")]))
    left = waiting(outbox)
    assert left == [(5, n) for n in range(4001 - len(left), 4001)]
    assert outbox.counts.dropped == 4000 - len(left) > 0
    assert len(left) > 400
    outbox.close()


def test_what_the_gateway_has_goes_before_anything_is_given_up(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 1_000_000)
    for n in range(1, 2001, 10):
        outbox.commit(Change(5, [Batch([record(5, seq, 2000) for seq in range(n, n + 10)], b"state")]))
        outbox.commit(Change(5, acks=[ack(5, 1, (3, n + 9))]))  # one old item keeps the gateway waiting
    assert waiting(outbox) == [(5, 2)]
    assert outbox.counts.dropped == 0
    outbox.close()


def test_records_that_a_restart_needs_are_kept_as_long_as_others_can_go(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 1_000_000)
    for n in range(1, 601, 10):
        state = b"state" if n < 400 else None
        outbox.commit(Change(5, [Batch([record(5, seq, 2000) for seq in range(n, n + 10)], state)]))
    assert outbox.counts.dropped > 100
    assert [r.seq for r in outbox.since_state()] == list(range(401, 601))
    outbox.close()
