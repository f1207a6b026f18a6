"""The books on disk: two rows per sequence, in two tables, each with all that is needed for the other."""

import json
import sqlite3
from collections.abc import Iterable

from greenhearth.seqset import SeqSet
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.books import Book, Sequence
from greenhearth_gateway.journal.checks import columns_crc


def text_of(seqs: SeqSet) -> str:
    """Write a set of numbers as the journal keeps it."""
    return json.dumps(list(seqs), separators=(",", ":"))


def seqs_of(text: object) -> SeqSet:
    """Read a set of numbers; none where an older journal says nothing. ValueError if it is malformed."""
    return SeqSet((int(first), int(last)) for first, last in json.loads(str(text or "[]")))


def save_book(db: sqlite3.Connection, sequence: Sequence, book: Book) -> None:
    """Write the ranges and counts of one sequence."""
    key, ranges, forgotten = (*sequence.source, sequence.epoch), text_of(book.seen), text_of(book.forgotten)
    mark = (*key, ranges, forgotten)
    sql = "INSERT OR REPLACE INTO watermark VALUES (?, ?, ?, ?, ?, ?)"
    db.execute(sql, (*mark, columns_crc("watermark", *mark)))
    row = (*key, book.stored, book.duplicates, book.quarantined, ranges, forgotten)
    sql = "INSERT OR REPLACE INTO counts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    db.execute(sql, (*row, columns_crc("counts", *row)))


def load_books(db: sqlite3.Connection) -> dict[Sequence, Book]:
    """Read all ranges and counts."""
    sql = (
        "SELECT site, agent, epoch, w.ranges, stored, duplicates, quarantined, w.forgotten"
        " FROM watermark w JOIN counts USING (site, agent, epoch)"
    )
    books = {
        Sequence(Source(site, agent), epoch): Book(
            seqs_of(ranges), stored, again, refused, seqs_of(forgotten)
        )
        for site, agent, epoch, ranges, stored, again, refused, forgotten in db.execute(sql)
    }
    for site, agent, epoch, seq in db.execute(
        "SELECT site, agent, epoch, seq FROM quarantine WHERE topic = 'disk'"
    ):
        if (book := books.get(Sequence(Source(site, agent), epoch))) is not None:
            book.damaged.add(seq)
    return books


def note_forgotten(
    db: sqlite3.Connection, books: dict[Sequence, Book], places: Iterable[tuple[str, str, int, int]]
) -> dict[Sequence, Book]:
    """Write that retention has deleted these items; return the changed books."""
    changed: dict[Sequence, Book] = {}
    for site, agent, epoch, seq in places:
        sequence = Sequence(Source(site, agent), epoch)
        if sequence not in changed:
            changed[sequence] = books.get(sequence, Book()).copy()
        changed[sequence].forgotten.add(seq)
    for sequence, book in changed.items():
        save_book(db, sequence, book)
    return changed


def guess_forgotten(db: sqlite3.Connection) -> None:
    """For a journal that never noted what retention deletes: what lies before the oldest item was deleted."""
    for sequence, book in load_books(db).items():
        where = "WHERE site = ? AND agent = ? AND epoch = ?"
        key = (*sequence.source, sequence.epoch)
        (first,) = db.execute(f"SELECT min(seq) FROM items {where}", key).fetchone()
        end = book.seen.last if first is None else int(first) - 1
        book.forgotten = SeqSet((low, min(high, end)) for low, high in book.seen if low <= end)
        if book.forgotten.last:
            save_book(db, sequence, book)
