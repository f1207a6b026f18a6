"""Takes over, once, the outbox that earlier versions kept in one SQLite file; the only `import sqlite3`."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from greenhearth_agent.items import Batch, Change, Counts, Entry

log = logging.getLogger(__name__)

ROWS = 200
_WAITING = "SELECT epoch, seq, t_ns, leaf, payload, readings FROM items WHERE acked = 0 ORDER BY epoch, seq"


def take_over(old: Path, commit: Callable[[Change], None], adopt: Callable[[Counts], None]) -> str:
    """Commit what waits in an earlier version's file and adopt its counts; rename the file.

    Returns where a damaged file was put, '' if all is well. BlockingIOError: an agent has it open.
    What was committed before an interruption is passed over by `commit` the next time.
    """
    if not old.is_file():
        return ""
    try:
        with closing(sqlite3.connect(old, isolation_level=None, timeout=1.0)) as db:
            _take_over(db, commit, adopt)
    except sqlite3.OperationalError as error:
        raise BlockingIOError(f"{old} cannot be taken over ({error})") from error
    except sqlite3.DatabaseError:
        return _retire(old, "damaged-1")
    log.warning("took over %s; totals of running batches and windows begin anew", old)
    _retire(old, "taken-over")
    old.with_name(f"{old.name}.reserve").unlink(missing_ok=True)
    return ""


def _take_over(
    db: sqlite3.Connection, commit: Callable[[Change], None], adopt: Callable[[Counts], None]
) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN IMMEDIATE")
    meta: dict[str, int] = dict(db.execute("SELECT name, value FROM meta").fetchall())
    for entries in _waiting(db):
        commit(Change(entries[0].epoch, [Batch(entries)]))
    db.execute("ROLLBACK")
    counts = Counts(meta.get("epoch", 0), meta.get("last_seq", 0), meta.get("last_t_ns", 0))
    counts.measured, counts.dropped = meta.get("measured", 0), meta.get("dropped", 0)
    counts.readings = meta.get("readings", 0)
    adopt(counts)


def _waiting(db: sqlite3.Connection) -> Iterator[list[Entry]]:
    """Yield what waits, a few items of one epoch at a time."""
    rows = db.execute(_WAITING)
    going: list[Entry] = []
    for row in rows:
        entry = Entry(*row)
        if going and (len(going) == ROWS or entry.epoch != going[0].epoch):
            yield going
            going = []
        going.append(entry)
    if going:
        yield going


def _retire(old: Path, suffix: str) -> str:
    for ending in ("", "-wal", "-shm"):
        part = old.with_name(old.name + ending)
        if part.exists():
            part.rename(old.with_name(f"{old.name}.{suffix}{ending}"))
    return str(old.with_name(f"{old.name}.{suffix}"))
