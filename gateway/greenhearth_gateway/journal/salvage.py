"""What can still be read of a damaged journal, row by row, into a new file."""

import mmap
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import msgspec

from greenhearth.seqset import SeqSet
from greenhearth.wire import Birth, Event
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.hour_runs import told_run
from greenhearth_gateway.intake import Source, read_item
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import Sequence
from greenhearth_gateway.journal.checks import payload_crc
from greenhearth_gateway.journal.ledger import seqs_of
from greenhearth_gateway.journal.proof import is_proved
from greenhearth_gateway.journal.rows import Buffer, Row, Value, find_rows
from greenhearth_gateway.journal.schema import PAGE
from greenhearth_gateway.journal.wal import frames_of

MOST_LINKS = 600
"""Pages of a row with overflow at most: a frame has at most 1 MiB."""

CHUNK = 500


@dataclass
class Remains:
    """What was found beside the rows that went straight into the new file."""

    seen: dict[Sequence, SeqSet] = field(default_factory=dict)
    forgotten: dict[Sequence, SeqSet] = field(default_factory=dict)
    duplicates: dict[Sequence, int] = field(default_factory=dict)
    alarms: dict[str, tuple[tuple[int, int], str]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    rows: int = 0


class Versions:
    """Pages by number: every version that the log has, newest first, and that of the file."""

    def __init__(self, file: Buffer, log: bytes) -> None:
        self._file, self._log = file, log
        self._places: dict[int, list[int]] = {}
        for frame in frames_of(log):
            self._places.setdefault(frame.page, []).insert(0, frame.start)

    def page(self, number: int) -> Iterator[bytes]:
        """Yield what may be the content of a page."""
        for start in self._places.get(number, []):
            yield self._log[start : start + PAGE]
        start = (number - 1) * PAGE
        if number > 1 and start + PAGE <= len(self._file):
            yield bytes(self._file[start : start + PAGE])

    def chains(self, number: int, length: int, links: int = 0) -> Iterator[bytes]:
        """Yield what may be `length` bytes of overflow that begin in a page."""
        if links > MOST_LINKS or not 0 < length < 1 << 21:
            return
        for page in self.page(number):
            if length <= PAGE - 4:
                yield page[4 : 4 + length]
                continue
            for rest in self.chains(int.from_bytes(page[:4], "big"), length - (PAGE - 4), links + 1):
                yield page[4:] + rest


def salvage(file: Path, log: Path, db: sqlite3.Connection) -> Remains:
    """Put every row that can be proved into the new journal `db`, inside its transaction."""
    wal = log.read_bytes() if log.is_file() else b""
    remains = Remains()
    with _mapped(file) as data:
        versions = Versions(data, wal)
        found = chain(find_rows(wal, versions.chains), find_rows(data, versions.chains))
        _restore(db, (row for row in found if is_proved(row)), remains)
    _index_again(db, remains)
    _place_orphans(db)
    _write_remains(db, remains)
    return remains


@contextmanager
def _mapped(file: Path) -> Iterator[Buffer]:
    if not file.is_file() or file.stat().st_size == 0:
        yield b""
        return
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _restore(db: sqlite3.Connection, rows: Iterable[Row], remains: Remains) -> None:
    batch: dict[str, list[tuple[Value, ...]]] = {table: [] for table in _INSERTS}
    for row in rows:
        remains.rows += 1
        if row.table not in batch:
            _remember(row, remains)
            continue
        values = (row.rowid, *row.values[1:]) if row.values[0] is None else row.values
        batch[row.table].append(values)
        if len(batch[row.table]) >= CHUNK:
            db.executemany(_INSERTS[row.table], batch[row.table])
            batch[row.table].clear()
    for table, left in batch.items():
        db.executemany(_INSERTS[table], left)


_INSERTS = {
    "items": "INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "orphans": "INSERT OR IGNORE INTO orphans VALUES (?, ?, ?, ?, ?, ?, ?)",
    "births": "INSERT OR IGNORE INTO births VALUES (?, ?, ?, ?, ?, ?)",
    "finished": "INSERT OR IGNORE INTO finished VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "alarm_journal": "INSERT OR IGNORE INTO alarm_journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "quarantine": "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "hour_runs": "INSERT INTO hour_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " last_seq = excluded.last_seq, readings = excluded.readings, final = excluded.final, crc = excluded.crc"
    " WHERE (excluded.last_seq, excluded.final) > (last_seq, final)",
}


def _remember(row: Row, remains: Remains) -> None:
    """Take over a row of which older versions may be found as well; numbers only ever grow."""
    match row.table, row.values:
        case "watermark", (str(site), str(agent), int(epoch), ranges, forgotten, _):
            _add(remains, Sequence(Source(site, agent), epoch), ranges, forgotten)
        case "counts", (str(site), str(agent), int(epoch), _, int(duplicates), _, ranges, forgotten, _):
            sequence = Sequence(Source(site, agent), epoch)
            _add(remains, sequence, ranges, forgotten)
            remains.duplicates[sequence] = max(duplicates, remains.duplicates.get(sequence, 0))
        case "alarm_state", (str(alarm_id), str(text), _):
            state = msgspec.json.decode(text, type=AlarmState)
            found = ((state.t_ns, state.since_ns), text)
            remains.alarms[alarm_id] = max(found, remains.alarms.get(alarm_id, found))
        case "cursors", (str(name), int(item_id), _):
            remains.cursors[name] = max(item_id, remains.cursors.get(name, 0))


def _add(remains: Remains, sequence: Sequence, ranges: Value, forgotten: Value) -> None:
    remains.seen[sequence] = seqs_of(ranges).union(remains.seen.get(sequence, SeqSet()))
    remains.forgotten[sequence] = seqs_of(forgotten).union(remains.forgotten.get(sequence, SeqSet()))


def _index_again(db: sqlite3.Connection, remains: Remains) -> None:
    """Write births and finished windows that are left only among the items."""
    there = set(db.execute("SELECT site, agent, crc FROM finished"))
    where = "leaf != 'records' ORDER BY id"
    rows = db.execute(f"SELECT site, agent, leaf, payload FROM items WHERE {where}").fetchall()
    for site, agent, leaf, payload in rows:
        item, source = read_item(payload), Source(site, agent)
        if isinstance(item, Birth):
            tables.insert_birth(db, source, item, payload)
        elif isinstance(item, Event):
            if item.what in tables.INDEXED and (site, agent, payload_crc(source, leaf, payload)) not in there:
                tables.insert_finished(db, source, item, payload)
            elif (run := told_run(item)) is not None:
                tables.save_hour_run(db, source, run)


def _place_orphans(db: sqlite3.Connection) -> None:
    """Drop orphans that have become items since, or were refused; those whose birth is there are items."""
    taken = "SELECT 1 FROM {} t WHERE (t.site, t.agent, t.epoch, t.seq) = (o.site, o.agent, o.epoch, o.seq)"
    for table in ("items", "quarantine"):
        db.execute(f"DELETE FROM orphans AS o WHERE EXISTS ({taken.format(table)})")
    births = "JOIN births b ON (b.site, b.agent, b.epoch, b.seq) = (o.site, o.agent, o.epoch, o.birth)"
    ready = db.execute(f"SELECT o.rowid, o.site, o.agent, o.payload FROM orphans o {births}").fetchall()
    for rowid, site, agent, payload in ready:
        tables.insert_item(db, Source(site, agent), read_item(payload), payload)
        db.execute("DELETE FROM orphans WHERE rowid = ?", (rowid,))


def _write_remains(db: sqlite3.Connection, remains: Remains) -> None:
    for sequence, gone in remains.forgotten.items():
        for first, last in gone:
            where = "site = ? AND agent = ? AND epoch = ? AND seq BETWEEN ? AND ?"
            key = (*sequence.source, sequence.epoch, first, last)
            db.execute(f"DELETE FROM items WHERE {where}", key)
    for alarm_id, (_, text) in remains.alarms.items():
        tables.save_alarm(db, alarm_id, msgspec.json.decode(text, type=AlarmState))
    for name, item_id in remains.cursors.items():
        tables.save_cursor(db, name, item_id)
    tables.reserve_ids(db, max(remains.cursors.values(), default=0))
