"""The SQLite file of an earlier version is taken over once, and nothing in it is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from greenhearth_agent.items import Batch, Change
from greenhearth_agent.outbox import OutboxError

from .outboxes import event, open_outbox, record, waiting

SCHEMA = """
CREATE TABLE items(
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, t_ns INTEGER NOT NULL,
    leaf TEXT NOT NULL, readings INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL);
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
WAITS = [(5, 3), (5, 9), *((6, n) for n in range(2, 500))]


def _earlier(path: Path) -> None:
    """Write what the earlier version would have left: 510 measured, 500 waiting, 4 dropped."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
        for epoch, seq in [*WAITS, (6, 500)]:
            e = event(epoch, seq) if seq % 7 == 0 else record(epoch, seq)
            row = (e.epoch, e.seq, e.t_ns, e.leaf, e.readings, seq == 500, e.payload)
            db.execute(
                "INSERT INTO items(epoch, seq, t_ns, leaf, readings, acked, payload) VALUES (?,?,?,?,?,?,?)",
                row,
            )
        meta = {
            "epoch": 6,
            "last_seq": 500,
            "last_t_ns": 6500,
            "measured": 510,
            "dropped": 4,
            "readings": 900,
        }
        db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        db.commit()


def test_what_waits_and_the_counts_are_taken_over_once(tmp_path: Path) -> None:
    _earlier(tmp_path / "outbox.sqlite")
    outbox = open_outbox(tmp_path / "outbox")
    assert waiting(outbox) == WAITS
    c = outbox.counts
    assert (c.epoch, c.last_seq, c.last_t_ns) == (6, 500, 6500)
    assert (c.measured, c.waiting, c.dropped, c.readings, c.damaged) == (510, 500, 4, 900, 0)
    assert outbox.next_epoch(0) == 7
    outbox.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["outbox", "outbox.sqlite.taken-over"]
    outbox.open()
    assert (outbox.counts.measured, waiting(outbox)) == (510, WAITS)
    outbox.close()


def test_an_interrupted_take_over_is_done_again_without_doubling(tmp_path: Path) -> None:
    interrupted = open_outbox(tmp_path / "outbox")
    interrupted.commit(Change(5, [Batch([record(5, 3), record(5, 9)])]))
    interrupted.commit(Change(6, [Batch([record(6, n) for n in range(2, 7)])]))
    interrupted.close()
    _earlier(tmp_path / "outbox.sqlite")
    outbox = open_outbox(tmp_path / "outbox")
    assert waiting(outbox) == WAITS
    assert (outbox.counts.measured, outbox.counts.waiting) == (510, 500)
    outbox.close()


def test_a_file_that_another_agent_has_open_is_left_to_it(tmp_path: Path) -> None:
    _earlier(tmp_path / "outbox.sqlite")
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutboxError, match="another agent runs on this data folder"):
            open_outbox(tmp_path / "outbox")
    assert (tmp_path / "outbox.sqlite").exists()


def test_a_damaged_file_is_put_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"something else entirely" * 1000)
    outbox = open_outbox(tmp_path / "outbox")
    assert outbox.moved_aside == str(tmp_path / "outbox.sqlite.damaged-1")
    assert Path(outbox.moved_aside).is_file()
    outbox.close()
