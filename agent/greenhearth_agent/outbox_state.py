"""What the outbox knows of its items: the counts, who waits, which snapshots there are; pure.

Commits and recovery go through the same steps: what a commit did is what a restart finds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from greenhearth.seqset import SeqSet
from greenhearth_agent.hour_count import add_dropped, note
from greenhearth_agent.items import Counts, Unstored
from greenhearth_agent.segment_format import (
    ACKNOWLEDGED,
    BOOKS,
    GIVEN_UP,
    ITEM,
    SNAPSHOT,
    Key,
    Piece,
    runs,
)

Ranges = Sequence[tuple[int, int]]


class Books(msgspec.Struct):
    """The counts as they end every commit."""

    counts: Counts
    epoch_measured: int = 0
    """Items of this epoch among those measured."""
    epoch_readings: int = 0
    unstored: tuple[int, int, int] = (0, 0, 0)
    """What of Unstored (items, lost, readings) has been counted."""

    @property
    def stored(self) -> int:
        """Items of this epoch that came to the disk."""
        return self.epoch_measured - self.unstored[0]


class Reference(NamedTuple):
    """Where a snapshot is, and the last item that it contains."""

    segment: int
    epoch: int
    seq: int

    @property
    def key(self) -> Key:
        """The last item that it contains."""
        return self.epoch, self.seq


class Checkpoint(msgspec.Struct):
    """All of the state, at the head of every segment."""

    books: Books
    waiting: dict[int, list[tuple[int, int]]]
    snapshots: list[tuple[int, int, int]]


class Removal(msgspec.Struct):
    """Items that no longer wait."""

    epoch: int
    ranges: list[tuple[int, int]]
    damaged: bool = False


@dataclass
class State:
    """See the module."""

    books: Books = field(default_factory=lambda: Books(Counts()))
    waiting: dict[int, SeqSet] = field(default_factory=dict)
    """By epoch."""
    snapshots: list[Reference] = field(default_factory=list)
    """The newest last; the one before it is there for the day on which the newest is damaged."""
    shared: set[int] = field(default_factory=set)
    """Epochs whose set belongs to another state too."""
    told: Books = field(default_factory=lambda: Books(Counts()))
    """While entries are replayed: the last books."""
    fresh: SeqSet = field(default_factory=SeqSet)
    """While entries are replayed: items of this epoch since the last books."""

    @property
    def counts(self) -> Counts:
        """What is told to others."""
        return self.books.counts

    @property
    def last(self) -> Key:
        """The newest item."""
        return self.counts.epoch, self.counts.last_seq

    @property
    def replay_from(self) -> Key:
        """Records after this one are needed by a restart."""
        return self.snapshots[0].key if self.snapshots else (0, 0)

    def trial(self) -> "State":
        """Return a copy that may be changed; sets are copied when they are."""
        books = msgspec.structs.replace(self.books, counts=replace(self.counts))
        return State(books, dict(self.waiting), list(self.snapshots), shared=set(self.waiting))

    def waits(self, key: Key) -> bool:
        """Tell whether an item waits for the gateway."""
        return key[0] in self.waiting and key[1] in self.waiting[key[0]]

    def first_waiting(self) -> Key | None:
        """Return the oldest item that waits."""
        for epoch in sorted(self.waiting):
            for first, _ in self.waiting[epoch]:
                return epoch, first
        return None

    def begin_epoch(self, epoch: int) -> None:
        """Count from 1 again, if the epoch is new."""
        if epoch > self.counts.epoch:
            self.counts.epoch, self.counts.last_seq = epoch, 0
            self.books.epoch_measured = self.books.epoch_readings = 0
            self.books.unstored = (0, 0, 0)

    def take(self, pieces: Sequence[Piece]) -> None:
        """Count items that are newer than the last, in their order."""
        counts, books = self.counts, self.books
        for piece in pieces:
            if piece.epoch > counts.epoch:
                self.begin_epoch(piece.epoch)
            note(counts, piece)
            counts.last_seq = piece.seq
            if piece.t_ns > counts.last_t_ns:
                counts.last_t_ns = piece.t_ns
            books.epoch_measured += 1
            books.epoch_readings += piece.readings
            counts.readings += piece.readings
        counts.measured += len(pieces)
        counts.waiting += len(pieces)
        for epoch, first, last in runs(pieces):
            self._own(epoch).add_range(first, last)

    def count(self, items: int, readings: int, lost: int = 0) -> None:
        """Count items of this epoch, and those of them that are lost."""
        self.counts.measured += items
        self.counts.readings += readings
        self.counts.dropped += lost
        self.books.epoch_measured += items
        self.books.epoch_readings += readings

    def count_unstored(self, now: Unstored) -> None:
        """Add what was not counted yet of the items that never reached the disk."""
        items, lost, readings = self.books.unstored
        self.count(now.items - items, now.readings - readings, now.lost - lost)
        self.books.unstored = (now.items, now.lost, now.readings)

    def note_snapshot(self, found: Reference) -> None:
        """Take a snapshot as the newest."""
        older = [one for one in self.snapshots if one.key < found.key]
        self.snapshots = [*older[-1:], found]

    def acknowledge(self, epoch: int, ranges: Ranges) -> int:
        """Let items go that the gateway has; return how many had been waiting."""
        here = self.waiting.get(epoch, SeqSet())
        if not any(True for first, last in ranges for _ in here.within(first, last)):
            return 0
        here = self._own(epoch)
        gone = sum(here.remove_range(first, last) for first, last in ranges)
        if not any(True for _ in here):
            del self.waiting[epoch]
        self.counts.waiting -= gone
        return gone

    def give_up(self, removal: Removal, times_ns: Iterable[int] = ()) -> None:
        """Let items go that nobody has, and count them; in their hours, if the times are known."""
        gone = self.acknowledge(removal.epoch, removal.ranges)
        self.counts.dropped += gone
        self.counts.damaged += gone if removal.damaged else 0
        self.counts.dropped_hours = add_dropped(self.counts.dropped_hours, times_ns)

    def checkpoint(self) -> bytes:
        """Write all of it."""
        waiting = {epoch: list(seqs) for epoch, seqs in self.waiting.items()}
        whole = Checkpoint(self.books, waiting, [(*one,) for one in self.snapshots])
        return msgspec.json.encode(whole)

    def replay(self, segment: int, piece: Piece, body: bytes) -> None:
        """Take an entry that was found on the disk."""
        if piece.kind == ITEM and piece.key > self.last:
            self._replay_item(piece)
        elif piece.kind == SNAPSHOT:
            self.note_snapshot(Reference(segment, *piece.key))
        elif piece.kind == BOOKS:
            self._replay_books(msgspec.json.decode(body, type=Books))
        elif piece.kind in (ACKNOWLEDGED, GIVEN_UP):
            removal = msgspec.json.decode(body, type=Removal)
            if piece.kind == GIVEN_UP:
                self.give_up(removal)
            else:
                self.acknowledge(removal.epoch, removal.ranges)

    def settle(self, held: Mapping[int, SeqSet]) -> None:
        """Count as damaged what should wait and is not there."""
        should = sum(len(seqs) for seqs in self.waiting.values())
        there = {epoch: _common(seqs, held.get(epoch, SeqSet())) for epoch, seqs in self.waiting.items()}
        self.waiting = {epoch: seqs for epoch, seqs in there.items() if any(True for _ in seqs)}
        found = sum(len(seqs) for seqs in self.waiting.values())
        lost = max(should - found, self.counts.waiting - found)
        self.counts.waiting = found
        self.counts.dropped += lost
        self.counts.damaged += lost

    def _own(self, epoch: int) -> SeqSet:
        if epoch in self.shared or epoch not in self.waiting:
            self.waiting[epoch] = SeqSet(self.waiting.get(epoch, ()))
            self.shared.discard(epoch)
        return self.waiting[epoch]

    def _replay_item(self, piece: Piece) -> None:
        if piece.epoch > self.counts.epoch:
            self.begin_epoch(piece.epoch)
            self.fresh = SeqSet()
        between = piece.seq - self.counts.last_seq - 1
        self.count(between, 0, between)  # unless the books at the end of its commit say better
        self.counts.damaged += between
        self.take([piece])
        self.fresh.add_range(piece.seq, piece.seq)

    def _replay_books(self, books: Books) -> None:
        """Take up the counts; what they speak of and was not found should wait, and will be missed."""
        epoch, last = books.counts.epoch, books.counts.last_seq
        if epoch != self.told.counts.epoch:
            self.told = Books(Counts(epoch))
            self.fresh = self.fresh if epoch == self.counts.epoch else SeqSet()
        stored = books.stored - self.told.stored
        missing = stored - len(self.fresh)
        for first, end in _gaps(self.fresh, self.told.counts.last_seq + 1, last):
            if missing > 0:
                self._own(epoch).add_range(first, min(end, first + missing - 1))
                missing -= end - first + 1
        self.books, self.fresh = books, SeqSet()
        self.told = msgspec.structs.replace(books, counts=replace(books.counts))


def restored(checkpoint: bytes) -> State:
    """Return the state that a checkpoint tells."""
    whole = msgspec.json.decode(checkpoint, type=Checkpoint)
    waiting = {epoch: SeqSet(ranges) for epoch, ranges in whole.waiting.items()}
    books = msgspec.structs.replace(whole.books, counts=replace(whole.books.counts))
    return State(books, waiting, [Reference(*one) for one in whole.snapshots], told=whole.books)


def _common(one: SeqSet, other: SeqSet) -> SeqSet:
    return SeqSet(part for first, last in one for part in other.within(first, last))


def _gaps(seqs: SeqSet, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield what of the numbers from `first` to `last` is not in a set."""
    for low, high in seqs.within(first, last):
        if first < low:
            yield first, low - 1
        first = high + 1
    if first <= last:
        yield first, last
