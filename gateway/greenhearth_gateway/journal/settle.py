"""Books that agree with the rows that are there: what was taken and is gone is counted as damaged."""

import sqlite3

from greenhearth.seqset import SeqSet
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import Book, Sequence
from greenhearth_gateway.journal.ledger import save_book
from greenhearth_gateway.journal.salvage import Remains

_PLACES = "SELECT site, agent, epoch, seq FROM {} {} ORDER BY site, agent, epoch, seq"


def settle_books(db: sqlite3.Connection, remains: Remains) -> int:
    """Write all books anew and note what is lost; return how many items are, that were not noted before."""
    stored = _add(_present(db, "items", ""), _present(db, "orphans", ""))
    refused = _present(db, "quarantine", "WHERE seq > 0 AND topic != 'disk'")
    damaged = _present(db, "quarantine", "WHERE topic = 'disk'")
    db.execute("DELETE FROM quarantine WHERE topic = 'disk'")
    lost = 0
    for sequence in remains.seen.keys() | stored.keys() | refused.keys():
        had = damaged.get(sequence, SeqSet())
        here, bad = stored.get(sequence, SeqSet()), refused.get(sequence, SeqSet())
        book = Book(forgotten=remains.forgotten.get(sequence, SeqSet()))
        book.seen = remains.seen.get(sequence, SeqSet()).union(here).union(bad).union(had)
        book.damaged = book.seen.without(here).without(bad).without(book.forgotten)
        book.duplicates = remains.duplicates.get(sequence, 0)
        book.quarantined = len(bad.without(here)) + len(book.damaged)
        book.stored = len(book.seen) - book.quarantined
        numbers = [seq for first, last in book.damaged for seq in range(first, last + 1)]
        tables.insert_damaged(db, sequence.source, sequence.epoch, numbers)
        save_book(db, sequence, book)
        lost += len(book.damaged.without(had))
    return lost


def _present(db: sqlite3.Connection, table: str, where: str) -> dict[Sequence, SeqSet]:
    found: dict[Sequence, SeqSet] = {}
    for site, agent, epoch, seq in db.execute(_PLACES.format(table, where)):
        found.setdefault(Sequence(Source(site, agent), epoch), SeqSet()).add(seq)
    return found


def _add(one: dict[Sequence, SeqSet], other: dict[Sequence, SeqSet]) -> dict[Sequence, SeqSet]:
    for sequence, seqs in other.items():
        one[sequence] = seqs.union(one.get(sequence, SeqSet()))
    return one
