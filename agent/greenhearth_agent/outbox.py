"""The outbox on disk: what was measured stays here until the gateway says it has it.

A folder of segment files with one owner. A commit is one write of entries, each with its own
CRC-32, and one fdatasync: items, acknowledgements, the kernels' state and the counts. Damage
costs the entry that it hits, and is counted. A segment is deleted when all of its items are
acknowledged *and* the last snapshot but one of the kernels' state covers them: until then
they are what a restart replays.
"""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from greenhearth import wire
from greenhearth_agent.items import Change, Counts, Entry
from greenhearth_agent.outbox_import import take_over
from greenhearth_agent.outbox_ledger import Ledger
from greenhearth_agent.outbox_log import Log, lock_folder
from greenhearth_agent.outbox_recover import NewerFormat, Recovered, recover
from greenhearth_agent.outbox_tally import Tally
from greenhearth_agent.reserve import Reserve
from greenhearth_agent.segment_format import LEAVES, Piece

log = logging.getLogger(__name__)

MOST_SEGMENT_BYTES = 4 << 20
LEAST_SEGMENT_BYTES = 32 << 10
SEQ_BITS = 40
"""Of an id: 1e12 items of one epoch."""


class OutboxError(Exception):
    """The outbox could not be written or opened: one sentence that says why."""


@dataclass
class Outbox:
    """See the module. Not thread-safe: one thread owns it."""

    path: Path
    """The folder."""
    max_bytes: int
    counts: Counts = field(default_factory=Counts)
    moved_aside: str = ""
    """Where a file was put at start of which nothing could be used."""
    damaged_before: int = 0
    """Of `counts.damaged`, what was told before this start."""
    never_stored: int = 0
    """Items of earlier starts that were numbered and did not reach the disk; counted as dropped."""
    tally: Tally | None = None
    _ledger: Ledger | None = None
    _lock: int | None = None

    @property
    def reserve(self) -> Reserve:
        """Space on the same disk for the last commit of a life."""
        return Reserve(self.path / "reserve")

    def open(self) -> None:
        """Open or create the folder; what is damaged in it is counted. OutboxError says why not."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(self.path)
            self._load(recover(self.path))
            self.reserve.keep()
            aside = take_over(self.path.with_name(f"{self.path.name}.sqlite"), self.commit, self._adopt)
            self.moved_aside = aside or self.moved_aside
        except BlockingIOError as error:
            self.close()
            raise OutboxError(f"{self.path} is in use: another agent runs on this data folder") from error
        except NewerFormat as error:
            self.close()
            raise OutboxError(str(error)) from error
        except OSError as error:
            self.close()
            raise OutboxError(f"the folder {self.path} cannot be used: {error.strerror}") from error
        except OutboxError:
            self.close()
            raise

    def close(self) -> None:
        """Close all files and let others in."""
        if self._ledger is not None:
            self._ledger.log.close()
            self._ledger = None
        if self.tally is not None:
            self.tally.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def next_epoch(self, wall_ms: int) -> int:
        """Return a number for this start that is greater than every one before."""
        return max(self.counts.epoch + 1, wall_ms)

    def commit(self, change: Change) -> None:
        """Store a change durably; OutboxError leaves everything as it was."""
        with self._telling() as ledger:
            ledger.commit(change)
        try:
            ledger.tidy(self.max_bytes)
        except OSError as error:  # the commit is on the disk; the rest is tried again with the next
            log.warning("the outbox keeps more than it needs: %s", self._sentence(error))
        self._tell_counts(ledger)

    def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        """Return up to `limit` unacknowledged items with ids above `after_id`, oldest first."""
        after = after_id >> SEQ_BITS, after_id & (1 << SEQ_BITS) - 1
        with self._telling() as ledger:
            rows = [_row(piece, body) for piece, body in ledger.rows_after(after, limit)]
        if ledger.untold:
            self._tell_counts(ledger)
        return rows

    def waiting_ranges(self, most: int) -> list[tuple[int, int, int]] | None:
        """Return what waits as (epoch, first, last); None if that takes more than `most` ranges."""
        with self._telling() as ledger:
            waiting = sorted(ledger.state.waiting.items())
        found = [(epoch, *part) for epoch, seqs in waiting for part in seqs]
        return found if len(found) <= most else None

    def state(self) -> bytes | None:
        """Return the newest snapshot of the kernels' state that is whole, if there is one."""
        with self._telling() as ledger:
            found = ledger.newest_snapshot()
        return found[1] if found else None

    def since_state(self) -> Iterator[wire.Record]:
        """Yield the records after that snapshot, in the order in which they were made."""
        with self._telling() as ledger:
            found = ledger.newest_snapshot()
            for body in ledger.records_after(found[0] if found else (0, 0)):
                yield msgspec.json.decode(body, type=wire.Record)

    def last_t_ns(self) -> int:
        """Return the latest time of any item that was ever here, 0 if there was none."""
        return self.counts.last_t_ns

    def _load(self, found: Recovered) -> None:
        """Take up what was found in the folder, and put it in order."""
        found.state.counts.written_bytes = self.counts.written_bytes
        segment_bytes = min(max(self.max_bytes // 16, LEAST_SEGMENT_BYTES), MOST_SEGMENT_BYTES)
        ledger = self._ledger = Ledger(Log(self.path, segment_bytes, found.segments), found.state)
        ledger.log.next_number = found.next_number
        for path in found.unusable:
            self._put_aside(path)
        for stale in self.path.glob("*.new"):
            stale.unlink()
        for segment in found.segments:
            if segment.number in found.ends:
                ledger.log.seal(segment, found.ends[segment.number])
        self.damaged_before = found.told_damaged
        self.never_stored, self.tally = found.uncounted[0], Tally(self.path, *found.uncounted)
        self._tell_counts(ledger)

    def _adopt(self, earlier: Counts) -> None:
        """Go on with the counts of an earlier version's file."""
        with self._telling() as ledger:
            names = ("epoch", "last_seq", "last_t_ns", "measured", "dropped", "readings")
            for name in names:
                setattr(ledger.state.counts, name, getattr(earlier, name))
        self.commit(Change(earlier.epoch))

    def _tell_counts(self, ledger: Ledger) -> None:
        try:
            oldest = ledger.oldest_ns()
        except OSError:  # the commit before it stands; the age is read again with the next
            oldest = self.counts.oldest_waiting_ns
        used = ledger.log.used_bytes()
        self.counts = replace(ledger.state.counts, used_bytes=used, oldest_waiting_ns=oldest)

    @contextmanager
    def _telling(self) -> Iterator[Ledger]:
        """Tell in a sentence what goes wrong."""
        if self._ledger is None:
            raise OutboxError(f"the outbox {self.path} is not open")
        try:
            yield self._ledger
        except OSError as error:
            raise OutboxError(self._sentence(error)) from error

    def _sentence(self, error: OSError) -> str:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk under {self.path.parent} is full: free some space there"
        return f"the outbox {self.path} cannot be written ({error.strerror})"

    def _put_aside(self, path: Path) -> None:
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(aside)
        self.moved_aside = str(aside)


def _row(piece: Piece, body: bytes) -> tuple[int, Entry]:
    entry = Entry(piece.epoch, piece.seq, piece.t_ns, LEAVES[piece.leaf], body, piece.readings)
    return piece.epoch << SEQ_BITS | piece.seq, entry
