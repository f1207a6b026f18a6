"""The latest state of every line, series, agent and alarm, in memory.

Rebuilt from the journal at the start, then told of every commit. It only remembers; what
counts as stale is decided when someone looks (:mod:`greenhearth_gateway.overview`).
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from greenhearth.quality import is_usable
from greenhearth.seqset import SeqSet
from greenhearth.wire import (
    TWIN,
    Birth,
    Block,
    Event,
    Health,
    LineInfo,
    MetricValue,
    Record,
    Status,
    WindowResult,
)
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.clashes import ClashLedger
from greenhearth_gateway.damage import DamageLedger
from greenhearth_gateway.freshness import Told
from greenhearth_gateway.hour_books import HourBooks, waiting_seqs
from greenhearth_gateway.hours import HourCount
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.books import Book, Sequence, Totals, totals
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.tables import FINISHED
from greenhearth_gateway.journal.transaction import Commit, Interpreted
from greenhearth_gateway.line_events import KINDS
from greenhearth_gateway.reconcile import Numbers, Reconciliation, reconcile
from greenhearth_gateway.states import AgentState as AgentState
from greenhearth_gateway.states import LineState as LineState
from greenhearth_gateway.states import Refused
from greenhearth_gateway.states import SeriesState as SeriesState
from greenhearth_gateway.states import WindowState as WindowState

RECALLED = 200
"""Finished batches and windows, and as many of green twins, that are read back per line at the start."""

EVENTS_RECALLED = 1000
"""Events of an agent, of any kind, among which those of its lines are looked for at the start."""

MOST_REFUSERS = 100
"""Agents whose unreadable messages are told apart; beyond, the oldest is forgotten."""


class Hub:
    """The state behind the page. Guarded by one lock; look at it inside ``with hub.lock``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lines: dict[str, LineState] = {}
        self.series: dict[str, SeriesState] = {}
        self.agents: dict[Source, AgentState] = {}
        self.alarms: dict[str, AlarmState] = {}
        self.totals: dict[Source, Totals] = {}
        self.refused: dict[Source, Refused] = {}
        self.damage = DamageLedger()
        self.clashes = ClashLedger()
        self.devices: dict[tuple[Source, str], tuple[int, Told]] = {}
        """When each device last gave a usable reading; fresher than its health message."""
        self.rivals: dict[str, tuple[Source, Source]] = {}
        """Lines that two agents announced: who is shown, who is not."""
        self.on_change: list[Callable[[], None]] = []
        self.hours = HourBooks()
        self._books: dict[Sequence, Book] = {}

    def load(self, reader: Reader, books: Mapping[Sequence, Book], alarms: Mapping[str, AlarmState]) -> None:
        """Rebuild from the journal."""
        with self.lock:
            self._books = dict(books)
            self.totals = totals(books)
            self.alarms = dict(alarms)
            self.hours.load(reader.hour_runs(), reader.quarantined())
            for source, birth in reader.newest_births():
                self._learn(source, birth)
                self._replay(reader, source)
            for name, line in self.lines.items():
                for event in reversed(reader.finished(name, RECALLED)):
                    _finish(line, event)
                for event in reversed(reader.twins(name, RECALLED)):
                    line.twins.take_twin(event)

    def apply(self, commit: Commit) -> None:
        """Take over what a transaction changed."""
        with self.lock:
            self.alarms = dict(commit.alarms)
            self._count(commit.books)
            self.hours.take_refused(commit.quarantined)
            for refusal in commit.placeless:
                self._refuse(refusal.source, refusal.reason)
            self.damage.count_all(commit.damaged, time.monotonic())
            for entry in commit.entries:
                self._agent(entry.source).backlog.came(entry.lane)
                if isinstance(entry.item, Event):
                    self.hours.take_event(entry.source, entry.item)
                self._take(entry)
        self._changed()

    def show_unstored(self, commit: Commit) -> None:
        """Show what the disk refused: values and alarms stay live, counts and refusals wait for it."""
        with self.lock:
            self.alarms = dict(commit.alarms)
            for entry in commit.entries:
                self._take(entry)
        self._changed()

    def set_status(self, source: Source, status: Status) -> None:
        """Take over whether an agent is connected."""
        with self.lock:
            agent = self._agent(source)
            agent.online, agent.epoch = status.online, max(agent.epoch, status.epoch)
        self._changed()

    def set_health(self, source: Source, health: Health) -> None:
        """Take over an agent's view of itself and its buses."""
        with self.lock:
            agent = self._agent(source)
            agent.health, agent.online, agent.heard = health, True, agent.heard + 1
            agent.taken_at_health = self.taken(source)
            self.hours.take_health(source, health)
            agent.backlog.heard(time.monotonic(), health.waiting)
            agent.judge(self.count_of(source), time.monotonic())
        self._changed()

    def refuse_live(self, source: Source, reason: str) -> None:
        """Count a health or status message that could not be read; it is not kept."""
        with self.lock:
            self._refuse(source, reason)
        self._changed()

    def damaged_live(self, source: Source) -> None:
        """Count a health or status message that was damaged on its way."""
        with self.lock:
            self.damage.count(source, 1, time.monotonic())
        self._changed()

    def taken(self, source: Source) -> int:
        """Return how many items of an agent are stored or quarantined."""
        here = self.totals.get(source, Totals())
        return here.stored + here.quarantined

    def count_of(self, source: Source) -> Reconciliation | None:
        """Return the count of an agent, None before it sent its own; the caller holds the lock."""
        agent = self.agents[source]
        if agent.health is None:
            return None
        numbers, waiting = None, waiting_seqs(agent.health)
        if waiting is not None and agent.health.hour is not None:
            missing = sum(hour.difference for hour in self.hours_of(source))
            numbers = Numbers(waiting, self.seen(source), self.hours.told(source), missing)
        since = self.taken(source) - agent.taken_at_health
        return reconcile(agent.health, self.totals.get(source, Totals()), since, numbers)

    def hours_of(self, source: Source, since_ns: int = 0) -> list[HourCount]:
        """Return the count of an agent's hours, oldest first; the caller holds the lock."""
        agent = self.agents[source]
        state = (self.taken(source), agent.heard)
        if agent.hours_at != state:
            agent.hours, agent.hours_at = self.hours.counts(source, self.seen(source), agent.health), state
        return [hour for hour in agent.hours if hour.hour_ns >= since_ns]

    def seen(self, source: Source) -> dict[int, SeqSet]:
        """Return the numbers of an agent that are stored or quarantined, by epoch."""
        return {key.epoch: book.seen for key, book in self._books.items() if key.source == source}

    def _changed(self) -> None:
        for tell in self.on_change:
            tell()

    def _agent(self, source: Source) -> AgentState:
        return self.agents.setdefault(source, AgentState(source))

    def _replay(self, reader: Reader, source: Source) -> None:
        for event in reader.events(source, KINDS, EVENTS_RECALLED):
            self._happened(source, event)
        for record in reader.last_records(source):
            birth = reader.birth(source, record.epoch, record.birth)
            if birth is not None:
                self._show(source, record, birth)

    def _count(self, books: Mapping[Sequence, Book]) -> None:
        for sequence, book in books.items():
            old, had = self._books.get(sequence, Book()), self.totals.get(sequence.source, Totals())
            self.totals[sequence.source] = Totals(
                had.stored + book.stored - old.stored,
                had.duplicates + book.duplicates - old.duplicates,
                had.quarantined + book.quarantined - old.quarantined,
            )
            self._books[sequence] = book

    def _refuse(self, source: Source, reason: str) -> None:
        had = self.refused.pop(source, None)
        times = had.times + 1 if had else 1
        self.refused[source] = Refused(times, reason, time.monotonic())
        while len(self.refused) > MOST_REFUSERS:
            self.refused.pop(next(iter(self.refused)))

    def _take(self, entry: Interpreted) -> None:
        if isinstance(entry.item, Birth):
            self._learn(entry.source, entry.item)
        elif isinstance(entry.item, Record):
            assert entry.birth is not None
            self.clashes.hear(entry.source, entry.lane, entry.item.epoch, time.monotonic())
            if entry.fenced:
                return
            self._show(entry.source, entry.item, entry.birth, entry.lane == "live")
        elif entry.item.what in KINDS:
            self._happened(entry.source, entry.item)
        elif (line := self.lines.get(entry.item.subject)) is not None:
            if entry.item.what in FINISHED:
                _finish(line, entry.item)
            elif entry.item.what == TWIN:
                line.twins.take_twin(entry.item)

    def _happened(self, source: Source, event: Event) -> None:
        series = self.series.get(event.subject)
        of = series.info.line if series and series.source == source else ""
        for name, line in self.lines.items():
            if line.source == source and line.events.concerns(event, name == of):
                line.events.take(event)

    def _learn(self, source: Source, birth: Birth) -> None:
        """Take over the names of a birth; what the agent no longer names is forgotten."""
        agent = self._agent(source)
        if (birth.epoch, birth.seq) < agent.birth:
            return
        agent.birth, agent.epoch = (birth.epoch, birth.seq), max(agent.epoch, birth.epoch)
        agent.metrics = birth.metrics
        old_lines = {name: line for name, line in self.lines.items() if line.source == source}
        for name in old_lines.keys() - {info.name for info in birth.lines}:
            del self.lines[name]
        for info in birth.lines:
            self._learn_line(source, info, old_lines.get(info.name))
        old_series = {name: one for name, one in self.series.items() if one.source == source}
        for name in old_series:
            del self.series[name]
        for one in birth.series:
            had = old_series.get(one.name)
            self.series[one.name] = replace(had, info=one) if had else SeriesState(one, source)

    def _learn_line(self, source: Source, info: LineInfo, had: LineState | None) -> None:
        rival = self.lines.get(info.name)
        if rival is not None and rival.source != source:
            self.rivals[info.name] = (source, rival.source)
        self.lines[info.name] = replace(had, info=info) if had else LineState(info, source)

    def _show(self, source: Source, record: Record, birth: Birth, live: bool = False) -> None:
        agent, place = self._agent(source), (record.epoch, record.seq)
        passed = record.t_ns - record.steps_ns
        told = Told(place, agent.lateness.moment(record.epoch, passed, time.monotonic_ns()) if live else 0)
        if place > agent.told.place:
            agent.last_ns, agent.told = record.t_ns, told
        for block in record.blocks:
            self._show_block(source, record.t_ns + block.d, block, birth, told)
        mine = {name for name, line in self.lines.items() if line.source == source}
        newer = {name for name in mine if place > self.lines[name].told.place}
        for result in record.results:
            name = birth.lines[result.l].name
            if name in newer:
                self.lines[name].told = told
                _show_result(self.lines[name], record.t_ns, result, birth)

    def _show_block(self, source: Source, t_ns: int, block: Block, birth: Birth, told: Told) -> None:
        for k, value in enumerate(block.x):
            one = self.series.get(birth.series[block.i + k].name)
            if one is not None and one.source == source and told.place > one.told.place:
                one.t_ns, one.value, one.told = t_ns, value, told
                one.quality = block.q[k] if block.q else 0
                if is_usable(one.quality):
                    self.devices[(source, one.info.device)] = (t_ns, told)


def _show_result(line: LineState, t_ns: int, result: WindowResult, birth: Birth) -> None:
    values = zip(birth.metrics, birth.metric_units, result.x, result.u, strict=True)
    metrics = {name: MetricValue(x, unit, u) for name, unit, x, u in values}
    line.t_ns = t_ns
    line.windows[birth.windows[result.w]] = WindowState(result.v, result.c, metrics)
    if result.p >= 0:
        line.phase = result.p
    if result.b:
        line.batch = result.b


def _finish(line: LineState, event: Event) -> None:
    """Keep the newest finished batch; windows only on lines that have no batches, or for twins."""
    line.twins.take_own(event)
    if line.info.batch_word and event.what != "batch_finished":
        return
    had = line.finished
    if had is None or (event.era or 0, event.end_ns) >= (had.era or 0, had.end_ns):
        line.finished = event
