"""Read-only questions to the journal; every call opens its own connection (about 0.1 ms)."""

import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from greenhearth.wire import TWIN, Birth, Event, Item, Record
from greenhearth.wire_counts import HourRun
from greenhearth_gateway.alarms.engine import Transition
from greenhearth_gateway.intake import Refusal, Source, read_item
from greenhearth_gateway.journal.books import Sequence
from greenhearth_gateway.journal.checks import item_fits
from greenhearth_gateway.journal.database import is_damage, open_reader, suspect
from greenhearth_gateway.problems import Problems

MOST_HOUR_RUNS = 100_000
"""Read back at the start: eleven years of one agent, or ten weeks of 50."""

log = logging.getLogger(__name__)

MOST_TOLD = 10_000
"""Damaged rows that are told apart."""

LAST_RECORDS = 20
"""Read back per agent at the start: enough to have seen every slow device once."""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One row of the journal."""

    id: int
    source: Source
    item: Item


class Stored(NamedTuple):
    """A row that is as it was written."""

    id: int
    source: Source
    payload: bytes


class Reader:
    """The journal for those who only look."""

    def __init__(self, path: Path, problems: Problems | None = None) -> None:
        self.path, self._problems = path, problems
        self._bad: set[tuple[str, object]] = set()
        """Rows that were found damaged, as many as are told at most."""

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Hold a read-only connection."""
        connection = open_reader(self.path)
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, sql: str, key: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a question finds; nothing, and a problem, where the file is too damaged to say."""
        with self.connection() as db:
            return list(self.each(db, sql, key))

    def each(self, db: sqlite3.Connection, sql: str, key: Iterable[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield what a question finds, up to where the file is too damaged to go on."""
        try:
            yield from db.execute(sql, tuple(key))
        except (sqlite3.DatabaseError, UnicodeError) as error:
            if self._problems is None or (isinstance(error, sqlite3.Error) and not is_damage(error)):
                raise
            self.tell_damage("file", sql)

    def tell_damage(self, table: str, row: object) -> None:
        """Say that a row is damaged, and have the next start look at all of the file."""
        if len(self._bad) < MOST_TOLD:
            self._bad.add((table, row))
        if self._problems is None:
            log.warning("%s: a row of %s was damaged on the disk and is left out", self.path, table)
        else:
            with suppress(OSError):
                suspect(self.path).touch()
            self._problems.begin(
                "journal rows",
                f"{len(self._bad)} row(s) of the journal {self.path} were damaged on the disk and are left "
                "out. See whether the disk is failing; at its next start the gateway puts the file aside, "
                "keeps what can be read and counts the rest.",
            )

    def whole(self, table: str, leaf: str, sql: str, key: Iterable[object]) -> Iterator[Stored]:
        """Yield rows of (id, site, agent, payload, crc); those that the disk has damaged are left out.

        `id` is 0 in tables whose checksum does not know it.
        """
        with self.connection() as db:
            for item_id, site, agent, payload, crc in self.each(db, sql, key):
                source = Source(site, agent)
                if item_fits(crc, source, leaf, payload, item_id):
                    yield Stored(item_id, source, payload)
                else:
                    self.tell_damage(table, item_id or payload)

    def payload(self, db: sqlite3.Connection, item_id: int, source: Source, leaf: str) -> bytes | None:
        """Return the payload of one item; None if it is gone or damaged."""
        for payload, crc in self.each(db, "SELECT payload, crc FROM items WHERE id = ?", (item_id,)):
            if item_fits(crc, source, leaf, payload, item_id):
                return bytes(payload)
            self.tell_damage("items", item_id)
        return None

    def items_after(self, item_id: int, most: int) -> list[StoredItem]:
        """Return up to `most` items with ids above `item_id`, in order."""
        sql = "SELECT id, site, agent, leaf, payload, crc FROM items WHERE id > ? ORDER BY id LIMIT ?"
        found = []
        for n, site, agent, leaf, payload, crc in self.rows(sql, (item_id, most)):
            source = Source(site, agent)
            if item_fits(crc, source, leaf, payload, n):
                found.append(StoredItem(n, source, read_item(payload)))
            else:
                self.tell_damage("items", n)
        return found

    def last_id(self) -> int:
        """Return the id of the newest item; 0 in an empty journal."""
        return int(next(iter(self.rows("SELECT coalesce(max(id), 0) FROM items")), (0,))[0])

    def cursor(self, name: str) -> int:
        """Return how far a projection has come; 0 before it began."""
        rows = self.rows("SELECT id FROM cursors WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def birth(self, source: Source, epoch: int, seq: int) -> Birth | None:
        """Return one birth, if it has come."""
        where = "WHERE site = ? AND agent = ? AND epoch = ? AND seq = ?"
        sql = f"SELECT 0, site, agent, payload, crc FROM births {where}"
        found = self._items("births", "birth", sql, (*source, epoch, seq))
        return found[0] if found and isinstance(found[0], Birth) else None

    def newest_births(self) -> list[tuple[Source, Birth]]:
        """Return the newest birth of every agent, the agent that was born last at the end."""
        newest: dict[Source, tuple[int, int]] = {}
        for site, agent, epoch, seq in self.rows(
            "SELECT site, agent, epoch, seq FROM births ORDER BY epoch, seq"
        ):
            newest.pop(Source(site, agent), None)
            newest[Source(site, agent)] = (epoch, seq)
        found = [(source, self.birth(source, *place)) for source, place in newest.items()]
        return [(source, birth) for source, birth in found if birth is not None]

    def last_records(self, source: Source) -> list[Record]:
        """Return the newest records of an agent, oldest first."""
        found = self._newest("records", source, LAST_RECORDS)
        return [item for item in found if isinstance(item, Record)]

    def finished(self, line: str, limit: int) -> list[Event]:
        """Return the last finished batches and windows of a line, newest first."""
        return self._indexed(line, "what != ?", limit)

    def twins(self, line: str, limit: int) -> list[Event]:
        """Return what green twins would have taken for the last batches and hours, newest first."""
        return self._indexed(line, "what = ?", limit)

    def events(self, source: Source, kinds: Collection[str], among: int) -> list[Event]:
        """Return the events of some kinds among the newest of an agent, oldest first."""
        found = self._newest("events", source, among)
        return [item for item in found if isinstance(item, Event) and item.what in kinds]

    def _newest(self, leaf: str, source: Source, limit: int) -> list[Item]:
        where = "WHERE leaf = ? AND site = ? AND agent = ? ORDER BY t_ns DESC LIMIT ?"
        sql = f"SELECT id, site, agent, payload, crc FROM items {where}"
        return self._items("items", leaf, sql, (leaf, *source, limit))[::-1]

    def _indexed(self, line: str, which: str, limit: int) -> list[Event]:
        where = f"WHERE line = ? AND {which} ORDER BY end_ns DESC, id DESC LIMIT ?"
        sql = f"SELECT 0, site, agent, payload, crc FROM finished {where}"
        found = self._items("finished", "events", sql, (line, TWIN, limit))
        return [item for item in found if isinstance(item, Event)]

    def _items(self, table: str, leaf: str, sql: str, key: Iterable[object]) -> list[Item]:
        return [read_item(one.payload) for one in self.whole(table, leaf, sql, key)]

    def hour_runs(self) -> list[tuple[Source, HourRun]]:
        """Return the newest runs of numbers that agents told of their hours, oldest first."""
        sql = (
            "SELECT site, agent, epoch, hour_ns, first_seq, last_seq, readings, final FROM hour_runs"
            " ORDER BY hour_ns DESC LIMIT ?"
        )
        rows = self.rows(sql, (MOST_HOUR_RUNS,))
        return [
            (Source(site, agent), HourRun(epoch, hour_ns, first, last, readings, bool(final)))
            for site, agent, epoch, hour_ns, first, last, readings, final in reversed(rows)
        ]

    def quarantined(self) -> list[tuple[Sequence, int]]:
        """Return the places of all items that were refused as data."""
        sql = "SELECT DISTINCT site, agent, epoch, seq FROM quarantine WHERE seq > 0"
        return [(Sequence(Source(s, a), epoch), seq) for s, a, epoch, seq in self.rows(sql)]

    def refusals(self, limit: int) -> list[tuple[Refusal, int]]:
        """Return the newest refusals without their payloads, and how often each came, newest first."""
        sql = "SELECT site, agent, reason, topic, epoch, seq, times FROM quarantine ORDER BY n DESC LIMIT ?"
        rows = self.rows(sql, (limit,))
        return [
            (Refusal(Source(site, agent), reason, topic, b"", epoch, seq), times)
            for site, agent, reason, topic, epoch, seq, times in rows
        ]

    def transitions(self, limit: int) -> list[tuple[int, Transition]]:
        """Return the last rows of the alarm journal with their numbers, newest first."""
        sql = "SELECT n, id, t_ns, was, state, value, who FROM alarm_journal ORDER BY n DESC LIMIT ?"
        return [(n, Transition(*rest)) for n, *rest in self.rows(sql, (limit,))]
