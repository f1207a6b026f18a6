"""Every statement that changes the journal, one small function each."""

import hashlib
import json
import sqlite3

import msgspec

from greenhearth.seqset import SeqSet
from greenhearth.wire import TWIN, Birth, Event, Item, Record, leaf_of
from greenhearth_gateway.alarms.engine import Transition
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.intake import Refusal, Source
from greenhearth_gateway.journal.books import Book, Sequence

PREFIX_BYTES = 2000
"""Kept of a payload that was refused without a place in the sequence; the agent has the rest."""

MOST_PLACELESS = 1000
"""Refused payloads without a place that are kept; the oldest go first."""

FINISHED = ("batch_finished", "window_finished")

INDEXED = (*FINISHED, TWIN)
"""Events that are found again by line and time: what finished, and what green twins would have taken."""


def insert_item(db: sqlite3.Connection, source: Source, item: Item, payload: bytes) -> int:
    """Append an item and return its id, the cursor of the projections."""
    cursor = db.execute(
        "INSERT INTO items (site, agent, epoch, seq, t_ns, leaf, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*source, item.epoch, item.seq, item.t_ns, leaf_of(item), payload),
    )
    return cursor.lastrowid or 0


def insert_birth(db: sqlite3.Connection, source: Source, birth: Birth, payload: bytes) -> None:
    """Keep a birth where records look for it, beyond any retention."""
    row = (*source, birth.epoch, birth.seq, payload)
    db.execute("INSERT OR REPLACE INTO births VALUES (?, ?, ?, ?, ?)", row)


def find_birth(db: sqlite3.Connection, source: Source, epoch: int, seq: int) -> bytes | None:
    """Return the payload of a birth, if it has come."""
    sql = "SELECT payload FROM births WHERE site = ? AND agent = ? AND epoch = ? AND seq = ?"
    row = db.execute(sql, (*source, epoch, seq)).fetchone()
    return row[0] if row else None


def insert_orphan(db: sqlite3.Connection, source: Source, record: Record, payload: bytes) -> None:
    """Keep a record whose birth has not come."""
    row = (*source, record.epoch, record.seq, record.birth, payload)
    db.execute("INSERT INTO orphans VALUES (?, ?, ?, ?, ?, ?)", row)


def take_orphans(db: sqlite3.Connection, source: Source, birth: Birth) -> list[bytes]:
    """Remove and return the records that waited for this birth, in their order."""
    where = "WHERE site = ? AND agent = ? AND epoch = ? AND birth = ?"
    key = (*source, birth.epoch, birth.seq)
    rows = db.execute(f"SELECT payload FROM orphans {where} ORDER BY seq", key).fetchall()
    db.execute(f"DELETE FROM orphans {where}", key)
    return [row[0] for row in rows]


def insert_finished(db: sqlite3.Connection, source: Source, event: Event, payload: bytes) -> None:
    """Index a finished batch or window, or what a green twin would have taken for it."""
    sql = "INSERT INTO finished (site, agent, line, what, end_ns, payload) VALUES (?, ?, ?, ?, ?, ?)"
    db.execute(sql, (*source, event.subject, event.what, event.end_ns, payload))


def insert_refusal(db: sqlite3.Connection, refusal: Refusal) -> None:
    """Quarantine; the same payload for the same reason is counted, not kept twice."""
    kept = refusal.payload if refusal.seq else refusal.payload[:PREFIX_BYTES]
    digest = hashlib.sha256()
    for part in (refusal.reason.encode(), refusal.topic.encode(), refusal.payload):
        digest.update(len(part).to_bytes(8, "big") + part)
    db.execute(
        "INSERT INTO quarantine (site, agent, epoch, seq, reason, topic, payload, digest, times)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (digest) DO UPDATE SET times = times + 1",
        (*refusal.source, refusal.epoch, refusal.seq, refusal.reason, refusal.topic, kept, digest.digest()),
    )
    if not refusal.seq:
        db.execute(
            "DELETE FROM quarantine WHERE seq = 0 AND n <="
            " (SELECT n FROM quarantine WHERE seq = 0 ORDER BY n DESC LIMIT 1 OFFSET ?)",
            (MOST_PLACELESS,),
        )


def save_book(db: sqlite3.Connection, sequence: Sequence, book: Book) -> None:
    """Write the ranges and counts of one sequence."""
    key = (*sequence.source, sequence.epoch)
    ranges = json.dumps(list(book.seen), separators=(",", ":"))
    db.execute("INSERT OR REPLACE INTO watermark VALUES (?, ?, ?, ?)", (*key, ranges))
    counts = (book.stored, book.duplicates, book.quarantined)
    db.execute("INSERT OR REPLACE INTO counts VALUES (?, ?, ?, ?, ?, ?)", (*key, *counts))


def load_books(db: sqlite3.Connection) -> dict[Sequence, Book]:
    """Read all ranges and counts."""
    sql = (
        "SELECT site, agent, epoch, ranges, stored, duplicates, quarantined"
        " FROM watermark JOIN counts USING (site, agent, epoch)"
    )
    return {
        Sequence(Source(site, agent), epoch): Book(SeqSet(json.loads(ranges)), *counts)
        for site, agent, epoch, ranges, *counts in db.execute(sql)
    }


def save_alarm(db: sqlite3.Connection, alarm_id: str, state: AlarmState) -> None:
    """Write the state of one alarm."""
    row = (alarm_id, msgspec.json.encode(state).decode())
    db.execute("INSERT OR REPLACE INTO alarm_state VALUES (?, ?)", row)


def load_alarms(db: sqlite3.Connection) -> dict[str, AlarmState]:
    """Read the states of all alarms that ever had one."""
    rows = db.execute("SELECT id, state FROM alarm_state")
    return {alarm_id: msgspec.json.decode(text, type=AlarmState) for alarm_id, text in rows}


def insert_transition(db: sqlite3.Connection, change: Transition) -> None:
    """Append to the alarm journal."""
    db.execute(
        "INSERT INTO alarm_journal (id, t_ns, was, state, value, who) VALUES (?, ?, ?, ?, ?, ?)",
        (change.id, change.t_ns, change.was, change.state, change.value, change.who),
    )


def save_cursor(db: sqlite3.Connection, name: str, item_id: int) -> None:
    """Note how far a projection has come."""
    db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (name, item_id))


def forget_items(db: sqlite3.Connection, before_ns: int, upto_id: int, most: int) -> int:
    """Delete up to `most` items older than `before_ns` with ids up to `upto_id`; return how many."""
    cursor = db.execute(
        "DELETE FROM items WHERE id IN (SELECT id FROM items WHERE id <= ? AND t_ns < ? ORDER BY id LIMIT ?)",
        (upto_id, before_ns, most),
    )
    return cursor.rowcount
