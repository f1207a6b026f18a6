"""The outbox against a model, against kills, full disks and damage."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, Entry, Unstored, entry_of
from greenhearth_agent.outbox import Outbox, OutboxError

BIG = 64_000_000


def open_outbox(path: Path, max_bytes: int = BIG) -> Outbox:
    outbox = Outbox(path, max_bytes)
    outbox.open()
    return outbox


def record(epoch: int, seq: int, size: int = 0) -> Entry:
    blocks = [wire.Block(d=0, i=0, x=[1.0, None])]
    item = wire.Record(epoch, seq, 1000 * epoch + seq, 1, blocks, [])
    entry = entry_of(item)
    return entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")


def event(epoch: int, seq: int) -> Entry:
    return entry_of(wire.Event(epoch, seq, 1000 * epoch + seq, "x", "y"))


def waiting(outbox: Outbox) -> list[tuple[int, int]]:
    return [(e.epoch, e.seq) for _, e in outbox.waiting_after(0, 1_000_000)]


def ack(epoch: int, upto: int, *also: tuple[int, int]) -> wire.Ack:
    return wire.Ack(1, epoch, upto, list(also))


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    one = open_outbox(tmp_path / "o.sqlite")
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


def test_acknowledged_ranges_above_a_hole_leave_the_hole(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, n) for n in range(1, 11)], b"s")], [ack(5, 3, (6, 7), (9, 9))]))
    assert waiting(outbox) == [(5, 4), (5, 5), (5, 8), (5, 10)]


def test_an_acknowledgement_of_another_epoch_touches_nothing(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, 1)], b"s")], [ack(4, 100), ack(6, 100)]))
    assert waiting(outbox) == [(5, 1)]


def test_epochs_only_grow(outbox: Outbox) -> None:
    outbox.commit(Change(outbox.next_epoch(1000)))
    assert outbox.counts.epoch == 1000
    assert outbox.next_epoch(500) == 1001, "a wall clock that was set back gave an old epoch"


def test_what_was_committed_survives_a_new_start_with_its_counts(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    first = open_outbox(path)
    first.commit(Change(5, [Batch([record(5, 1), record(5, 2)], b"s")], unstored=Unstored(3, 2, 7)))
    first.close()
    again = open_outbox(path)
    c = again.counts
    assert (c.epoch, c.measured, c.waiting, c.dropped, c.readings) == (5, 5, 2, 2, 11)
    assert again.last_t_ns() == 5002
    again.close()


def test_ids_are_not_used_again_when_everything_has_left(outbox: Outbox) -> None:
    outbox.commit(Change(5, [Batch([record(5, 1), record(5, 2)], b"s")], [ack(5, 2)]))
    outbox.commit(Change(5, [Batch([record(5, 3)])], [ack(5, 3)]))
    assert [r.seq for r in outbox.since_state()] == [3], "a record younger than the snapshot was not replayed"


def test_a_commit_that_is_repeated_counts_once(outbox: Outbox) -> None:
    change = Change(5, [Batch([record(5, 1), record(5, 2)], b"s")], [ack(5, 1)], Unstored(4, 1, 2))
    outbox.commit(change)
    before = outbox.counts
    outbox.commit(change)
    assert outbox.counts == before
    assert waiting(outbox) == [(5, 2)]


def test_above_its_size_the_oldest_records_go_first_and_events_stay(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "o.sqlite", 1_000_000)
    for first in range(1, 2001, 10):
        entries = [record(5, n, 2000) if n % 10 else event(5, n) for n in range(first, first + 10)]
        outbox.commit(Change(5, [Batch(entries)]))
    left = outbox.waiting_after(0, 10_000)
    assert len([e for _, e in left if e.leaf == "events"]) == 200
    kept = [e.seq for _, e in left if e.leaf == "records"]
    assert kept == [n for n in range(kept[0], 2001) if n % 10], "not the oldest records were given up"
    assert outbox.counts.dropped == 2000 - len(left)
    assert outbox.counts.measured == outbox.counts.waiting + outbox.counts.dropped == 2000
    assert outbox.counts.used_bytes <= 1_000_000
    assert (tmp_path / "o.sqlite").stat().st_size < 1_200_000
    outbox.close()


def test_when_only_events_are_left_the_oldest_events_go(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "o.sqlite", 200_000)
    for first in range(1, 4001, 100):
        outbox.commit(Change(5, [Batch([event(5, n) for n in range(first, first + 100)])]))
    left = waiting(outbox)
    assert left[-1] == (5, 4000)
    assert outbox.counts.dropped == 4000 - len(left) > 0
    outbox.close()


def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    first = open_outbox(path)
    first.commit(Change(5, [Batch([record(5, n, 500) for n in range(1, 200)], b"s")]))
    first.close()
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(20 * 4096))
    again = open_outbox(path)
    assert again.moved_aside == f"{path}.damaged-1"
    assert Path(again.moved_aside).exists()
    again.commit(Change(6, [Batch([record(6, 1)])]))
    assert waiting(again) == [(6, 1)]
    again.close()


def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    path.write_bytes(b"something else entirely" * 1000)
    outbox = open_outbox(path)
    assert Path(outbox.moved_aside).read_bytes().startswith(b"something else")
    outbox.close()


def test_a_second_agent_on_the_same_folder_is_told_so(outbox: Outbox) -> None:
    with pytest.raises(OutboxError, match="another agent"):
        open_outbox(outbox.path)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutboxError, match="newer version"):
        open_outbox(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match="file"):
        open_outbox(tmp_path / "file" / "o.sqlite")


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from test_outbox import Batch, Change, ack, event, open_outbox, record
steps, at = int(sys.argv[2]), 0
outbox = open_outbox(Path(sys.argv[1]))
epoch = outbox.next_epoch(1000)
def step():
    global at
    at += 1
    if at == steps:
        os._exit(9)
outbox._db.set_trace_callback(lambda _: step())  # dies between any two SQL statements
for n in range(1, 200, 2):
    batch = Batch([record(epoch, n), event(epoch, n + 1)], b"%d" % n if n % 5 == 0 else None)
    outbox.commit(Change(epoch, [batch], [ack(epoch, n - 3)] if n > 4 else []))
    os.write(1, b"%d %d\\n" % (epoch, n + 1))
"""


