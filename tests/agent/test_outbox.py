"""The outbox: what it keeps, for how long, and what it says when it cannot."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenhearth import failpoints, wire
from greenhearth_agent.items import Batch, Change, Unstored
from greenhearth_agent.outbox import Outbox, OutboxError
from greenhearth_agent.outbox_count import read_outbox
from greenhearth_agent.outbox_tally import Tally

from .outboxes import ack, after_a_crash, event, open_outbox, record, waiting


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    one = open_outbox(tmp_path / "outbox")
    yield one
    one.close()


def test_an_item_leaves_only_when_it_is_acknowledged_and_covered_by_a_snapshot(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, 1)], b"state 1"), Batch([record(5, 2), event(5, 3)])]))
    outbox.commit(Change(5, acks=[ack(5, 2)]))
    assert waiting(outbox) == [(5, 3)]
    assert [r.seq for r in outbox.since_state()] == [2], "a record after the snapshot was not kept for replay"
    outbox.commit(Change(5, [Batch([], b"state 2")]))
    assert list(outbox.since_state()) == []
    assert outbox.state() == b"state 2"
    assert waiting(outbox) == [(5, 3)]
    outbox.commit(Change(5, acks=[ack(5, 3)]))
    assert (outbox.counts.waiting, outbox.counts.measured, outbox.counts.readings) == (0, 3, 4)


def test_files_leave_when_everything_in_them_is_acknowledged_and_covered_twice(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 4_000_000)
    for n in range(1, 2001, 100):
        entries = [record(5, seq, 2000) for seq in range(n, n + 100)]
        outbox.commit(Change(5, [Batch(entries, b"state %d" % n)], [ack(5, n - 1)]))
    files = sorted((tmp_path / "outbox").glob("*.seg"))
    assert 1 <= len(files) < 4, "4 MB were written in segments of 250 kB, and nearly all of it is done with"
    assert waiting(outbox) == [(5, n) for n in range(1901, 2001)]
    assert outbox.counts.used_bytes == sum(file.stat().st_size for file in files)
    outbox.close()


def test_acknowledged_ranges_above_a_hole_leave_the_hole(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, n) for n in range(1, 11)], b"s")], [ack(5, 3, (6, 7), (9, 9))]))
    assert waiting(outbox) == [(5, 4), (5, 5), (5, 8), (5, 10)]


def test_an_acknowledgement_of_another_epoch_touches_nothing(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, 1)], b"s")], [ack(4, 100), ack(6, 100)]))
    assert waiting(outbox) == [(5, 1)]


def test_what_waits_is_read_in_pieces_without_gap_or_repetition(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 1_000_000)
    for epoch in (5, 6):
        for n in range(1, 200, 20):
            outbox.commit(Change(epoch, [Batch([record(epoch, seq, 1000) for seq in range(n, n + 20)])]))
    outbox.commit(Change(6, acks=[ack(5, 30, (50, 60))]))
    cursor, seen = 0, []
    while rows := outbox.waiting_after(cursor, 7):
        cursor = rows[-1][0]
        seen += [(entry.epoch, entry.seq) for _, entry in rows]
    expected = [(5, n) for n in range(1, 201) if n > 30 and not 50 <= n <= 60] + [
        (6, n) for n in range(1, 201)
    ]
    assert seen == expected == waiting(outbox)
    outbox.close()


def test_epochs_only_grow(outbox: Outbox) -> None:
    outbox.commit(Change(outbox.next_epoch(1000)))
    assert outbox.counts.epoch == 1000
    assert outbox.next_epoch(500) == 1001, "a wall clock that was set back gave an old epoch"


def test_what_was_committed_survives_a_new_start_with_its_counts(tmp_path: Path) -> None:
    first = open_outbox(tmp_path / "outbox")
    first.commit(Change(5, [Batch([record(5, 1), record(5, 2)], b"s")], unstored=Unstored(3, 2, 7)))
    again = after_a_crash(first, tmp_path / "again")
    c = again.counts
    assert (c.epoch, c.measured, c.waiting, c.dropped, c.readings) == (5, 5, 2, 2, 11)
    assert (again.last_t_ns(), c.oldest_waiting_ns) == (5002, 5001)
    assert [entry for _, entry in again.waiting_after(0, 9)] == [record(5, 1), record(5, 2)]
    again.close()
    first.close()


def test_a_commit_that_is_repeated_counts_once(outbox: Outbox) -> None:
    change = Change(5, [Batch([record(5, 1), record(5, 2)], b"s")], [ack(5, 1)], Unstored(4, 1, 2))
    outbox.commit(change)
    before = outbox.counts
    outbox.commit(change)
    after = outbox.counts
    assert (after.measured, after.waiting, after.dropped, after.readings) == (
        before.measured,
        before.waiting,
        before.dropped,
        before.readings,
    )
    assert waiting(outbox) == [(5, 2)]


def test_a_damaged_snapshot_falls_back_to_the_one_before_and_more_is_replayed(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox")
    states = [os.urandom(3000) for _ in range(3)]
    for n, state in enumerate(states):
        outbox.commit(Change(5, [Batch([record(5, 2 * n + 1)], state), Batch([record(5, 2 * n + 2)])]))
    outbox.commit(Change(5, acks=[ack(5, 6)]))
    outbox.close()
    (file,) = (tmp_path / "outbox").glob("*.seg")
    data = bytearray(file.read_bytes())
    data[data.index(states[2][100:200]) + 50] ^= 4
    file.write_bytes(data)
    outbox.open()
    assert outbox.state() == states[1]
    assert [r.seq for r in outbox.since_state()] == [4, 5, 6]
    outbox.close()


def test_the_last_time_is_kept_when_all_items_are_gone(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox")
    outbox.commit(Change(5, [Batch([record(5, 1), record(5, 2)], b"state")]))
    outbox.commit(Change(5, acks=[wire.Ack(1, 5, 2)]))
    outbox.close()
    outbox.open()
    assert not waiting(outbox)
    assert list(outbox.since_state()) == []
    assert outbox.last_t_ns() == 5002
    outbox.close()


def test_a_second_agent_on_the_same_folder_is_told_so(outbox: Outbox) -> None:
    with pytest.raises(OutboxError, match="another agent runs on this data folder"):
        open_outbox(outbox.path)
    outbox.commit(Change(5, [Batch([record(5, 1)])]))


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    path.mkdir()
    (path / "00000001.seg").write_bytes(b"greenhearth outbox 2\nsomething else" * 100)
    with pytest.raises(OutboxError, match="newer version"):
        open_outbox(path)
    assert [file.name for file in path.iterdir()] == ["00000001.seg"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match="file"):
        open_outbox(tmp_path / "file" / "outbox")
    with pytest.raises(OutboxError, match="file cannot be used"):
        open_outbox(tmp_path / "file")


def test_a_file_in_which_nothing_is_whole_is_put_aside_and_its_items_are_counted(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox", 1_000_000)
    for n in range(1, 201):
        outbox.commit(Change(5, [Batch([record(5, n, 1000)])]))
    outbox.close()
    first = min((tmp_path / "outbox").glob("*.seg"))
    first.write_bytes(os.urandom(len(first.read_bytes())))
    outbox.open()
    assert outbox.moved_aside == f"{first}.damaged-1"
    assert Path(outbox.moved_aside).is_file()
    c = outbox.counts
    assert c.measured == 200 == c.waiting + c.dropped
    assert 20 < c.dropped == c.damaged < 60
    assert waiting(outbox) == [(5, n) for n in range(c.dropped + 1, 201)]
    outbox.commit(Change(6, [Batch([record(6, 1)])]))
    outbox.close()
    outbox.open()
    assert (outbox.counts.dropped, outbox.counts.measured) == (c.dropped, 201), "damage was counted twice"
    outbox.close()


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from greenhearth.wire import Ack, Record, Event
from greenhearth_agent.items import Batch, Change, entry_of
from greenhearth_agent.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), 250_000)
outbox.open()
epoch = outbox.next_epoch(1000)
for n in range(1, 801, 2):
    items = [Record(epoch, n, n, 1, [], []), Event(epoch, n + 1, n, "x" * 500, "y")]
    outbox.tally.note(epoch, n + 1, 0, n)
    batch = Batch([entry_of(item) for item in items], b"%d" % n if n % 5 == 0 else None)
    outbox.commit(Change(epoch, [batch], [Ack(1, epoch, n - 3)] if 4 < n < 300 else []))
    print(epoch, n + 1, flush=True)
"""
POINTS = [
    f"outbox.{name}:{n}"
    for name, n in [
        *[("before_write", n) for n in (1, 2, 9, 222)],
        *[("after_write", n) for n in (1, 2, 9, 222)],
        *[("after_fsync", n) for n in (1, 2, 9, 222)],
        *[("rotate", 1), ("rotate", 4), ("before_delete", 1), ("after_delete", 2)],
        *[("before_replace", 1), ("before_replace", 3), ("after_replace", 1), ("after_replace", 2)],
    ]
]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_loses_nothing_that_was_committed(tmp_path: Path, point: str) -> None:
    path = tmp_path / "outbox"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), "."],
        env={**os.environ, failpoints.VARIABLE: point},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == failpoints.EXIT_CODE, ended.stderr.decode() or f"{point} was never reached"
    told = [tuple(map(int, line.split())) for line in ended.stdout.split(b"\n") if line]
    committed = told[-1][1] if told else 0
    seen = read_outbox(path)
    outbox = open_outbox(path, 250_000)
    c = outbox.counts
    assert (c.measured, c.damaged) == (committed + 2, 0), "what was numbered is counted, in time or not"
    seqs = [seq for _, seq in waiting(outbox)]
    assert len(seqs) == len(set(seqs)) == c.waiting
    acked = c.measured - c.waiting - c.dropped
    assert acked in (_acked(committed), _acked(committed + 2)), "the last acknowledgement is there or is not"
    dropped = set(range(acked + 1, c.measured + 1)) - set(seqs)
    assert len(dropped) == c.dropped
    assert all(seq % 2 or seq == c.measured for seq in dropped), "an event was given up"
    assert (seen.counts.measured, seen.counts.dropped) == (c.measured, c.dropped)
    assert [seq for seqs in seen.unacked.values() for a, b in seqs for seq in range(a, b + 1)] == seqs
    assert outbox.next_epoch(0) == c.epoch + 1
    outbox.close()


