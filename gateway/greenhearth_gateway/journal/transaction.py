"""One transaction: arrivals and requests in, rows out, and what the rest of the house must hear."""

import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from greenhearth.wire import Birth, Item, Lane, Record, leaf_of
from greenhearth_gateway.alarms.engine import AlarmDraft, NothingToAckError, Transition
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.hour_runs import told_run
from greenhearth_gateway.intake import (
    Arrival,
    Opened,
    Parsed,
    Refusal,
    Source,
    misfit,
    open_arrival,
    read_item,
)
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import Book, BooksDraft, Sequence
from greenhearth_gateway.journal.checks import payload_crc
from greenhearth_gateway.journal.fencing import Fence


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """An operator acknowledges an alarm; the future gets the new state, or says why not."""

    alarm_id: str
    who: str
    t_ns: int
    done: "Future[AlarmState]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class SaveCursor:
    """A projection has come this far, and could not deliver these."""

    name: str
    item_id: int
    refusals: tuple[Refusal, ...] = ()
    done: "Future[None]" = field(default_factory=Future)


Entry = Arrival | Acknowledge | SaveCursor


@dataclass(frozen=True, slots=True)
class Interpreted:
    """An item that was stored and can be read: a record has its birth."""

    source: Source
    lane: Lane
    item: Item
    birth: Birth | None = None
    fenced: bool = False
    """Live, but of an older epoch than another agent of that name: stored, not shown."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction changed."""

    entries: list[Interpreted]
    books: dict[Sequence, Book]
    """Only those that were touched."""
    alarms: Mapping[str, AlarmState]
    transitions: list[Transition]
    placeless: list[Refusal]
    """Refusals without a place in a sequence."""
    last_id: int
    damaged: Mapping[Source, int] = field(default_factory=dict)
    """Items that were left out because their checksums do not fit; they come again."""
    quarantined: list[tuple[Sequence, int]] = field(default_factory=list)
    """Numbers that were refused as data."""
    clashes: Mapping[Source, int] = field(default_factory=dict)
    """Items that came under a number that was used for another."""


FindBirth = Callable[[Source, int, int], Birth | None]