@pytest.mark.parametrize("steps", [3, 8, *range(40, 60), 333, 700])
def test_a_kill_between_any_two_steps_loses_nothing_that_was_committed(tmp_path: Path, steps: int) -> None:
    path = tmp_path / "o.sqlite"
    arguments = [sys.executable, "-c", KILLED, str(path), str(steps), "-", str(Path(__file__).parent)]
    ended = subprocess.run(arguments, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 9, ended.stderr.decode()
    told = [tuple(map(int, line.split())) for line in ended.stdout.split(b"\n") if line]
    outbox = open_outbox(path)
    c = outbox.counts
    committed = told[-1][1] if told else 0
    assert c.measured in (committed, committed + 2), "a commit is neither whole nor absent"
    seqs = [seq for _, seq in waiting(outbox)]
    acked = max(c.measured - 4, 0) if c.measured >= 6 else 0
    assert seqs == list(range(acked + 1, c.measured + 1))
    assert c.waiting == len(seqs)
    assert outbox.next_epoch(0) == c.epoch + 1
    outbox.close()


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
    outbox = open_outbox(small_disk / "o.sqlite")
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


def _fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


class OutboxMachine(RuleBasedStateMachine):
    """The outbox beside a list: append, acknowledge, snapshot, reopen, repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "o.sqlite"
        self.outbox = open_outbox(self.path)
        self.made: list[tuple[int, int]] = []
        self.acked: set[tuple[int, int]] = set()
        self.covered = 0
        self.state: bytes | None = None
        self.last: Change | None = None

    @initialize()
    def start(self) -> None:
        self.epoch = self.outbox.next_epoch(7)
        self.seq = 0

    @rule(n=st.integers(0, 4), snapshot=st.none() | st.binary(max_size=5))
    def append(self, n: int, snapshot: bytes | None) -> None:
        entries = [record(self.epoch, self.seq + k) for k in range(1, n + 1)]
        self.seq += n
        self.made += [(self.epoch, e.seq) for e in entries]
        if snapshot is not None:
            self.covered, self.state = len(self.made), snapshot
        self.last = Change(self.epoch, [Batch(entries, snapshot)])
        self.outbox.commit(self.last)

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        epoch = data.draw(st.sampled_from(sorted({e for e, _ in self.made} | {self.epoch})))
        mine = [s for e, s in self.made if e == epoch]
        upto = data.draw(st.integers(0, len(mine)))
        also = []
        if upto + 2 <= len(mine):
            first = data.draw(st.integers(upto + 2, len(mine)))
            also = [(first, data.draw(st.integers(first, len(mine))))]
        self.outbox.commit(Change(self.epoch, acks=[wire.Ack(1, epoch, upto, also)]))
        self.acked |= {(epoch, s) for s in mine if s <= upto or any(a <= s <= b for a, b in also)}

    @precondition(lambda self: self.last is not None and self.last.epoch == self.epoch and not self.acked)
    @rule()
    def repeat(self) -> None:
        assert self.last is not None
        batches = [Batch(batch.entries) for batch in self.last.batches]
        self.outbox.commit(Change(self.last.epoch, batches))

    @rule(restart=st.booleans())
    def reopen(self, restart: bool) -> None:
        self.outbox.close()
        self.outbox = open_outbox(self.path)
        if restart:
            self.epoch, self.seq = self.outbox.next_epoch(7), 0

    @invariant()
    def agrees(self) -> None:
        waits = [key for key in self.made if key not in self.acked]
        assert waiting(self.outbox) == waits
        c = self.outbox.counts
        assert (c.measured, c.waiting, c.dropped, c.readings) == (
            len(self.made),
            len(waits),
            0,
            2 * len(self.made),
        )
        assert self.outbox.state() == self.state
        replay = [(r.epoch, r.seq) for r in self.outbox.since_state()]
        assert replay == self.made[self.covered :]

    def teardown(self) -> None:
        self.outbox.close()
        self.folder.cleanup()


OutboxMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
test_the_outbox_agrees_with_a_list = OutboxMachine.TestCase


def test_the_last_time_is_kept_when_all_items_are_gone(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "o.sqlite")
    outbox.commit(Change(5, [Batch([record(5, 1), record(5, 2)], b"state")]))
    outbox.commit(Change(5, acks=[wire.Ack(1, 5, 2)]))
    outbox.close()
    again = open_outbox(tmp_path / "o.sqlite")

    assert not waiting(again)
    assert list(again.since_state()) == []
    assert again.last_t_ns() == 5002
    again.close()
