"""Open the journal at the start of the gateway, whatever the disk has done to it.

A damaged file is put aside, never changed. What can be read of it goes into a new one, and what
cannot is counted: the gateway starts.
"""

import logging
import os
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

from greenhearth_gateway.journal import database
from greenhearth_gateway.journal.database import JournalError, is_damage, suspect
from greenhearth_gateway.journal.salvage import salvage
from greenhearth_gateway.journal.schema import FORMAT, OWN
from greenhearth_gateway.journal.settle import settle_books
from greenhearth_gateway.journal.soundness import find_fault
from greenhearth_gateway.journal.wal import is_damaged

log = logging.getLogger(__name__)

CHECKED_BYTES = 64 << 20
"""Up to this size the whole file is checked at every start (about 1 s); a longer one in the background."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The journal for its one writer, and what a person must hear of it."""

    db: sqlite3.Connection
    sentence: str = ""


def open_journal(path: Path) -> Opened:
    """Open, create or salvage the journal; JournalError if the disk does not let it."""
    try:
        _finish_exchange(path)
        fault = _fault_before(path)
        if not fault:
            try:
                return _open_checked(path)
            except _FaultError as error:
                fault = str(error)
        return _salvaged(path, fault)
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"{path}: cannot be opened as the journal ({error})") from error


class _FaultError(Exception):
    """The file is damaged: says how that was found."""


def _fault_before(path: Path) -> str:
    """Look at the bytes before SQLite does, which forgets a log whose beginning is damaged."""
    wal = _beside(path, "-wal")
    if wal.is_file() and is_damaged(wal.read_bytes()):
        return "its write-ahead log is damaged"
    if not path.is_file() or path.stat().st_size == 0:
        return "it is empty beside a write-ahead log" if wal.is_file() and wal.stat().st_size > 32 else ""
    with path.open("rb") as file:
        return _fault_of_header(file.read(100), path)


def _fault_of_header(head: bytes, path: Path) -> str:
    if len(head) < 100 or head[:16] != b"SQLite format 3\0":
        return "it does not begin as a journal"
    fixed = (head[16:24], head[44:48], head[52:60], head[64:68])
    (version,) = struct.unpack_from(">I", head, 60)
    (own,) = struct.unpack_from(">I", head, 68)
    if version > FORMAT and own == OWN + version:
        raise JournalError(f"{path}: has the layout {version}; this version reads {FORMAT}")
    if (version, own) not in ((0, 0), (1, 0), (FORMAT, OWN + FORMAT)):
        return "its layout cannot be read"
    usual = [b"\x10\0%s\0@  " % mode for mode in (b"\1\1", b"\2\2")]
    sound = fixed[0] in usual and fixed[1] in (b"\0\0\0\4", bytes(4)) and fixed[3] == bytes(4)
    sound = sound and fixed[2] in (b"\0\0\0\0\0\0\0\1", bytes(8))
    return "" if sound else "its first page is damaged"


def _open_checked(path: Path) -> Opened:
    try:
        db = database.connect_writer(path)
    except (sqlite3.Error, UnicodeError) as error:
        raise _as_fault(error) from error
    try:
        whole = suspect(path).exists() or path.stat().st_size <= CHECKED_BYTES
        fault = find_fault(db, whole)
    except (sqlite3.Error, UnicodeError) as error:
        db.close()
        raise _as_fault(error) from error
    if fault:
        db.close()
        raise _FaultError(fault)
    suspect(path).unlink(missing_ok=True)
    return Opened(db)


def _as_fault(error: sqlite3.Error | UnicodeError) -> Exception:
    if isinstance(error, UnicodeError) or is_damage(error):
        return _FaultError(str(error))
    return error


def _salvaged(path: Path, fault: str) -> Opened:
    log.warning("%s is damaged (%s); what can be read of it goes into a new file", path, fault)
    building = _beside(path, ".building")
    _remove(building)
    db = sqlite3.connect(building, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=MEMORY")
    database.prepare_new(db)
    db.execute("BEGIN IMMEDIATE")
    remains = salvage(path, _beside(path, "-wal"), db)
    lost = settle_books(db, remains)
    db.execute("COMMIT")
    db.close()
    os.replace(building, _beside(path, ".salvaged"))
    aside = _finish_exchange(path)
    suspect(path).unlink(missing_ok=True)
    return Opened(database.connect_writer(path), _sentence(path, aside, fault, lost))


def _finish_exchange(path: Path) -> str:
    """Put the damaged files aside and the salvaged one in their place, also after a crash half way."""
    ready = _beside(path, ".salvaged")
    if not ready.exists():
        return ""
    number = 1
    while any(path.parent.glob(f"{path.name}.damaged-{number}*")):
        number += 1
    aside = f".damaged-{number}"
    _sync(ready)
    for tail in ("-wal", "-shm", ""):
        if _beside(path, tail).exists():
            os.replace(_beside(path, tail), _beside(path, aside + tail))
    os.replace(ready, path)
    _sync(path.parent)
    return path.name + aside


def _sentence(path: Path, aside: str, fault: str, lost: int) -> str:
    rows = "no item of it is known to be lost"
    if lost:
        rows = f"{lost} item(s) of it cannot be read any more and are counted as quarantined"
    return (
        f"The gateway's journal {path} was damaged on the disk ({fault}): {rows}. All that could be read is "
        f"in use, the damaged file is kept as {aside}. See whether the disk is failing."
    )


def _beside(path: Path, tail: str) -> Path:
    return path.with_name(path.name + tail)


def _remove(path: Path) -> None:
    for tail in ("", "-wal", "-shm", "-journal"):
        _beside(path, tail).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
