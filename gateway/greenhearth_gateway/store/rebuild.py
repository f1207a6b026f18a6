"""Set a projection's cursor back, so that a server that lost data is filled again from the journal."""

from dataclasses import dataclass
from pathlib import Path

from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.database import FILE_NAME, JournalError, only_one
from greenhearth_gateway.journal.opening import open_journal


@dataclass(frozen=True, slots=True)
class SetBack:
    """What will be sent again."""

    items: int
    oldest_ns: int
    """Time of the oldest of them [Unix ns]; 0 if there are none. Older ones may have left the journal."""
    was: int
    """Id of the item at which the projection stood."""


def set_back(folder: Path, projection: str, from_ns: int = 0) -> SetBack:
    """Make a projection begin again with the items from `from_ns` [Unix ns] on.

    What the server still has overwrites itself. JournalError if there is no
    journal, or while a gateway works in the folder.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise JournalError(f"{folder}: has no journal")
    with only_one(folder):
        db = open_journal(path).db
        try:
            row = db.execute("SELECT id FROM cursors WHERE name = ?", (projection,)).fetchone()
            first = db.execute("SELECT min(id) FROM items WHERE t_ns >= ?", (from_ns,)).fetchone()[0]
            cursor = (first or db.execute("SELECT coalesce(max(id), 0) + 1 FROM items").fetchone()[0]) - 1
            tables.save_cursor(db, projection, cursor)
            sql = "SELECT count(*), coalesce(min(t_ns), 0) FROM items WHERE id > ?"
            items, oldest_ns = db.execute(sql, (cursor,)).fetchone()
        finally:
            db.close()
    return SetBack(items, oldest_ns, row[0] if row else 0)
