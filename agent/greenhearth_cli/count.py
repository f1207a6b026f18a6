"""The public count, item by item, from the outbox of one agent and the journal of one gateway.

While both run they exchange counts, which are always a moment apart. At rest their files
can be held against each other exactly; that is what a demo and the tests do.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from greenhearth_agent.outbox_count import OutboxSummary, read_outbox
from greenhearth_agent.outbox_recover import NewerFormat
from greenhearth_cli.complaints import PlainError
from greenhearth_gateway.journal.database import FILE_NAME

_BUSY_S = 5.0
Place = tuple[int, int]
"""Epoch and sequence number of an item."""


@dataclass(frozen=True)
class Count:
    """measured = stored + waiting + quarantined + dropped."""

    measured: int
    """Items ever given a sequence number."""
    stored: int
    """Items in the journal."""
    waiting: int
    """Items in the outbox that are not in the journal."""
    quarantined: int
    dropped: int
    """Items given up by policy that are not in the journal either."""
    duplicates: int
    """Items that came again and were only acknowledged."""

    @property
    def difference(self) -> int:
        """Items that nobody accounts for; below zero, items that nobody measured."""
        return self.measured - self.stored - self.waiting - self.quarantined - self.dropped

    @property
    def closes(self) -> bool:
        """Whether every measured item is accounted for."""
        return self.difference == 0


def count_between(outbox: Path, journal: Path) -> Count:
    """Count between an outbox that nobody has open and a journal file that only its agent fills.

    PlainError if one of them is not there or cannot be read.
    """
    if not outbox.is_dir():
        raise PlainError(f"{outbox} is not there: the part that writes it has not run")
    try:
        with closing(_open(journal)) as here:
            return _count(read_outbox(outbox), here)
    except (sqlite3.Error, OSError, NewerFormat) as error:
        raise PlainError(f"{outbox} and {journal} cannot be counted ({error})") from error


def count_in(agent: Path, gateway: Path) -> Count:
    """Count between the data folders of one agent and one gateway; PlainError as above."""
    found = sorted(path for path in agent.rglob("outbox") if path.is_dir())
    if len(found) != 1:
        raise PlainError(f"{agent} holds {len(found)} outboxes; the count is made for one")
    return count_between(found[0], gateway / FILE_NAME)


def _count(there: OutboxSummary, here: sqlite3.Connection) -> Count:
    stored = _places(here.execute("SELECT epoch, seq FROM items UNION ALL SELECT epoch, seq FROM orphans"))
    refused = _places(here.execute("SELECT epoch, seq FROM quarantine WHERE seq > 0"))
    unsent = {
        (epoch, seq) for epoch, seqs in there.unacked.items() for a, b in seqs for seq in range(a, b + 1)
    }
    (duplicates,) = here.execute("SELECT coalesce(sum(duplicates), 0) FROM counts").fetchone()
    measured, waiting = there.counts.measured, len(unsent - stored - refused)
    quarantined = len(refused - stored)
    gone = measured - len(stored) - waiting - quarantined
    dropped = min(max(0, gone), there.counts.dropped)
    return Count(measured, len(stored), waiting, quarantined, dropped, int(duplicates))


def _places(rows: Iterable[Place]) -> set[Place]:
    return set(rows)


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise PlainError(f"{path} is not there: the part that writes it has not run")
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=_BUSY_S)
