"""Restatements: stored figures with later factors, in a file of their own beside the journal.

The journal is never touched: what was reported stays as it was reported. A restatement is known by
agent, line, window, start and new factor set; what is there stays, so storing it again changes nothing.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from greenhearth.restatement import Change, RestatedWindow, Restatement, Side
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.database import JournalError, open_reader

FILE_NAME = "restatements.sqlite"
FORMAT = 1
_TABLE = """
CREATE TABLE restatements (
    site TEXT NOT NULL, agent TEXT NOT NULL, line TEXT NOT NULL, window TEXT NOT NULL,
    start_ns INTEGER NOT NULL, new_set TEXT NOT NULL, end_ns INTEGER NOT NULL, batch TEXT NOT NULL,
    validity INTEGER NOT NULL, known_at TEXT NOT NULL, old_set TEXT NOT NULL,
    old TEXT NOT NULL, new TEXT NOT NULL, causes TEXT NOT NULL,
    PRIMARY KEY (site, agent, line, window, start_ns, new_set)) WITHOUT ROWID;
CREATE INDEX restatements_end ON restatements (line, end_ns);
"""


class Value(msgspec.Struct, frozen=True):
    """One figure with its unit, and the expanded uncertainty (k = 2) of a new one."""

    value: float
    unit: str
    uncertainty: float | None = None


class Cause(msgspec.Struct, frozen=True):
    """One changed factor, old and new with sources, and what it moves in each metric."""

    name: str
    old: Side
    new: Side
    moved: dict[str, float]


class Kept(msgspec.Struct, frozen=True):
    """One stored restatement: old beside new, and why they differ."""

    site: str
    agent: str
    line: str
    window: str
    start_ns: int
    new_set: str
    end_ns: int
    batch: str
    validity: int
    known_at: str
    old_set: str
    old: dict[str, Value]
    new: dict[str, Value]
    causes: list[Cause]


def add_restatement(path: Path, source: Source, found: Restatement) -> int:
    """Store a restatement of one agent's line and return how many windows are new in the file.

    JournalError if the file cannot be written.
    """
    rows = [_row(source, found, one) for one in found.windows]
    try:
        with _writer(path) as db:
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO restatements VALUES ({', '.join('?' * 14)})", rows)
            return db.total_changes - before
    except sqlite3.Error as error:
        raise JournalError(f"{path}: the restatement cannot be stored ({error})") from error


def restatements(path: Path, line: str, limit: int) -> list[Kept]:
    """Return the newest windows of a line that were restated, newest first; none without a file."""
    if not path.is_file():
        return []
    with closing(open_reader(path)) as db:
        sql = "SELECT * FROM restatements WHERE line = ? ORDER BY end_ns DESC, window, new_set LIMIT ?"
        return [_kept(row) for row in db.execute(sql, (line, limit))]


@contextmanager
def _writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the file in one transaction, on disk when it ends."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5.0)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _prepare(db, path)
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        db.executescript(f"BEGIN IMMEDIATE;{_TABLE}PRAGMA user_version={FORMAT};COMMIT;")
    elif found != FORMAT:
        raise JournalError(f"{path}: has the layout {found}; this version reads {FORMAT}")


def _row(source: Source, found: Restatement, one: RestatedWindow) -> tuple[object, ...]:
    old = {name: Value(figure.old, figure.unit) for name, figure in one.figures.items()}
    new = {name: Value(figure.new, figure.unit, figure.uncertainty) for name, figure in one.figures.items()}
    causes = [_cause(change, one) for change in found.changes if _moves(change, one)]
    texts = (msgspec.json.encode(part).decode() for part in (old, new, causes))
    return (
        *source, found.line, one.window, one.start_ns, one.new_set, one.end_ns, one.batch, one.validity,
        found.known_at, one.old_set, *texts,
    )  # fmt: skip


def _moves(change: Change, one: RestatedWindow) -> bool:
    return any(change.name in figure.by_cause for figure in one.figures.values())


def _cause(change: Change, one: RestatedWindow) -> Cause:
    moved = {name: figure.by_cause.get(change.name, 0.0) for name, figure in one.figures.items()}
    return Cause(change.name, change.old, change.new, moved)


def _kept(row: tuple[object, ...]) -> Kept:
    fields = dict(zip(Kept.__struct_fields__, row, strict=True))
    parts = {name: msgspec.json.decode(str(fields[name])) for name in ("old", "new", "causes")}
    return msgspec.convert({**fields, **parts}, Kept)
