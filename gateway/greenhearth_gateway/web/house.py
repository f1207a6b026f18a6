"""What the API asks: the live state, the journal, and the writer for the one thing it may change."""

from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass

import msgspec

from greenhearth.clock import NS
from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.wire import Event
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.count_views import hour_views, since_of
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.past import expanded_set
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.restatements import FILE_NAME, restatements
from greenhearth_gateway.journal.transaction import Acknowledge, Entry
from greenhearth_gateway.overview import (
    Scene,
    alarm_views,
    build_overview,
    problem_sentences,
    reconciliation_views,
)
from greenhearth_gateway.store.embedded import EmbeddedStore, Span
from greenhearth_gateway.views import finished_view
from greenhearth_gateway.web import restated_types, types

ACK_WAIT_S = 5.0
JOURNAL_ROWS = 200


class NotWrittenError(Exception):
    """A change that the journal has not taken yet."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything behind the API; every method may be called from any thread."""

    scene: Scene
    reader: Reader
    store: EmbeddedStore
    inbox: Inbox[Entry]

    def overview(self) -> types.Overview:
        """Return the whole screen."""
        return build_overview(self.scene)

    def beat(self) -> types.Beat:
        """Return the heartbeat of now."""
        return types.Beat(now_ns=self.scene.clock.now_ns())

    def line_names(self) -> list[str]:
        """Return the names of all lines that were announced."""
        with self.scene.hub.lock:
            return list(self.scene.hub.lines)

    def series_names(self) -> list[str]:
        """Return the names of all series that were announced."""
        with self.scene.hub.lock:
            return list(self.scene.hub.series)

    def trend(self, line: str, metric: str, window: str, minutes: float, points: int) -> types.Trend:
        """Return the last minutes of one metric; empty for a line that is not known yet."""
        unit = METRIC_UNITS[METRICS.index(metric)]
        view = types.Trend(
            line=line, metric=metric, unit=unit, window=window, t_ms=[], value=[], uncertainty=[], validity=[]
        )
        source = self._source_of_line(line)
        if source is None:
            return view
        now = self.scene.clock.now_ns()
        span = Span(max(0, now - round(minutes * 60 * NS)), now + NS, points)
        found = self.store.trend(source, line, window, metric, span)
        view.t_ms = [t // 1_000_000 for t in found.t_ns]
        view.value, view.uncertainty, view.validity = found.value, found.uncertainty, found.validity
        return view

    def history(self, name: str, from_ns: int | None, to_ns: int | None, points: int) -> types.History:
        """Return readings of one series, by default of the last hour."""
        with self.scene.hub.lock:
            one = self.scene.hub.series.get(name)
        if one is None:
            return types.History(name=name, unit="", t_ns=[], value=[], quality=[])
        end = self.scene.clock.now_ns() + NS if to_ns is None else to_ns
        start = max(0, end - 3600 * NS) if from_ns is None else from_ns
        found = self.store.history(one.source, name, Span(start, end, points))
        unit = found.unit or one.info.unit
        return types.History(name=name, unit=unit, t_ns=found.t_ns, value=found.value, quality=found.quality)

    def batches(self, line: str, limit: int) -> list[types.FinishedView]:
        """Return the last finished batches and windows of a line, newest first."""
        with self.scene.hub.lock:
            state = self.scene.hub.lines.get(line)
        if state is None:
            return []
        events: list[Event] = self.reader.finished(line, limit)
        return [finished_view(self.scene.benchmarks, state.info, event) for event in events]

    def restatements(self, line: str, limit: int) -> list[restated_types.RestatementView]:
        """Return stored restatements of a line, newest window first."""
        found = restatements(self.reader.path.with_name(FILE_NAME), line, limit)
        return [restated_types.RestatementView.model_validate(msgspec.to_builtins(one)) for one in found]

    def factor_set(self, name: str) -> restated_types.FactorSetView | None:
        """Return what the name of a factor set stands for; None where no birth tells it."""
        found = expanded_set(self.reader, name)
        if found is None:
            return None
        line, infos = found
        own = restated_types.SetFactorView.model_fields
        factors = [
            {"id": one, **{k: getattr(info, k) for k in own if k != "id"}} for one, info in infos.items()
        ]
        view = {"name": name, "line": line, "factors": factors}
        return restated_types.FactorSetView.model_validate(view)

    def alarms(self) -> types.Alarms:
        """Return all alarms and the newest rows of their journal."""
        rows = [
            types.AlarmRow(n=n, id=t.id, t_ns=t.t_ns, was=t.was, state=t.state, value=t.value, who=t.who)
            for n, t in self.reader.transitions(JOURNAL_ROWS)
        ]
        with self.scene.hub.lock:
            return types.Alarms(alarms=alarm_views(self.scene), journal=rows)

    def acknowledge(self, alarm_id: str, who: str) -> AlarmState:
        """Acknowledge an alarm; LookupError, NothingToAckError, or NotWrittenError."""
        request = Acknowledge(alarm_id, who, self.scene.clock.now_ns())
        if not self.inbox.put(request, wait_s=1.0):
            raise NotWrittenError
        try:
            return request.done.result(ACK_WAIT_S)
        except NotYetError:
            raise NotWrittenError from None

    def benchmarks(self) -> list[types.BenchmarkView]:
        """Return the benchmark catalogue."""
        found = self.scene.benchmarks.items()
        return [types.BenchmarkView(id=name, fields=msgspec.to_builtins(one)) for name, one in found]

    def reconciliation(self) -> list[types.ReconciliationView]:
        """Return the count of every agent."""
        with self.scene.hub.lock:
            return reconciliation_views(self.scene)

    def hours(self, agent: str, hours: int) -> list[types.AgentHours]:
        """Return the count of every of the last hours, of one agent or of all for ''."""
        with self.scene.hub.lock:
            return hour_views(self.scene.hub, agent, since_of(self.scene.clock, hours))

    def agent_names(self) -> list[str]:
        """Return the names of all agents that were heard."""
        with self.scene.hub.lock:
            return [source.agent for source in self.scene.hub.agents]

    def quarantine(self, limit: int) -> list[types.QuarantineView]:
        """Return what was refused as data, newest first."""
        return [
            types.QuarantineView(
                site=one.source.site,
                agent=one.source.agent,
                epoch=one.epoch,
                seq=one.seq,
                reason=one.reason,
                topic=one.topic,
                times=times,
            )
            for one, times in self.reader.refusals(limit)
        ]

    def health(self) -> types.Health:
        """Return whether everything works."""
        with self.scene.hub.lock:
            problems = problem_sentences(self.scene)
        return types.Health(status="degraded" if problems else "ok", problems=problems)

    def _source_of_line(self, line: str) -> Source | None:
        with self.scene.hub.lock:
            state = self.scene.hub.lines.get(line)
            return state.source if state else None
