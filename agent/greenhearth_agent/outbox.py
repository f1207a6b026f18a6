"""The outbox on disk: what was measured stays here until the gateway says it has it.

One SQLite file, write-ahead log, an fsync with every commit, one connection, one owner.
Everything that belongs together - items, acknowledgements, the kernels' state, the counts -
is one transaction. An item is deleted when it is acknowledged *and* a snapshot of the
kernels' state covers it: until then it is what a restart replays.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, Counts, Entry, Unstored
from greenhearth_agent.reserve import Reserve

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items(
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, t_ns INTEGER NOT NULL,
    leaf TEXT NOT NULL, readings INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS items_by_seq ON items(epoch, seq);
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshot(
    one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, state BLOB NOT NULL);
"""
SCHEMA_VERSION = 1
CHECKED_BYTES = 64 << 20
"""Files up to this size are checked whole at start; that takes less than 0.5 s."""
T = TypeVar("T")
_META = ("epoch", "last_seq", "last_t_ns", "measured", "dropped", "readings")
_UNSTORED = ("unstored_items", "unstored_lost", "unstored_readings")
_INSERT = "INSERT INTO items(epoch, seq, t_ns, leaf, payload, readings) VALUES (?, ?, ?, ?, ?, ?)"
_WAITING = (
    "SELECT id, epoch, seq, t_ns, leaf, payload, readings FROM items "
    "WHERE acked = 0 AND id > ? ORDER BY id LIMIT ?"
)
_OLDEST = "SELECT id FROM items WHERE leaf = ? AND acked = 0 ORDER BY id LIMIT ?"


class OutboxError(Exception):
    """The outbox could not be written or opened: one sentence that says why."""


