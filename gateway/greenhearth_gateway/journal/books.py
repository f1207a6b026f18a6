"""What has been taken of every sequence: ranges and counts, drafted per transaction; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from greenhearth.seqset import SeqSet
from greenhearth.wire import VERSION, Ack
from greenhearth_gateway.intake import Source

MOST_RANGES = 1000
"""Ranges named in one acknowledgement; about 20 kB of text."""

MOST_WANTED = 100
"""Ranges lost by damage that are left out of an acknowledgement, the newest: an agent has long let older ones
go, and gaps without end would fill every acknowledgement."""


class Sequence(NamedTuple):
    """One epoch of one agent: the numbers of a sequence are unique in it."""

    source: Source
    epoch: int


@dataclass(slots=True)
class Book:
    """What was taken of one sequence. `seen` is stored and quarantined together."""

    seen: SeqSet = field(default_factory=SeqSet)
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    forgotten: SeqSet = field(default_factory=SeqSet)
    """Stored once, deleted since because they are older than the retention."""
    damaged: SeqSet = field(default_factory=SeqSet)
    """Stored once, lost by damage of this gateway's disk and counted as quarantined. An agent that still has
    one may send it again: it is not acknowledged."""

    def copy(self) -> "Book":
        """Return an independent copy."""
        counts = (self.stored, self.duplicates, self.quarantined)
        return Book(self.seen.copy(), *counts, self.forgotten.copy(), self.damaged.copy())

    def mend(self, seq: int) -> bool:
        """Take an item that damage had lost as new again; False if it was not lost."""
        if seq not in self.damaged:
            return False
        self.damaged = self.damaged.without(SeqSet([(seq, seq)]))
        self.duplicates -= 1
        self.quarantined -= 1
        return True

    def is_new(self, seq: int) -> bool:
        """Enter `seq`; a number that was there is counted as a duplicate."""
        if self.seen.add(seq):
            return True
        self.duplicates += 1
        return False

    def ack(self, epoch: int) -> Ack:
        """Return what the agent may forget of this sequence."""
        here = self.seen
        if self.damaged.last:
            here = here.without(SeqSet(list(self.damaged)[-MOST_WANTED:]))
        upto = here.upto()
        return Ack(VERSION, epoch, upto, here.above(upto)[-MOST_RANGES:])


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of one agent over all its epochs."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0


class BooksDraft:
    """Books on the way through one transaction: copies what it touches."""

    def __init__(self, committed: Mapping[Sequence, Book]) -> None:
        self._committed = committed
        self.touched: dict[Sequence, Book] = {}

    def book(self, sequence: Sequence) -> Book:
        """Return this draft's copy of a book, to be changed."""
        if sequence not in self.touched:
            before = self._committed.get(sequence)
            self.touched[sequence] = before.copy() if before else Book()
        return self.touched[sequence]


def totals(books: Mapping[Sequence, Book]) -> dict[Source, Totals]:
    """Add the books of each agent up over its epochs."""
    sums: dict[Source, Totals] = {}
    for sequence, book in books.items():
        had = sums.get(sequence.source, Totals())
        sums[sequence.source] = Totals(
            had.stored + book.stored,
            had.duplicates + book.duplicates,
            had.quarantined + book.quarantined,
        )
    return sums
