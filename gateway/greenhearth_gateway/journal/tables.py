"""Every statement that changes the journal, one small function each."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from greenhearth.clock import NEVER_SET_NS
from greenhearth.wire import TWIN, Birth, Event, Item, Record, leaf_of
from greenhearth.wire_counts import HourRun
from greenhearth_gateway.alarms.engine import Transition
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.intake import Refusal, Source
from greenhearth_gateway.journal.checks import columns_crc, item_crc, payload_crc
from greenhearth_gateway.journal.ledger import load_books, save_book

PREFIX_BYTES = 2000
"""Kept of a payload that was refused without a place in the sequence; the agent has the rest."""

MOST_PLACELESS = 1000
"""Refused payloads without a place that are kept; the oldest go first."""

FINISHED = ("batch_finished", "window_finished")

INDEXED = (*FINISHED, TWIN)
"""Events that are found again by line and time: what finished, and what green twins would have taken."""

DISK = "disk"
"""Stands in place of a topic where an item was lost by damage of this gateway's disk."""


class ItemRow(NamedTuple):
    """One row of `items`."""

    id: int
    site: str
    agent: str
    epoch: int
    seq: int
    t_ns: int
    leaf: str
    payload: bytes
    crc: int | None


def item_row(item_id: int, source: Source, item: Item, payload: bytes) -> ItemRow:
    """Return the row of an item."""
    leaf = leaf_of(item)
    crc = item_crc(source, leaf, payload, item_id)
    return ItemRow(item_id, source.site, source.agent, item.epoch, item.seq, item.t_ns, leaf, payload, crc)


def next_id(db: sqlite3.Connection) -> int:
    """Return the id of the next item; ids are never used again."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    return int(row[0]) + 1 if row else 1


def reserve_ids(db: sqlite3.Connection, upto: int) -> None:
    """Never give an id up to `upto`: a projection has gone beyond it."""
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'items' AND seq < ?", (upto,))
    sql = "INSERT INTO sqlite_sequence SELECT 'items', ? WHERE NOT EXISTS"
    db.execute(f"{sql} (SELECT 1 FROM sqlite_sequence WHERE name = 'items')", (upto,))


def insert_items(db: sqlite3.Connection, rows: Iterable[ItemRow]) -> None:
    """Append items; their ids are the cursor of the projections."""
    db.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def insert_item(db: sqlite3.Connection, source: Source, item: Item, payload: bytes) -> int:
    """Append one item and return its id."""
    row = item_row(next_id(db), source, item, payload)
    insert_items(db, [row])
    return row.id


def find_crc(db: sqlite3.Connection, source: Source, epoch: int, seq: int) -> int | None:
    """Return the checksum of the payload that is stored under a number; None if none is."""
    key = (*source, epoch, seq)
    where = "WHERE site = ? AND agent = ? AND epoch = ? AND seq = ?"
    row = db.execute(f"SELECT leaf, payload, crc, id FROM items {where}", key).fetchone()
    if row is None:
        row = db.execute(f"SELECT 'records', payload, crc, 0 FROM orphans {where}", key).fetchone()
    if row is None:
        return None
    leaf, payload, crc, item_id = row
    return payload_crc(source, leaf, payload) if crc is None else crc ^ (item_id & 0xFFFFFFFF)


def insert_birth(db: sqlite3.Connection, source: Source, birth: Birth, payload: bytes) -> None:
    """Keep a birth where records look for it, beyond any retention."""
    row = (*source, birth.epoch, birth.seq, payload, payload_crc(source, "birth", payload))
    db.execute("INSERT OR REPLACE INTO births VALUES (?, ?, ?, ?, ?, ?)", row)


def find_birth(db: sqlite3.Connection, source: Source, epoch: int, seq: int) -> bytes | None:
    """Return the payload of a birth, if it has come."""
    sql = "SELECT payload FROM births WHERE site = ? AND agent = ? AND epoch = ? AND seq = ?"
    row = db.execute(sql, (*source, epoch, seq)).fetchone()
    return row[0] if row else None


def insert_orphan(db: sqlite3.Connection, source: Source, record: Record, payload: bytes) -> None:
    """Keep a record whose birth has not come."""
    crc = payload_crc(source, "records", payload)
    row = (*source, record.epoch, record.seq, record.birth, payload, crc)
    db.execute("INSERT INTO orphans VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def take_orphans(db: sqlite3.Connection, source: Source, birth: Birth) -> list[bytes]:
    """Remove and return the records that waited for this birth, in their order."""
    where = "WHERE site = ? AND agent = ? AND epoch = ? AND birth = ?"
    key = (*source, birth.epoch, birth.seq)
    rows = db.execute(f"SELECT payload FROM orphans {where} ORDER BY seq", key).fetchall()
    db.execute(f"DELETE FROM orphans {where}", key)
    return [row[0] for row in rows]


def insert_finished(db: sqlite3.Connection, source: Source, event: Event, payload: bytes) -> None:
    """Index a finished batch or window, or what a green twin would have taken for it."""
    sql = "INSERT INTO finished (site, agent, line, what, end_ns, payload, crc) VALUES (?, ?, ?, ?, ?, ?, ?)"
    crc = payload_crc(source, "events", payload)
    db.execute(sql, (*source, event.subject, event.what, event.end_ns, payload, crc))


def insert_refusal(db: sqlite3.Connection, refusal: Refusal) -> None:
    """Quarantine; the same payload for the same reason is counted, not kept twice."""
    kept = refusal.payload if refusal.seq else refusal.payload[:PREFIX_BYTES]
    digest = hashlib.sha256()
    for part in (refusal.reason.encode(), refusal.topic.encode(), refusal.payload):
        digest.update(len(part).to_bytes(8, "big") + part)
    row = (*refusal.source, refusal.epoch, refusal.seq, refusal.reason, refusal.topic, kept, digest.digest())
    db.execute(
        "INSERT INTO quarantine (site, agent, epoch, seq, reason, topic, payload, digest, times, crc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (digest) DO UPDATE SET times = times + 1",
        (*row, columns_crc("quarantine", *row)),
    )
    if not refusal.seq:
        db.execute(
            "DELETE FROM quarantine WHERE seq = 0 AND n <="
            " (SELECT n FROM quarantine WHERE seq = 0 ORDER BY n DESC LIMIT 1 OFFSET ?)",
            (MOST_PLACELESS,),
        )


def insert_damaged(db: sqlite3.Connection, source: Source, epoch: int, seqs: Sequence[int]) -> None:
    """Note items that were taken and that this gateway's disk has lost, one row each."""
    for seq in seqs:
        reason = f"damaged on the gateway's disk: item {seq} of {source.site}/{source.agent}, epoch {epoch}"
        insert_refusal(db, Refusal(source, reason, DISK, b"", epoch, seq))


