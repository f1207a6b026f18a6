"""What the rig reads of the product's files and of the store: thin, and without changing anything."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec

from greenhearth.wire import Item
from greenhearth_agent.items import Counts
from greenhearth_agent.outbox_count import OutboxSummary, read_outbox

from .oracle import Moved

ITEM: "msgspec.json.Decoder[Item]" = msgspec.json.Decoder(Item)
PROJECTION = "influx"


def read_kept(data: Path) -> OutboxSummary:
    """Return what the data folder of an agent holds that is dead or has ended; nothing is changed."""
    outbox = data / "agent-edge" / "outbox"
    return read_outbox(outbox) if outbox.is_dir() else OutboxSummary(Counts(), {}, {})


class Journal:
    """Questions to the gateway's journal; every one opens and closes its own connection.

    A connection that stayed open would spare a killed gateway the recovery of its log.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest_ns(self, site: str) -> int:
        """Return the time of a site's newest record, 0 if there is none."""
        sql = "SELECT max(t_ns) FROM items WHERE leaf = 'records' AND site = ? AND agent = 'edge'"
        return int(self._one(sql, site) or 0)

    def last_id(self) -> int:
        """Return the id of the newest item."""
        return int(self._one("SELECT max(id) FROM items") or 0)

    def cursor(self) -> int:
        """Return how far the projection has come."""
        return int(self._one("SELECT max(id) FROM cursors WHERE name = ?", PROJECTION) or 0)

    def stored(self) -> dict[tuple[str, int], int]:
        """Return how many items of each (site, epoch) there are."""
        with self._open() as db:
            rows = db.execute("SELECT site, epoch, count(*) FROM items GROUP BY site, epoch").fetchall()
        return {(site, epoch): count for site, epoch, count in rows}

    def counted(self, table: str, where: str = "1") -> int:
        """Return how many rows a table has."""
        return int(self._one(f"SELECT count(*) FROM {table} WHERE {where}") or 0)

    def stored_by_books(self) -> dict[str, int]:
        """Return what the gateway's own count says is stored, by site."""
        with self._open() as db:
            return dict(db.execute("SELECT site, sum(stored) FROM counts GROUP BY site").fetchall())

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yield every row, births first, in order of (epoch, seq)."""
        sql = "SELECT site, payload FROM items ORDER BY leaf != 'birth', site, epoch, seq"
        with self._open() as db:
            for site, payload in db.execute(sql):
                yield site, ITEM.decode(payload)

    def moves(self) -> Iterator[Moved]:
        """Yield the alarm journal in order."""
        with self._open() as db:
            for row in db.execute("SELECT id, was, state FROM alarm_journal ORDER BY n"):
                yield Moved(*row)

    def _open(self) -> "closing[sqlite3.Connection]":
        return closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5.0))

    def _one(self, sql: str, *values: object) -> Any:
        with self._open() as db:
            row = db.execute(sql, values).fetchone()
        return row[0] if row else None


def stored_points(url: str, site: str) -> dict[int, tuple[float, float]]:
    """Return time -> (serving number, energy counter) of one site in the store."""
    fields = f'"plc.serving", "{site}_furnace.electricity"'
    query = f"SELECT {fields} FROM readings WHERE site = '{site}'"
    params = {"db": "greenhearth", "epoch": "ns", "q": query}
    reply = msgspec.json.decode(httpx.get(f"{url}/query", params=params, timeout=120).content)
    series = reply["results"][0].get("series", [])
    return {t: (k, kwh) for one in series for t, k, kwh in one["values"]}
