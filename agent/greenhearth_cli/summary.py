"""What a demo run tells at its end: one document per run, made of what the page showed and the count."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from greenhearth import __version__
from greenhearth.clock import NS
from greenhearth.quality import Validity
from greenhearth_cli.count import Count
from greenhearth_gateway.web.types import Alarms, ComparisonView, FinishedView, LineView, Overview

ENERGY = ("energy_kwh_per_t", "electricity_kwh_per_t", "energy_gj_per_t", "fuel_gj_per_t", "kgce_per_t")
"""Metrics of energy intensity; the first is the headline."""

CO2 = ("co2_total_kg_per_t", "co2_scope1_kg_per_t", "co2_scope2_kg_per_t")
LINES = ("furnace", "kiln", "cell")
RAISED = "unack"


@dataclass(frozen=True)
class Shown:
    """What the page showed at the end of a run."""

    overview: Overview
    alarms: Alarms
    finished: Mapping[str, Sequence[FinishedView]]
    """Line -> its finished batches and windows, newest first."""


def document(shown: Shown, count: Count, expected: Sequence[str] = LINES) -> dict[str, Any]:
    """Build the document; its ``problems`` are sentences, and ``ok`` is true when there are none."""
    overview, alarms = shown.overview, shown.alarms
    raised = _raised(alarms)
    lines = {
        line.line: _line(line, last_result(line, shown.finished.get(line.line, ())), raised.get(line.line, 0))
        for line in overview.lines
    }
    problems = [why for name in expected if (why := _no_result(name, lines.get(name, {})))]
    if not count.closes:
        problems.append(f"the count does not close: {count.difference} items are unaccounted for")
    return {
        "format": "greenhearth-demo/1",
        "software": __version__,
        "ok": not problems,
        "problems": problems,
        "speed": overview.speed,
        "plant_time": _time(overview.now_ns),
        "lines": lines,
        "alarms": _journal(alarms),
        "count": asdict(count) | {"closes": count.closes},
    }


def _no_result(name: str, line: dict[str, Any]) -> str:
    """Return why a line has no finished result, '' if it has one."""
    if not line.get("finished"):
        return f"line '{name}' has no finished batch or window; run longer or faster"
    if line["energy"]["value"] is None or line["co2"]["value"] is None:
        return f"line '{name}' has finished a batch or window without a result ({line['validity']})"
    return ""


def last_result(line: LineView, finished: Sequence[FinishedView]) -> FinishedView | None:
    """Return the last finished batch, or window where a line has no batches.

    The newest valid one where there is any: at a full hour the day so far, which is
    partial in a short run, ends together with a quarter of an hour, which is not.
    """
    fitting = [one for one in finished if not line.batch_word or one.what == "batch_finished"]
    valid = (one for one in fitting if one.validity == Validity.VALID)
    return next(valid, fitting[0] if fitting else None)


def _line(line: LineView, last: FinishedView | None, raised: int) -> dict[str, Any]:
    about: dict[str, Any] = {
        "title": line.title,
        "process": line.process,
        "product": line.product,
        "alarms_raised": raised,
        "finished": last is not None,
    }
    return about | _finished(last) if last else about


def _finished(last: FinishedView) -> dict[str, Any]:
    return {
        "window": last.window,
        "batch": last.batch,
        "start": _time(last.start_ns),
        "end": _time(last.end_ns),
        "validity": last.validity_name,
        "coverage": last.coverage,
        "factor_set": last.factor_set,
        "energy": _intensity(last, ENERGY),
        "co2": _intensity(last, CO2),
        "metrics": {name: metric.model_dump() for name, metric in last.metrics.items()},
        "comparisons": [comparison.model_dump() for comparison in last.comparisons],
    }


def _intensity(last: FinishedView, metrics: Sequence[str]) -> dict[str, Any]:
    """Return the headline metric with the nearest benchmark of any of `metrics`."""
    headline = last.metrics.get(metrics[0])
    about = headline.model_dump() if headline else {"value": None, "unit": "", "uncertainty": None}
    found: dict[str, Any] = {"metric": metrics[0]} | about
    nearest = nearest_benchmark(last.comparisons, metrics)
    if nearest:
        return found | {"benchmark": nearest.model_dump()}
    return found | {"benchmark": None, "no_benchmark_because": _why_none(last.comparisons, metrics)}


def _why_none(comparisons: Sequence[ComparisonView], metrics: Sequence[str]) -> str:
    """Return why the first published figure of these metrics does not fit."""
    for one in comparisons:
        if one.metric in metrics and not one.comparable:
            return f"{one.title}: {one.why}"
    return "no figure of this kind is in the catalogue"


def nearest_benchmark(comparisons: Sequence[ComparisonView], metrics: Sequence[str]) -> ComparisonView | None:
    """Return the comparable benchmark with the smallest gap, of the first metric that has one."""
    for metric in metrics:
        fitting = [
            c for c in comparisons if c.comparable and c.metric == metric and c.gap_percent is not None
        ]
        if fitting:
            return min(fitting, key=lambda c: abs(c.gap_percent or 0.0))
    return None


def _raised(alarms: Alarms) -> dict[str, int]:
    line_of = {alarm.id: alarm.line for alarm in alarms.alarms}
    raised: dict[str, int] = {}
    for row in alarms.journal:
        if row.state == RAISED and row.was == "normal" and row.id in line_of:
            raised[line_of[row.id]] = raised.get(line_of[row.id], 0) + 1
    return raised


def _journal(alarms: Alarms) -> list[dict[str, Any]]:
    return [row.model_dump() | {"t": _time(row.t_ns)} for row in alarms.journal]


def _time(t_ns: int) -> str:
    seconds, ns = divmod(t_ns, NS)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=ns // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