def _acked(committed: int) -> int:
    return min(committed - 4, 296) if committed > 5 else 0


def test_items_that_never_reached_the_disk_are_counted_once_at_the_next_starts(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox")
    outbox.commit(Change(5, [Batch([record(5, 1), record(5, 2)])]))
    assert outbox.tally is not None
    outbox.tally.note(5, 7, 14, 5007)
    second = after_a_crash(outbox, tmp_path / "second")
    assert (second.counts.measured, second.counts.dropped, second.never_stored) == (7, 5, 5)
    assert isinstance(second.tally, Tally)
    second.tally.note(6, 3, 6, 6003)
    third = after_a_crash(second, tmp_path / "third")
    assert (third.counts.measured, third.counts.dropped, third.counts.readings) == (10, 8, 20)
    assert third.next_epoch(0) == 7
    third.commit(Change(7, [Batch([record(7, 1)])]))
    fourth = after_a_crash(third, tmp_path / "fourth")
    assert (fourth.counts.measured, fourth.counts.dropped, fourth.never_stored) == (11, 8, 0)
    for one in (outbox, second, third, fourth):
        one.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=False).returncode:
        pytest.skip("this machine does not allow mounting a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_nothing_committed_is_touched(small_disk: Path) -> None:
    outbox = open_outbox(small_disk / "outbox")
    outbox.commit(Change(5, [Batch([record(5, 1)], b"s")]))
    _fill(small_disk)
    big = Change(5, [Batch([record(5, n, 5000) for n in range(2, 100)])], [ack(5, 1)])
    for _ in range(3):
        with pytest.raises(OutboxError, match="is full"):
            outbox.commit(big)
    assert waiting(outbox) == [(5, 1)]
    assert (outbox.counts.measured, outbox.counts.waiting) == (1, 1)
    (small_disk / "ballast").unlink()
    outbox.commit(big)
    assert waiting(outbox) == [(5, n) for n in range(2, 100)]
    outbox.close()
    outbox.open()
    assert waiting(outbox) == [(5, n) for n in range(2, 100)]
    assert (outbox.counts.measured, outbox.counts.dropped) == (99, 0)
    outbox.close()


def _fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return