@dataclass
class Outbox:
    """See the module. Not thread-safe: one thread owns it."""

    path: Path
    max_bytes: int
    counts: Counts = field(default_factory=Counts)
    moved_aside: str = ""
    """Where a damaged file was put at start."""
    _db: sqlite3.Connection | None = None
    _upto: dict[int, int] = field(default_factory=dict)
    _covered: int = 0
    """Id of the last item the snapshot contains."""

    @property
    def reserve(self) -> Reserve:
        """Space on the same disk for the last commit of a life."""
        return Reserve(self.path.with_name(f"{self.path.name}.reserve"))

    def open(self) -> None:
        """Open or create the file; a damaged one is put aside. OutboxError says why not."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connect(whole=True)
            self.reserve.keep()
        except sqlite3.DatabaseError as error:
            self._disconnect()
            if isinstance(error, sqlite3.OperationalError):
                raise OutboxError(self._sentence(error)) from error
            self._put_aside()
            self._attempt(self._connect)
        except OSError as error:
            raise OutboxError(f"the folder {self.path.parent} cannot be used: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        self._disconnect()

    def next_epoch(self, wall_ms: int) -> int:
        """Return a number for this start that is greater than every one before."""
        return max(self.counts.epoch + 1, wall_ms)

    def commit(self, change: Change) -> None:
        """Store a change, all or nothing, durably; OutboxError leaves everything as it was."""
        with self._transaction() as db:
            counts, covered = replace(self.counts), self._covered
            if change.epoch > counts.epoch:
                counts.epoch, counts.last_seq = change.epoch, 0
                db.execute("DELETE FROM meta WHERE name LIKE 'unstored%'")
            for batch in change.batches:
                covered = self._insert(db, batch, counts) or covered
            _count_unstored(db, change.unstored, counts)
            for ack in change.acks:
                counts.waiting -= self._acknowledge(db, ack)
            db.execute("DELETE FROM items WHERE acked = 1 AND id <= ?", (covered,))
            self._keep_within(db, counts)
            for name in _META:
                _set(db, name, getattr(counts, name))
        self.counts, self._covered = counts, covered
        for ack in change.acks:
            self._upto[ack.epoch] = max(ack.upto, self._upto.get(ack.epoch, 0))

    def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        """Return up to `limit` unacknowledged items with ids above `after_id`, oldest first."""
        rows = self._attempt(lambda: self._open_db().execute(_WAITING, (after_id, limit)).fetchall())
        return [(row[0], Entry(*row[1:])) for row in rows]

    def state(self) -> bytes | None:
        """Return the newest snapshot of the kernels' state, if there is one."""
        row = self._open_db().execute("SELECT state FROM snapshot").fetchone()
        return zlib.decompress(row[0]) if row else None

    def since_state(self) -> Iterator[wire.Record]:
        """Yield the records after the snapshot, in the order in which they were made."""
        sql = "SELECT payload FROM items WHERE id > ? AND leaf = 'records' ORDER BY id"
        for (payload,) in self._open_db().execute(sql, (self._covered,)):
            yield msgspec.json.decode(payload, type=wire.Record)

    def last_t_ns(self) -> int:
        """Return the latest time of any item that was ever here, 0 if there was none."""
        return self.counts.last_t_ns

    def _insert(self, db: sqlite3.Connection, batch: Batch, counts: Counts) -> int:
        """Store a batch; return the id its snapshot covers (0: it has none)."""
        for entry in batch.entries:
            if entry.seq <= counts.last_seq:
                continue  # a commit that was reported as failed had reached the disk after all
            db.execute(_INSERT, entry)
            counts.last_seq = entry.seq
            counts.last_t_ns = max(counts.last_t_ns, entry.t_ns)
            counts.measured += 1
            counts.waiting += 1
            counts.readings += entry.readings
            counts.written_bytes += len(entry.payload)
        if batch.snapshot is None:
            return 0
        row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
        last = int(row[0]) if row else 0
        db.execute("REPLACE INTO snapshot VALUES (1, ?, ?)", (last, zlib.compress(batch.snapshot, 1)))
        return last

    def _acknowledge(self, db: sqlite3.Connection, ack: wire.Ack) -> int:
        """Mark what an acknowledgement covers; return how many items that newly were."""
        first = self._upto.get(ack.epoch, 0) + 1
        sql = "UPDATE items SET acked = 1 WHERE acked = 0 AND epoch = ? AND seq BETWEEN ? AND ?"
        ranges = [(first, ack.upto), *ack.also]
        return sum(db.execute(sql, (ack.epoch, low, high)).rowcount for low, high in ranges if low <= high)

    def _keep_within(self, db: sqlite3.Connection, counts: Counts) -> None:
        """Give up the oldest records, and only then the oldest events, above the size limit."""
        counts.used_bytes = _used_bytes(db)
        for leaf in ("records", "events"):
            while counts.used_bytes > self.max_bytes:
                chunk = max(20, counts.waiting // 100)
                gone = db.execute(f"DELETE FROM items WHERE id IN ({_OLDEST})", (leaf, chunk)).rowcount
                counts.waiting -= gone
                counts.dropped += gone
                counts.used_bytes = _used_bytes(db)
                if gone == 0:
                    break
        row = db.execute("SELECT t_ns FROM items WHERE acked = 0 ORDER BY id LIMIT 1").fetchone()
        counts.oldest_waiting_ns = row[0] if row else 0

    def _connect(self, whole: bool = False) -> None:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=1.0)
        self._db = db
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if whole and self.path.stat().st_size <= CHECKED_BYTES:
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 8000000")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise OutboxError(f"{self.path} was written by a newer version of this program")
        if version < SCHEMA_VERSION:
            db.executescript(_SCHEMA + f"PRAGMA user_version = {SCHEMA_VERSION};")
        self._load(db)

    def _load(self, db: sqlite3.Connection) -> None:
        meta: dict[str, int] = dict(db.execute("SELECT name, value FROM meta").fetchall())
        written = self.counts.written_bytes
        self.counts = Counts(**{name: meta.get(name, 0) for name in _META}, written_bytes=written)
        (self.counts.waiting,) = db.execute("SELECT count(*) FROM items WHERE acked = 0").fetchone()
        row = db.execute("SELECT id FROM snapshot").fetchone()
        self._covered = row[0] if row else 0
        self.counts.used_bytes = _used_bytes(db)

    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            self._connect()
        assert self._db is not None
        return self._db

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._open_db()
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except sqlite3.Error as error:
            self._disconnect()  # a connection whose write failed is not trusted again
            raise OutboxError(self._sentence(error)) from error
        finally:
            if self._db is not None and self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _attempt(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            self._disconnect()
            raise OutboxError(self._sentence(error)) from error

    def _sentence(self, error: sqlite3.Error) -> str:
        text = str(error)
        if "full" in text:
            return f"the disk under {self.path.parent} is full: free some space there"
        if "locked" in text:
            return f"{self.path} is in use: another agent runs on this data folder"
        return f"the outbox {self.path} cannot be written ({text})"

    def _put_aside(self) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        self.moved_aside = str(aside)


def _set(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("REPLACE INTO meta VALUES (?, ?)", (name, value))


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _count_unstored(db: sqlite3.Connection, now: Unstored, counts: Counts) -> None:
    """Add what was not counted yet of the items that never reached the disk."""
    rows = db.execute("SELECT name, value FROM meta WHERE name LIKE 'unstored%'").fetchall()
    saved: dict[str, int] = dict(rows)
    counts.measured += now.items - saved.get("unstored_items", 0)
    counts.dropped += now.lost - saved.get("unstored_lost", 0)
    counts.readings += now.readings - saved.get("unstored_readings", 0)
    for name, value in zip(_UNSTORED, (now.items, now.lost, now.readings), strict=True):
        _set(db, name, value)