def forget_damaged(db: sqlite3.Connection, source: Source, epoch: int, seq: int) -> None:
    """Take the note back: the item came again."""
    where = "topic = 'disk' AND site = ? AND agent = ? AND epoch = ? AND seq = ?"
    db.execute(f"DELETE FROM quarantine WHERE {where}", (*source, epoch, seq))


def save_hour_run(db: sqlite3.Connection, source: Source, run: HourRun) -> None:
    """Keep the numbers of an hour as the agent told them, beyond any retention."""
    row = (*source, run.epoch, run.first, run.last, run.hour_ns, run.readings, int(run.final))
    crc = columns_crc("hour_runs", *row)
    db.execute("INSERT OR REPLACE INTO hour_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, crc))


def save_alarm(db: sqlite3.Connection, alarm_id: str, state: AlarmState) -> None:
    """Write the state of one alarm."""
    row = (alarm_id, msgspec.json.encode(state).decode())
    crc = columns_crc("alarm_state", *row)
    db.execute("INSERT OR REPLACE INTO alarm_state VALUES (?, ?, ?)", (*row, crc))


def load_alarms(db: sqlite3.Connection) -> dict[str, AlarmState]:
    """Read the states of all alarms that ever had one."""
    rows = db.execute("SELECT id, state FROM alarm_state")
    return {alarm_id: msgspec.json.decode(text, type=AlarmState) for alarm_id, text in rows}


def insert_transition(db: sqlite3.Connection, change: Transition) -> None:
    """Append to the alarm journal."""
    value = None if change.value is None else float(change.value)
    row = (change.id, change.t_ns, change.was, change.state, value, change.who)
    db.execute(
        "INSERT INTO alarm_journal (id, t_ns, was, state, value, who, crc) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*row, columns_crc("alarm_journal", *row)),
    )


def save_cursor(db: sqlite3.Connection, name: str, item_id: int) -> None:
    """Note how far a projection has come."""
    crc = columns_crc("cursors", name, item_id)
    db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (name, item_id, crc))


def forget_items(
    db: sqlite3.Connection, young_ns: tuple[int, int], upto_id: int, most: int
) -> list[tuple[str, str, int, int]]:
    """Delete up to `most` items older than the times `young_ns` with ids up to `upto_id`.

    They go in the order in which they came, up to the first young record: what an agent with a wrong
    clock sent after it stays as long as its neighbours, and a date that was never set deletes nothing.
    Returns the (site, agent, epoch, seq) of each.
    """
    young = "SELECT id FROM items WHERE leaf = 'records' AND t_ns BETWEEN ? AND ? ORDER BY id LIMIT 1"
    (first,) = db.execute(young, young_ns).fetchone() or (upto_id + 1,)
    old = "SELECT id FROM items WHERE id < ? AND t_ns >= ? AND t_ns < ? ORDER BY id LIMIT ?"
    ids = [row[0] for row in db.execute(old, (min(first, upto_id + 1), NEVER_SET_NS, young_ns[0], most))]
    which = "SELECT id FROM items WHERE id <= ? AND t_ns < ? ORDER BY id LIMIT ?"
    sql = f"DELETE FROM items WHERE id IN ({which}) RETURNING site, agent, epoch, seq"
    return list(db.execute(sql, (ids[-1], young_ns[0], most))) if ids else []


def newest_time(db: sqlite3.Connection) -> int:
    """Return the time of the item that came last, 0 in an empty journal."""
    row = db.execute("SELECT t_ns FROM items ORDER BY id DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


__all__ = ["FINISHED", "INDEXED", "ItemRow", "Refusal", "load_books", "save_book"]
