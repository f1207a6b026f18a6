"""Whether an opened journal is sound: its structure, its definitions, and every row by its checksum."""

import sqlite3
from collections.abc import Iterator

from greenhearth_gateway.journal import schema
from greenhearth_gateway.journal.ledger import load_books
from greenhearth_gateway.journal.proof import is_proved
from greenhearth_gateway.journal.rows import Row
from greenhearth_gateway.journal.tables import load_alarms

_TABLES = {
    "items": "SELECT id, NULL, site, agent, epoch, seq, t_ns, leaf, payload, crc FROM items",
    "orphans": "SELECT 0, * FROM orphans",
    "births": "SELECT 0, * FROM births",
    "watermark": "SELECT 0, * FROM watermark",
    "counts": "SELECT 0, * FROM counts",
    "finished": "SELECT id, NULL, site, agent, line, what, end_ns, payload, crc FROM finished",
    "alarm_state": "SELECT 0, * FROM alarm_state",
    "alarm_journal": "SELECT n, NULL, id, t_ns, was, state, value, who, crc FROM alarm_journal",
    "quarantine": "SELECT n, NULL, site, agent, epoch, seq, reason, topic, payload, digest, times, crc"
    " FROM quarantine",
    "cursors": "SELECT 0, * FROM cursors",
    "hour_runs": "SELECT 0, * FROM hour_runs",
}


def find_fault(db: sqlite3.Connection, whole: bool) -> str:
    """Say what is wrong with a journal, or ''; `whole` reads every page and row, else only what starts it.

    sqlite3.Error where SQLite itself cannot go on.
    """
    if schema.texts(db) != schema.expected_texts():
        return "its tables are not what they were"
    if not whole:
        return _fault_of_books(db)
    (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        return str(said).replace("\n", " ")
    bad = sum(1 for row in rows_of(db) if not is_proved(row))
    return f"{bad} row(s) do not fit their checksums" if bad else _fault_of_books(db)


def rows_of(db: sqlite3.Connection) -> Iterator[Row]:
    """Yield every row of a journal."""
    for table, sql in _TABLES.items():
        for rowid, *values in db.execute(sql):
            yield Row(table, rowid, tuple(values))


def _fault_of_books(db: sqlite3.Connection) -> str:
    try:
        load_books(db)
        load_alarms(db)
    except (ValueError, TypeError, KeyError) as error:
        return f"its books cannot be read: {error}"
    return ""
