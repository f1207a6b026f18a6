"""The outbox as the event loop sees it: handing over never blocks, never fails.

What is handed over waits in memory until the disk has it; one thread owns the disk. While
the disk refuses, measuring and live sending go on and the waiting room is bounded: what the
gateway has acknowledged leaves first, then the oldest records are given up and counted.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from greenhearth import failpoints
from greenhearth.measures import Durations
from greenhearth.seqset import SeqSet
from greenhearth.wire import VERSION, Ack
from greenhearth_agent.items import Batch, Change, Counts, Entry, Unstored
from greenhearth_agent.outbox import Outbox, OutboxError

log = logging.getLogger(__name__)

ROOM_BYTES = 32 << 20
"""Waiting room in memory: at 20 kB a record and one a second, 27 minutes of a full disk."""
MOST_RANGES = 500
"""Ranges of waiting numbers that a health message lists; 20 kB."""
RETRY_S = 1.0
ACKS_WAIT_S = 1.0
"""An acknowledgement waits this long for a commit to ride on: it need not cost an fsync."""

T = TypeVar("T")


class Spool:
    """Items on their way to the disk, and the counts of all there ever were."""

    def __init__(self, outbox: Outbox, epoch: int, offer: Callable[[list[Entry]], None]) -> None:
        self.epoch = epoch
        self.problem = ""
        """Why the disk refuses, '' while it does not."""
        self.room_bytes = ROOM_BYTES
        self._outbox, self._offer = outbox, offer
        self._room: deque[Batch] = deque()
        self._going: list[Batch] = []
        """Being written at this moment."""
        self._bytes = 0
        self._unoffered: list[Entry] = []
        self._acked: dict[int, SeqSet] = {}
        self._acks_wait = False
        self._unstored = self._unstored_told = Unstored()
        self._wake = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, "outbox")
        self._counts = replace(outbox.counts)
        self._ranges = outbox.waiting_ranges(MOST_RANGES)
        self._readings = 0
        self.commit_s = Durations()

    def put(self, batch: Batch) -> None:
        """Take items; they are offered to the uplink once they are on the disk."""
        self._note(batch)
        self._room.append(batch)
        self._bytes += _size(batch)
        if self.problem:
            self._offer(batch.entries)
        else:
            self._unoffered.extend(batch.entries)
        while self._bytes > self.room_bytes and self._make_room():
            pass
        self._wake.set()

    def acknowledge(self, ack: Ack) -> None:
        """Note what the gateway has; it leaves the disk with the next commit."""
        has = self._acked.setdefault(ack.epoch, SeqSet())
        for first, last in [(1, ack.upto), *ack.also]:
            if first <= last:
                has.add_range(first, last)
        self._acks_wait = True

    def counts(self) -> Counts:
        """Return the counts, with what is still in memory."""
        here = [entry for batch in (*self._going, *self._room) for entry in batch.entries]
        counts, now, told = replace(self._counts), self._unstored, self._unstored_told
        counts.measured += len(here) + now.items - told.items
        counts.dropped += now.lost - told.lost
        counts.readings += sum(entry.readings for entry in here) + now.readings - told.readings
        counts.waiting += sum(not self._has(entry) for entry in here)
        if here and not counts.oldest_waiting_ns:
            counts.oldest_waiting_ns = here[0].t_ns
        return counts

    def waiting_ranges(self) -> list[tuple[int, int, int]] | None:
        """Return the numbers that `counts().waiting` counts as (epoch, first, last); None for too many."""
        if self._ranges is None:
            return None
        here: dict[int, SeqSet] = {}
        for batch in (*self._going, *self._room):
            for entry in batch.entries:
                if not self._has(entry):
                    here.setdefault(entry.epoch, SeqSet()).add(entry.seq)
        return self._ranges + [(epoch, *part) for epoch, seqs in here.items() for part in seqs]

    async def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        """Return up to `limit` unacknowledged items of the disk, oldest first; none while it refuses."""
        try:
            rows = await self._on_disk(lambda: self._outbox.waiting_after(after_id, limit))
            return [(number, entry) for number, entry in rows if not self._has(entry)]
        except OutboxError as error:
            self._tell(str(error))
            return []

    async def run(self) -> None:
        """Bring to the disk what waits, as one transaction each time, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ACKS_WAIT_S):
                    await self._wake.wait()
            self._wake.clear()
            if (self._room or self._acks_wait) and not await self.flush():
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> bool:
        """Bring to the disk what waits now; return whether the disk took it."""
        going = self._going = list(self._room)
        self._room.clear()
        offering, self._unoffered = self._unoffered, []
        self._acks_wait = False
        acks = [_ack(epoch, seqs) for epoch, seqs in self._acked.items()]
        change = Change(self.epoch, going, acks, self._unstored)
        stored = False
        try:
            began = time.monotonic()
            await self._on_disk(lambda: self._outbox.commit(change))
            self.commit_s.observe(time.monotonic() - began)
            stored = True
        except OutboxError as error:
            self._tell(str(error))
        finally:
            self._going = []
            if not stored:
                self._acks_wait = True
                self._room.extendleft(reversed(going))
        failpoints.reached("spool.before_offer")
        self._offer(offering)
        if stored:
            self._stored(going, change)
        return stored

    async def close(self) -> None:
        """Bring the rest to the disk and close it; on a full disk the reserve is for this moment."""
        if not await self.flush():
            await self._on_disk(self._outbox.reserve.release)
            if not await self.flush():
                await self._close_books()
        await self._on_disk(self._outbox.close)
        self._disk.shutdown()

    async def _close_books(self) -> None:
        """Give up what is only in memory, and store at least the counts of it."""
        left, lost = sum(len(batch.entries) for batch in self._room), self._unstored.lost
        for batch in list(self._room):
            self._let_go(batch, list(batch.entries))
        self._room.clear()
        counted = await self.flush()
        log.error(
            "%d items could not be stored before the end; the gateway has %d of them%s",
            left,
            left - (self._unstored.lost - lost),
            "" if counted else ", and the count of them could not be stored either",
        )

    def _stored(self, going: list[Batch], change: Change) -> None:
        self._bytes -= sum(_size(batch) for batch in going)
        self._counts = replace(self._outbox.counts)
        self._ranges = self._outbox.waiting_ranges(MOST_RANGES)
        self._unstored_told = change.unstored
        for ack in change.acks:
            if ack.epoch != self.epoch and _ack(ack.epoch, self._acked[ack.epoch]) == ack:
                del self._acked[ack.epoch]
        self._tell("")

    def _note(self, batch: Batch) -> None:
        """Let the tally know of items before any disk has them: a kill must not hide that they were made."""
        if batch.entries and self._outbox.tally is not None:
            last = batch.entries[-1]
            self._readings += sum(entry.readings for entry in batch.entries)
            self._outbox.tally.note(last.epoch, last.seq, self._readings, last.t_ns)

    def _make_room(self) -> bool:
        """Let go of what the gateway has, else of the oldest record; return whether anything went."""
        for batch in self._room:
            if self._let_go(batch, [e for e in batch.entries if self._has(e)]):
                return True
        for batch in self._room:
            if self._let_go(batch, [e for e in batch.entries if e.leaf == "records"]):
                return True
        return any(self._let_go(batch, list(batch.entries)) for batch in list(self._room)[:1])

    def _let_go(self, batch: Batch, entries: list[Entry]) -> bool:
        """Take entries out of a waiting batch and count them."""
        if not entries:
            return False
        before = _size(batch)
        batch.entries = [e for e in batch.entries if e not in entries]
        self._bytes -= before - _size(batch)
        self._unstored = Unstored(
            self._unstored.items + len(entries),
            self._unstored.lost + sum(not self._has(e) for e in entries),
            self._unstored.readings + sum(e.readings for e in entries),
        )
        if not batch.entries:
            self._bytes -= _size(batch)
            self._room.remove(batch)
        return True

    def _has(self, entry: Entry) -> bool:
        """Tell whether the gateway has acknowledged an item."""
        return entry.epoch in self._acked and entry.seq in self._acked[entry.epoch]

    def _tell(self, problem: str) -> None:
        """Log the begin and the end of a refusal, once each."""
        if problem and not self.problem:
            log.error("%s; measuring goes on, up to %d MB wait in memory", problem, self.room_bytes >> 20)
        if self.problem and not problem:
            log.warning("the outbox can be written again")
        self.problem = problem

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


def _size(batch: Batch) -> int:
    return sum(len(entry.payload) for entry in batch.entries) + len(batch.snapshot or b"")


def _ack(epoch: int, seqs: SeqSet) -> Ack:
    upto = seqs.upto(1)
    return Ack(VERSION, epoch, upto, seqs.above(upto))
