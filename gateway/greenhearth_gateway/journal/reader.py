"""Read-only questions to the journal; every call opens its own connection (about 0.1 ms)."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from greenhearth.wire import TWIN, Birth, Event, Item, Record
from greenhearth_gateway.alarms.engine import Transition
from greenhearth_gateway.intake import Source, read_item
from greenhearth_gateway.journal.database import open_reader

LAST_RECORDS = 20
"""Read back per agent at the start: enough to have seen every slow device once."""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One row of the journal."""

    id: int
    source: Source
    item: Item


class Reader:
    """The journal for those who only look."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Hold a read-only connection."""
        connection = open_reader(self.path)
        try:
            yield connection
        finally:
            connection.close()

    def items_after(self, item_id: int, most: int) -> list[StoredItem]:
        """Return up to `most` items with ids above `item_id`, in order."""
        sql = "SELECT id, site, agent, payload FROM items WHERE id > ? ORDER BY id LIMIT ?"
        with self.connection() as db:
            rows = db.execute(sql, (item_id, most)).fetchall()
        return [StoredItem(n, Source(site, agent), read_item(payload)) for n, site, agent, payload in rows]

    def last_id(self) -> int:
        """Return the id of the newest item; 0 in an empty journal."""
        with self.connection() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM items").fetchone()[0])

    def cursor(self, name: str) -> int:
        """Return how far a projection has come; 0 before it began."""
        with self.connection() as db:
            row = db.execute("SELECT id FROM cursors WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def birth(self, source: Source, epoch: int, seq: int) -> Birth | None:
        """Return one birth, if it has come."""
        sql = "SELECT payload FROM births WHERE site = ? AND agent = ? AND epoch = ? AND seq = ?"
        with self.connection() as db:
            row = db.execute(sql, (*source, epoch, seq)).fetchone()
        return _birth(row[0]) if row else None

    def newest_births(self) -> list[tuple[Source, Birth]]:
        """Return the newest birth of every agent, the agent that was born last at the end."""
        newest: dict[Source, tuple[int, int]] = {}
        with self.connection() as db:
            places = db.execute("SELECT site, agent, epoch, seq FROM births ORDER BY epoch, seq")
            for site, agent, epoch, seq in places:
                newest.pop(Source(site, agent), None)
                newest[Source(site, agent)] = (epoch, seq)
        found = [(source, self.birth(source, *place)) for source, place in newest.items()]
        return [(source, birth) for source, birth in found if birth is not None]

    def last_records(self, source: Source) -> list[Record]:
        """Return the newest records of an agent, oldest first."""
        sql = (
            "SELECT payload FROM items WHERE leaf = 'records' AND site = ? AND agent = ?"
            " ORDER BY t_ns DESC LIMIT ?"
        )
        with self.connection() as db:
            rows = db.execute(sql, (*source, LAST_RECORDS)).fetchall()
        items = [read_item(payload) for (payload,) in reversed(rows)]
        return [item for item in items if isinstance(item, Record)]

    def finished(self, line: str, limit: int) -> list[Event]:
        """Return the last finished batches and windows of a line, newest first."""
        return self._indexed(line, "what != ?", limit)

    def twins(self, line: str, limit: int) -> list[Event]:
        """Return what green twins would have taken for the last batches and hours, newest first."""
        return self._indexed(line, "what = ?", limit)

    def _indexed(self, line: str, which: str, limit: int) -> list[Event]:
        sql = f"SELECT payload FROM finished WHERE line = ? AND {which} ORDER BY end_ns DESC, id DESC LIMIT ?"
        with self.connection() as db:
            rows = db.execute(sql, (line, TWIN, limit)).fetchall()
        items = [read_item(payload) for (payload,) in rows]
        return [item for item in items if isinstance(item, Event)]

    def events(self, source: Source, kinds: Collection[str], among: int) -> list[Event]:
        """Return the events of some kinds among the newest of an agent, oldest first."""
        sql = (
            "SELECT payload FROM items WHERE leaf = 'events' AND site = ? AND agent = ?"
            " ORDER BY t_ns DESC LIMIT ?"
        )
        with self.connection() as db:
            rows = db.execute(sql, (*source, among)).fetchall()
        items = [read_item(payload) for (payload,) in reversed(rows)]
        return [item for item in items if isinstance(item, Event) and item.what in kinds]

    def transitions(self, limit: int) -> list[tuple[int, Transition]]:
        """Return the last rows of the alarm journal with their numbers, newest first."""
        sql = "SELECT n, id, t_ns, was, state, value, who FROM alarm_journal ORDER BY n DESC LIMIT ?"
        with self.connection() as db:
            return [(n, Transition(*rest)) for n, *rest in db.execute(sql, (limit,))]


def _birth(payload: bytes) -> Birth:
    birth = read_item(payload)
    assert isinstance(birth, Birth)
    return birth
