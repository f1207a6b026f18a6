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

from greenhearth_gateway.journal.ledger import guess_forgotten
from greenhearth_gateway.journal.schema import FORMAT, PAGE, prepare

FILE_NAME = "journal.sqlite"

WAL_KEPT_BYTES = 16 << 20
"""To this the write-ahead log is cut after a checkpoint; one of usual size has 4 MB."""

_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_ERROR,
)


class JournalError(Exception):
    """The journal cannot be used: says which file and why."""


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error says that the file's content is wrong, not that the disk is full or away."""
    code = getattr(error, "sqlite_errorcode", None)
    return "decode" in str(error) if code is None else (code & 0xFF) in _DAMAGE


def prepare_new(connection: sqlite3.Connection) -> None:
    """Make an empty file a journal."""
    connection.execute(f"PRAGMA page_size={PAGE}")
    prepare(connection, 0)


def suspect(path: Path) -> Path:
    """Return the mark that asks for a whole check at the next start."""
    return path.with_name(path.name + ".suspect")


def open_writer(path: Path) -> sqlite3.Connection:
    """Open or create the journal for its one writer; JournalError if that is not possible."""
    try:
        return connect_writer(path)
    except sqlite3.Error as error:
        raise JournalError(f"{path}: cannot be opened as the journal ({error})") from error


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open as :func:`open_writer` does, but let SQLite's own errors out."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        connection.execute(f"PRAGMA page_size={PAGE}")
        if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):  # it fails in silence
            raise sqlite3.OperationalError("its disk does not let it have a write-ahead log")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_spill=OFF")  # a full disk is met at the commit, not half way there
        connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        _prepare(connection, path)
        _refuse_read_only(connection)
    except (sqlite3.Error, UnicodeError, JournalError):
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the journal read-only; sqlite3.OperationalError if there is none."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    connection.execute("PRAGMA query_only=ON")
    return connection


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


def _refuse_read_only(connection: sqlite3.Connection) -> None:
    """Raise if the file cannot be written: SQLite then opens it for reading, without a word and for good."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version={FORMAT}")  # only in memory: a full disk does not matter
    finally:
        connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == FORMAT:
        return
    if not 0 <= found < FORMAT:
        raise JournalError(f"{path}: has the layout {found}; this version reads {FORMAT}")
    prepare(connection, found)
    if found == 1 and connection.execute("SELECT coalesce(min(id), 1) FROM items").fetchone()[0] > 1:
        guess_forgotten(connection)
