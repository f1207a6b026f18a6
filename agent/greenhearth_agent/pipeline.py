"""From words to numbered items: the scan clock, the kernels, and what they told.

Buses run side by side. What they have read is turned into one record when all of them have
ended, but never later than a fifth of the scan interval after it came: a slow or silent bus
delays nobody, its readings go into the next record. So a reading is at most 0.2 s old at
1 s scans when it is committed, and a scan gives at most five records.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from greenhearth import wire
from greenhearth.clock import NS, Clock, Stamper
from greenhearth.engine import Engine, Scan
from greenhearth.measures import Durations
from greenhearth.quality import Quality
from greenhearth.wire_counts import HourRun
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.hour_count import HourTally, told
from greenhearth_agent.items import Batch, Entry, entry_of
from greenhearth_agent.poller import Poller
from greenhearth_agent.spool import Spool
from greenhearth_agent.timekeeping import Timekeeping
from greenhearth_agent.watch import Change

log = logging.getLogger(__name__)

FLUSH_SHARE = 0.2
"""Of the scan interval: the longest a reading waits for others of its scan."""
SHORTEST_WAIT_S = 0.015
"""On a fast clock: at most some 60 records a second of the wall."""
CLOCK_LOOKED_AT_S = 0.5
SNAPSHOT_S = 120.0
SNAPSHOT_RECORDS = 1200
"""Records that a restart may have to replay; at 0.5 ms each that is 0.6 s."""
SNAPSHOT_SHARE = 8
"""A snapshot at every 8th part of the outbox: two such parts, what a restart replays, fit into a full one."""


@dataclass
class Numbers:
    """The sequence of one epoch, and its birth."""

    epoch: int
    next_seq: int = 1
    era: int = 0
    steps_ns: int = 0

    def take(self, item: wire.Item) -> wire.Item:
        """Give an item its place in the sequence."""
        item.epoch, item.seq = self.epoch, self.next_seq
        if isinstance(item, wire.Record):
            item.era, item.steps_ns = self.era, self.steps_ns
        elif isinstance(item, wire.Event) and self.era:
            item.era = self.era
        self.next_seq += 1
        return item


@dataclass
class Pipeline:
    """See the module; run() until cancelled, then end()."""

    clock: Clock
    stamper: Stamper
    interval_s: float
    """Of the clock, not of the wall."""
    engine: Engine
    numbers: Numbers
    birth_seq: int = 1
    spool: Spool | None = None
    outbox_bytes: int = 512_000_000
    """Limit of the outbox."""
    buffer: ScanBuffer | None = None
    pollers: Sequence[Poller] = ()
    hours: HourTally = field(default_factory=HourTally)
    keeping: Timekeeping = field(init=False)
    records: int = 0
    dispatch_s: Durations = field(default_factory=Durations)
    """What the kernels took for a scan."""
    late_ticks: int = 0
    """Scans that could not even be begun on time."""
    _changes: list[wire.Event] = field(default_factory=list)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _snapshot_at: float = 0.0
    _since_snapshot: int = 0
    _bytes_since: int = 0

    def __post_init__(self) -> None:
        self.keeping = Timekeeping(self.clock, self.stamper)

    def written(self) -> None:
        """Hear that a poller has written into the scan buffer."""
        self._dirty.set()

    def scan_ended(self) -> None:
        """Hear that a bus has ended its scan."""
        if not any(poller.busy for poller in self.pollers):
            self._idle.set()

    def device_changed(self, device: str, change: Change, why: str) -> None:
        """Hear that a device has fallen silent or answers again."""
        t_ns = self.stamper.stamp()
        self._changes.append(wire.Event(0, 0, t_ns, f"device_{change.value}", device, detail=why))
        self._dirty.set()

    async def tick(self) -> None:
        """Start a scan of all buses at every multiple of the interval, by elapsed time, until cancelled."""
        interval_ns = round(self.interval_s * NS)
        number = self.keeping.elapsed_ns // interval_ns
        while True:
            number += 1
            missed = max(self.keeping.elapsed_ns // interval_ns - number, 0)
            self.late_ticks += missed
            number += missed
            ahead_ns = number * interval_ns - self.keeping.elapsed_ns
            await asyncio.sleep(max(self.clock.wall_s(ahead_ns / NS), 0))
            if self.buffer is not None and not self.buffer.empty:
                self.update()  # the loop was late: the next answers would take the place of these
            self._idle.clear()
            for poller in self.pollers:
                poller.start_scan()

    async def gather(self) -> None:
        """Turn what was read into items, again and again, until cancelled."""
        wait_s = max(self.clock.wall_s(self.interval_s) * FLUSH_SHARE, SHORTEST_WAIT_S)
        while True:
            await self._dirty.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._idle.wait()
            self._dirty.clear()
            self.update()

    async def watch_clock(self) -> None:
        """See within half a second that the wall was stepped, until cancelled."""
        while True:
            await asyncio.sleep(CLOCK_LOOKED_AT_S)
            if self.clock.step_ns():
                self.update()

    def update(self) -> None:
        """Run the kernels over what was read since the last update and hand the items over."""
        assert self.buffer is not None
        changes, self._changes = self._changes, []
        t_ns, step_ns = self.stamper.stamp(), self.clock.step_ns()
        measured = not self.buffer.empty
        entries = self._measure(self.buffer, t_ns, step_ns) if measured else []
        entries += [self._numbered(event) for event in changes]
        if step_ns:
            entries += self._follow(t_ns, step_ns, measured)
        if entries:
            self._put(entries, at_once=step_ns != 0)

    def begin(self, birth: Entry, before: HourRun | None = None, also: Sequence[Entry] = ()) -> None:
        """Hand over the birth, with the state that the records after it start from.

        `before` is the hour in which the last start ended, `also` what else the start has to tell; both
        go into the same commit.
        """
        self._snapshot_at = time.monotonic() + SNAPSHOT_S
        entries = self._counted([birth, *also], [before] if before else [])
        self._spool().put(Batch(entries, self.engine.snapshot()))

    def end(self) -> None:
        """Take a last snapshot, so that the next start has nothing to replay."""
        self.update()
        self._spool().put(Batch([], self.engine.snapshot()))

    def _measure(self, buffer: ScanBuffer, t_ns: int, step_ns: int) -> list[Entry]:
        if self.keeping.in_doubt(step_ns):
            buffer.quality[buffer.quality == Quality.GOOD] = Quality.UNCERTAIN_CLOCK
        # An answer that was stamped while the clock was stepped may bear a time of the other count.
        times = np.clip(buffer.t_ns, self.keeping.began_ns, t_ns)
        began = time.monotonic()
        scan = self.engine.update(t_ns, buffer.words, times, buffer.quality)
        self.dispatch_s.observe(time.monotonic() - began)
        buffer.clear()
        self.records += 1
        self._since_snapshot += 1
        return [self._numbered(item) for item in self._items(t_ns, scan)]

    def _follow(self, t_ns: int, step_ns: int, measured: bool) -> list[Entry]:
        """Go on with the clock after its step; what the step ends belongs to the time before it."""
        event = self.keeping.follow(step_ns, measured)
        closed = self.engine.shift(t_ns, self.clock.now_ns(), step_ns)
        self.engine.time.offset_ns += step_ns
        entries = [self._numbered(one) for one in closed]
        self.numbers.era, self.numbers.steps_ns = self.keeping.era, self.keeping.steps_ns
        return [*entries, self._numbered(event)]

    def _numbered(self, item: wire.Item) -> Entry:
        return entry_of(self.numbers.take(item))

    def _items(self, t_ns: int, scan: Scan) -> list[wire.Item]:
        record = wire.Record(0, 0, t_ns, self.birth_seq, scan.blocks, scan.results)
        texts = [
            wire.Event(0, 0, t_ns, "text_changed", name, detail=text) for name, text in scan.texts.items()
        ]
        return [record, *scan.events, *texts]

    def _put(self, entries: list[Entry], at_once: bool = False) -> None:
        self._bytes_since += sum(len(entry.payload) for entry in entries)
        snapshot = self.engine.snapshot() if at_once or self._snapshot_due() else None
        if snapshot is not None:
            self._snapshot_at = time.monotonic() + SNAPSHOT_S
            self._since_snapshot = self._bytes_since = 0
        self._spool().put(Batch(self._counted(entries), snapshot))

    def _snapshot_due(self) -> bool:
        late = time.monotonic() >= self._snapshot_at or self._since_snapshot >= SNAPSHOT_RECORDS
        return late or self._bytes_since >= self.outbox_bytes // SNAPSHOT_SHARE

    def _counted(self, entries: list[Entry], over: Sequence[HourRun] = ()) -> list[Entry]:
        """Return entries with the events that tell of the hours that they ended, and of those `over`."""
        ended, t_ns = [*over, *self.hours.take(entries)], entries[-1].t_ns
        events = [entry_of(self.numbers.take(told(run, self.hours.agent, t_ns))) for run in ended]
        self.hours.take(events)
        return [*entries, *events]

    def _spool(self) -> Spool:
        assert self.spool is not None
        return self.spool
