"""Open the journal's SQLite file: one connection writes, any number read.

WAL with ``synchronous=FULL``: a commit has reached the disk when it returns, and readers
never wait for the writer.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

FILE_NAME = "journal.sqlite"
FORMAT = 1
"""``PRAGMA user_version`` of this layout."""

_TABLES = """
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


class JournalError(Exception):
    """The journal cannot be used: says which file and why."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Open or create the journal for its one writer; JournalError if that is not possible."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_spill=OFF")  # a full disk is met at the commit, not half way there
        _prepare(connection, path)
    except sqlite3.Error as error:
        raise JournalError(f"{path}: cannot be opened as the journal ({error})") from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the journal read-only; sqlite3.OperationalError if there is none."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two gateways never write one journal; JournalError if held."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "gateway.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise JournalError(f"{folder}: another gateway works in this folder; give this one its own") from None
    finally:
        os.close(handle)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == FORMAT:
        return
    if found != 0:
        raise JournalError(f"{path}: has the layout {found}; this version reads {FORMAT}")
    connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version={FORMAT};COMMIT;")
