"""One transaction: arrivals and requests in, rows out, and what the rest of the house must hear."""

import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from greenhearth.wire import Birth, Item, Lane, Record
from greenhearth_gateway.alarms.engine import AlarmDraft, NothingToAckError, Transition
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.intake import Arrival, Parsed, Refusal, Source, misfit, open_arrival, read_item
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import Book, BooksDraft, Sequence


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


FindBirth = Callable[[Source, int, int], Birth | None]


class Transaction:
    """Collects the work between BEGIN and COMMIT. Nothing it knows survives a rollback."""

    def __init__(
        self, db: sqlite3.Connection, books: BooksDraft, alarms: AlarmDraft, find_birth: FindBirth
    ) -> None:
        self._db, self._books, self._alarms, self._find_birth = db, books, alarms, find_birth
        self._entries: list[Interpreted] = []
        self._placeless: list[Refusal] = []
        self._births: dict[tuple[Source, int, int], Birth] = {}
        self._settle: list[Callable[[], None]] = []
        self._last_id = 0

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
        )

    def settle(self) -> None:
        """Answer those who wait for the commit; called after it."""
        for answer in self._settle:
            answer()

    def _take_arrival(self, arrival: Arrival) -> None:
        opened = open_arrival(arrival)
        for refusal in opened.refusals:
            self._refuse(refusal)
        for parsed in opened.items:
            book = self._books.book(Sequence(opened.source, parsed.item.epoch))
            if book.is_new(parsed.item.seq):
                self._enter(opened.source, opened.topic, opened.lane, parsed)

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
        self._store(source, lane, Parsed(record, payload), birth)
        if lane == "live":
            self._alarms.show(record, birth)

    def _birth(self, source: Source, record: Record) -> Birth | None:
        key = (source, record.epoch, record.birth)
        return self._births.get(key) or self._find_birth(*key)

    def _store(self, source: Source, lane: Lane, parsed: Parsed, birth: Birth | None = None) -> None:
        self._last_id = tables.insert_item(self._db, source, parsed.item, parsed.payload)
        self._books.book(Sequence(source, parsed.item.epoch)).stored += 1
        self._entries.append(Interpreted(source, lane, parsed.item, birth))

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
        self._books.book(Sequence(refusal.source, refusal.epoch)).quarantined += 1

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
