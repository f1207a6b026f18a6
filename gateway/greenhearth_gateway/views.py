"""Turn what the gateway knows into the shapes of the API; pure."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from greenhearth.quality import is_comparable
from greenhearth.wire import Event, LineInfo, MetricValue
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.benchmarks import NO_VALUE, Benchmark, compare, grades
from greenhearth_gateway.config import AlarmPart
from greenhearth_gateway.line_events import LineEvents, ended_ns
from greenhearth_gateway.live import AgentState, WindowState
from greenhearth_gateway.names import validity_text
from greenhearth_gateway.web import types


def finished_view(benchmarks: Mapping[str, Benchmark], info: LineInfo, event: Event) -> types.FinishedView:
    """Return a finished batch or window with its comparisons."""
    return types.FinishedView(
        t_ns=event.t_ns,
        what=event.what,
        window=event.window,
        batch=event.batch,
        start_ns=event.start_ns,
        end_ns=event.end_ns,
        validity=event.validity,
        validity_name=validity_text(event.validity),
        coverage=event.coverage,
        metrics=_metrics(event.metrics),
        factor_set=event.factor_set,
        comparisons=comparison_views(benchmarks, info, event.metrics, event.validity),
        grades=grade_views(benchmarks, info, event.metrics, event.validity),
    )


def comparison_views(
    benchmarks: Mapping[str, Benchmark], info: LineInfo, metrics: Mapping[str, MetricValue], validity: int
) -> list[types.ComparisonView]:
    """Hold metrics against the benchmarks that fit the line; a result that is not valid against none."""
    return [
        types.ComparisonView(
            benchmark=one.id,
            title=one.title,
            value=one.value,
            unit=one.unit,
            metric=one.metric,
            kind=one.kind,
            comparable=one.comparable,
            gap=one.gap,
            gap_percent=one.gap_percent,
            verdict=one.verdict,
            why=_not_valid(one.why, validity),
            source=one.source,
            clause=one.clause,
            jurisdiction=one.jurisdiction,
            note=one.note,
            level=one.level,
            better=one.better,
        )
        for one in compare(info, _comparable_metrics(metrics, validity), benchmarks)
    ]


def grade_views(
    benchmarks: Mapping[str, Benchmark], info: LineInfo, metrics: Mapping[str, MetricValue], validity: int
) -> list[types.GradeView]:
    """Grade metrics on the scales of the line's process; a result that is not valid on none."""
    found = grades(info, _comparable_metrics(metrics, validity), benchmarks)
    for one in found:
        one.why = _not_valid(one.why, validity)
    return [types.GradeView(**msgspec.to_builtins(one)) for one in found]


def running_views(
    benchmarks: Mapping[str, Benchmark], info: LineInfo, window: str, state: WindowState
) -> list[types.ComparisonView]:
    """Hold a running window against the benchmarks.

    A batch that still runs has not met a limit yet: half a heat is always below it. That it
    misses one is known as soon as it does.
    """
    found = comparison_views(benchmarks, info, state.metrics, state.validity)
    if window == "batch":
        for one in found:
            one.verdict = "" if one.verdict == "meets" else one.verdict
    return found


def running_grades(
    benchmarks: Mapping[str, Benchmark], info: LineInfo, window: str, state: WindowState
) -> list[types.GradeView]:
    """Grade a running window; a batch that still runs has not reached a level yet."""
    validity = state.validity
    return [] if window == "batch" else grade_views(benchmarks, info, state.metrics, validity)


def only_comparable(view: types.FinishedView) -> types.FinishedView:
    """Leave out why the others are not comparable: the same reasons stand with the running window."""
    comparisons = [one for one in view.comparisons if one.comparable]
    grades = [one for one in view.grades if not one.why]
    return view.model_copy(update={"comparisons": comparisons, "grades": grades})


def _comparable_metrics(metrics: Mapping[str, MetricValue], validity: int) -> Mapping[str, MetricValue]:
    if is_comparable(validity):
        return metrics
    return {name: replace(one, value=None) for name, one in metrics.items()}


def _not_valid(why: str, validity: int) -> str:
    if is_comparable(validity):
        return why
    return why.replace(NO_VALUE, f"its result is not valid ({validity_text(validity)})")


def window_view(one: WindowState) -> types.WindowView:
    """Return a window's result with its validity in words."""
    return types.WindowView(
        validity=one.validity,
        validity_name=validity_text(one.validity),
        coverage=one.coverage,
        metrics=_metrics(one.metrics),
    )


def _metrics(metrics: dict[str, MetricValue]) -> dict[str, types.MetricView]:
    return {
        name: types.MetricView(value=m.value, unit=m.unit, uncertainty=m.uncertainty)
        for name, m in metrics.items()
    }


def line_event_views(events: LineEvents) -> list[types.LineEventView]:
    """Return what happened on a line, the newest first."""
    return [
        types.LineEventView(
            t_ns=ended_ns(one),
            start_ns=one.start_ns,
            what=one.what,
            subject=one.subject,
            detail=one.detail,
        )
        for one in reversed(events.kept)
    ]


def alarm_view(alarm_id: str, part: AlarmPart, state: AlarmState) -> types.AlarmView:
    """Return a configured alarm with its state."""
    return types.AlarmView(
        id=alarm_id,
        title=part.title,
        line=part.line,
        window=part.window,
        metric=part.metric,
        state=state.state,
        active=state.state != "normal",
        priority=part.priority,
        since_ns=state.since_ns,
        value=state.value,
        limit=part.high,
        unit=part.unit,
        cause=part.cause,
        consequence=part.consequence,
        action=part.action,
        respond_within_min=part.respond_within_min,
        acked_by=state.acked_by,
    )


def bus_views(agent: AgentState) -> list[types.BusView]:
    """Return the buses of an agent as its health message has them."""
    buses = agent.health.buses if agent.health else []
    return [
        types.BusView(
            name=b.name,
            agent=agent.source.agent,
            endpoint=b.endpoint,
            planned_s=b.planned_s,
            measured_s=b.measured_s,
            scan_interval_s=b.scan_interval_s,
            overruns=b.overruns,
        )
        for b in buses
    ]
