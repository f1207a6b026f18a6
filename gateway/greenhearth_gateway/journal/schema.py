"""The tables of the journal; how a file of an earlier layout becomes one of this."""

import sqlite3
from functools import cache

FORMAT = 2
"""``PRAGMA user_version`` of this layout."""

OWN = 0x67680000
"""``PRAGMA application_id`` is this plus the layout: a second place that says which layout it is."""

PAGE = 4096
"""Bytes of a page; said, so that a file whose header is damaged can still be read."""

_FIRST = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL, t_ns INTEGER NOT NULL, leaf TEXT NOT NULL, payload BLOB NOT NULL);
CREATE UNIQUE INDEX items_place ON items (site, agent, epoch, seq);
CREATE INDEX items_time ON items (leaf, site, agent, t_ns);
CREATE TABLE orphans (
    site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    birth INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (site, agent, epoch, seq));
CREATE INDEX orphans_birth ON orphans (site, agent, epoch, birth);
CREATE TABLE watermark (
    site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL, ranges TEXT NOT NULL,
    PRIMARY KEY (site, agent, epoch)) WITHOUT ROWID;
CREATE TABLE counts (
    site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL, stored INTEGER NOT NULL,
    duplicates INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    PRIMARY KEY (site, agent, epoch)) WITHOUT ROWID;
CREATE TABLE births (
    site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    payload BLOB NOT NULL, PRIMARY KEY (site, agent, epoch, seq));
CREATE TABLE finished (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, agent TEXT NOT NULL, line TEXT NOT NULL, what TEXT NOT NULL,
    end_ns INTEGER NOT NULL, payload BLOB NOT NULL);
CREATE INDEX finished_line ON finished (line, end_ns);
CREATE TABLE alarm_state (id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alarm_journal (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, t_ns INTEGER NOT NULL, was TEXT NOT NULL, state TEXT NOT NULL,
    value REAL, who TEXT NOT NULL);
CREATE TABLE quarantine (
    n INTEGER PRIMARY KEY, site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL, reason TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    digest BLOB NOT NULL UNIQUE, times INTEGER NOT NULL);
CREATE TABLE cursors (name TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
"""

_SECOND = """
ALTER TABLE items ADD COLUMN crc INTEGER;
ALTER TABLE orphans ADD COLUMN crc INTEGER;
ALTER TABLE watermark ADD COLUMN forgotten TEXT;
ALTER TABLE watermark ADD COLUMN crc INTEGER;
ALTER TABLE counts ADD COLUMN ranges TEXT;
ALTER TABLE counts ADD COLUMN forgotten TEXT;
ALTER TABLE counts ADD COLUMN crc INTEGER;
ALTER TABLE births ADD COLUMN crc INTEGER;
ALTER TABLE finished ADD COLUMN crc INTEGER;
ALTER TABLE alarm_state ADD COLUMN crc INTEGER;
ALTER TABLE alarm_journal ADD COLUMN crc INTEGER;
ALTER TABLE quarantine ADD COLUMN crc INTEGER;
ALTER TABLE cursors ADD COLUMN crc INTEGER;
CREATE INDEX quarantine_topic ON quarantine (topic) WHERE topic = 'disk';
CREATE TABLE hour_runs (
    site TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL, first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL, hour_ns INTEGER NOT NULL, readings INTEGER NOT NULL, final INTEGER NOT NULL,
    crc INTEGER, PRIMARY KEY (site, agent, epoch, first_seq)) WITHOUT ROWID;
CREATE INDEX hour_runs_hour ON hour_runs (hour_ns);
"""
"""Columns are added at the end, which SQLite does without touching a row: at once, however long the file."""


def prepare(db: sqlite3.Connection, found: int) -> None:
    """Bring an empty file (`found` 0) or one of an earlier layout to this one, in one transaction."""
    steps = (_FIRST if found < 1 else "") + (_SECOND if found < 2 else "")
    marks = f"PRAGMA application_id={OWN + FORMAT};PRAGMA user_version={FORMAT};"
    db.executescript(f"BEGIN IMMEDIATE;{steps}{marks}COMMIT;")


def texts(db: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """Return the name and the definition of every table and index of a file."""
    rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return frozenset((str(name), str(sql)) for name, sql in rows)


@cache
def expected_texts() -> frozenset[tuple[str, str]]:
    """Return what :func:`texts` finds in an undamaged file."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    prepare(db, 0)
    found = texts(db)
    db.close()
    return found


__all__ = ["FORMAT", "OWN", "PAGE", "expected_texts", "prepare", "texts"]