class Transaction:
    """Collects the work between BEGIN and COMMIT. Nothing it knows survives a rollback."""

    def __init__(
        self,
        db: sqlite3.Connection,
        books: BooksDraft,
        alarms: AlarmDraft,
        find_birth: FindBirth,
        fence: Fence | None = None,
    ) -> None:
        self._db, self._books, self._alarms, self._find_birth = db, books, alarms, find_birth
        self.fence = fence or Fence({})
        self._rows: list[tables.ItemRow] = []
        """Not yet handed to SQLite: one call for many rows takes half the time."""
        self._entries: list[Interpreted] = []
        self._placeless: list[Refusal] = []
        self._births: dict[tuple[Source, int, int], Birth] = {}
        self._settle: list[Callable[[], None]] = []
        self._last_id = 0
        self._clashes: dict[Source, int] = {}
        self._damaged: dict[Source, int] = {}
        self._quarantined: list[tuple[Sequence, int]] = []

    def begin(self) -> None:
        """Begin the transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        self._last_id = tables.next_id(self._db) - 1

    def take(self, entry: Entry) -> None:
        """Do the work of one entry."""
        if isinstance(entry, Arrival):
            self._take_arrival(entry)
        elif isinstance(entry, Acknowledge):
            self._acknowledge(entry)
        else:
            self._save_cursor(entry)

    def save(self) -> None:
        """Write what the entries changed in ranges, counts and alarm states."""
        self._flush()
        for sequence, book in self._books.touched.items():
            tables.save_book(self._db, sequence, book)
        for alarm_id in self._alarms.changed:
            tables.save_alarm(self._db, alarm_id, self._alarms.states[alarm_id])
        for change in self._alarms.transitions:
            tables.insert_transition(self._db, change)

    def result(self) -> Commit:
        """Return what the transaction changed."""
        return Commit(
            self._entries,
            self._books.touched,
            self._alarms.states,
            self._alarms.transitions,
            self._placeless,
            self._last_id,
            self._damaged,
            self._quarantined,
            self._clashes,
        )

    def settle(self) -> None:
        """Answer those who wait for the commit; called after it."""
        for answer in self._settle:
            answer()

    def _take_arrival(self, arrival: Arrival) -> None:
        opened = open_arrival(arrival)
        if opened.damaged:
            self._damaged[opened.source] = self._damaged.get(opened.source, 0) + opened.damaged
        for refusal in opened.refusals:
            self._refuse(refusal)
        for parsed in opened.items:
            book = self._books.book(Sequence(opened.source, parsed.item.epoch))
            if book.is_new(parsed.item.seq) or self._mends(book, opened, parsed):
                self._enter(opened.source, opened.topic, opened.lane, parsed)

    def _mends(self, book: Book, opened: Opened, parsed: Parsed) -> bool:
        """Look at an item whose number was taken: is it one that damage had lost, or another one?"""
        source, item = opened.source, parsed.item
        if book.mend(item.seq):
            tables.forget_damaged(self._db, source, item.epoch, item.seq)
            return True
        self._flush()
        kept = tables.find_crc(self._db, source, item.epoch, item.seq)
        if kept is not None and kept != payload_crc(source, leaf_of(item), parsed.payload):
            why = f"another payload under a number that was used: epoch {item.epoch}, item {item.seq}"
            tables.insert_refusal(self._db, Refusal(source, why, opened.topic, parsed.payload))
            self._clashes[source] = self._clashes.get(source, 0) + 1
        return False

    def _enter(self, source: Source, topic: str, lane: Lane, parsed: Parsed) -> None:
        item = parsed.item
        if isinstance(item, Record):
            self._enter_record(source, topic, lane, item, parsed.payload)
            return
        self._store(source, lane, parsed)
        if isinstance(item, Birth):
            tables.insert_birth(self._db, source, item, parsed.payload)
            self._births[(source, item.epoch, item.seq)] = item
            self._release_orphans(source, topic, item)
        elif (run := told_run(item)) is not None:
            tables.save_hour_run(self._db, source, run)
        elif item.what in tables.INDEXED:
            tables.insert_finished(self._db, source, item, parsed.payload)

    def _enter_record(self, source: Source, topic: str, lane: Lane, record: Record, payload: bytes) -> None:
        birth = self._birth(source, record)
        if birth is None:
            tables.insert_orphan(self._db, source, record, payload)
            self._books.book(Sequence(source, record.epoch)).stored += 1
            return
        why = misfit(record, birth)
        if why:
            refusal = Refusal(source, why, topic, payload, record.epoch, record.seq)
            self._quarantine(refusal)
            return
        fenced = lane == "live" and not self.fence.is_current(source, record.epoch)
        self._store(source, lane, Parsed(record, payload), birth, fenced)
        if lane == "live" and not fenced:
            self._alarms.show(record, birth)

    def _birth(self, source: Source, record: Record) -> Birth | None:
        key = (source, record.epoch, record.birth)
        return self._births.get(key) or self._find_birth(*key)

    def _store(
        self, source: Source, lane: Lane, parsed: Parsed, birth: Birth | None = None, fenced: bool = False
    ) -> None:
        self._last_id += 1
        self._rows.append(tables.item_row(self._last_id, source, parsed.item, parsed.payload))
        self._books.book(Sequence(source, parsed.item.epoch)).stored += 1
        self._entries.append(Interpreted(source, lane, parsed.item, birth, fenced))

    def _flush(self) -> None:
        if self._rows:
            tables.insert_items(self._db, self._rows)
            self._rows.clear()

    def _release_orphans(self, source: Source, topic: str, birth: Birth) -> None:
        """Interpret the records that came before their birth; they count as backlog."""
        book = self._books.book(Sequence(source, birth.epoch))
        for payload in tables.take_orphans(self._db, source, birth):
            record = read_item(payload)
            assert isinstance(record, Record)
            book.stored -= 1
            self._enter_record(source, topic, "backlog", record, payload)

    def _refuse(self, refusal: Refusal) -> None:
        if not refusal.seq:
            tables.insert_refusal(self._db, refusal)
            self._placeless.append(refusal)
        elif self._books.book(Sequence(refusal.source, refusal.epoch)).is_new(refusal.seq):
            self._quarantine(refusal)

    def _quarantine(self, refusal: Refusal) -> None:
        tables.insert_refusal(self._db, refusal)
        sequence = Sequence(refusal.source, refusal.epoch)
        self._books.book(sequence).quarantined += 1
        self._quarantined.append((sequence, refusal.seq))

    def _acknowledge(self, request: Acknowledge) -> None:
        try:
            state = self._alarms.acknowledge(request.alarm_id, request.who, request.t_ns)
        except (NothingToAckError, LookupError) as error:
            self._settle.append(partial(request.done.set_exception, error))
            return
        self._settle.append(partial(request.done.set_result, state))

    def _save_cursor(self, request: SaveCursor) -> None:
        tables.save_cursor(self._db, request.name, request.item_id)
        for refusal in request.refusals:
            tables.insert_refusal(self._db, refusal)
        self._settle.append(partial(request.done.set_result, None))


__all__ = ["Acknowledge", "Commit", "Entry", "Interpreted", "SaveCursor", "Transaction"]
