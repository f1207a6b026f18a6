"""A line's metrics held against published figures: like with like, or a reason why not.

A comparison is made only where metric, unit, product and boundary are the same; boundaries
are compared letter by letter. What was recollected and not read in a source stays hidden.
"""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from greenhearth.metrics import METRICS
from greenhearth.wire import MetricValue
from greenhearth_gateway.benchmarks.figures import Benchmark, Kind
from greenhearth_gateway.benchmarks.limits import Circumstances, Compared, Limit, circumstances, limit_at

Verdict = Literal["meets", "misses", "within uncertainty", ""]
NO_VALUE = "this line has no value yet"
"""Why a figure that is alike in everything is still not compared."""


class Comparison(msgspec.Struct):
    """One metric of a line beside one published figure."""

    id: str
    title: str
    metric: str
    value: float
    """The published figure, as it holds for the line: slid with its scrap and corrected."""
    unit: str
    kind: Kind
    comparable: bool
    gap: float | None
    """Ours minus the published figure; above zero is worse, where less is better."""
    gap_percent: float | None
    verdict: Verdict
    """Empty where there is nothing to meet: not comparable, or only a typical value."""
    why: str
    """Why it is not comparable; empty where it is."""
    source: str
    clause: str
    jurisdiction: str
    note: str = ""
    level: str = ""
    """Level of a scale that this figure is the limit of."""
    better: Literal["less", "more"] = "less"


def compare(
    line: Compared, metrics: Mapping[str, MetricValue], benchmarks: Mapping[str, Benchmark]
) -> list[Comparison]:
    """Hold a line's metrics against every verified figure its process could meet.

    Comparable ones come first, each group by metric and value.
    """
    given = circumstances(line, metrics)
    found = [
        _compare_one(line, metrics, given, name, benchmark)
        for name, benchmark in benchmarks.items()
        if benchmark.verified and line.process in benchmark.processes
    ]
    return sorted(found, key=lambda one: (not one.comparable, _rank(one.metric), one.value))


def _compare_one(
    line: Compared, metrics: Mapping[str, MetricValue], given: Circumstances, name: str, benchmark: Benchmark
) -> Comparison:
    ours = metrics.get(benchmark.metric)
    limit = limit_at(benchmark, given)
    reasons = [*differences(line, benchmark, ours), *limit.reasons]
    value = ours.value if ours and not reasons else None
    gap = None if value is None else value - limit.value
    verdict: Verdict = ""
    if gap is not None and benchmark.kind != "typical":
        verdict = _verdict(gap, _doubt(ours, limit), benchmark.better)
    return Comparison(
        id=name, title=benchmark.title, metric=benchmark.metric, unit=benchmark.unit,
        value=limit.value if gap is not None else benchmark.value,
        kind=benchmark.kind, comparable=gap is not None, gap=gap, gap_percent=percent_of(gap, limit.value),
        verdict=verdict, why="; ".join(reasons), source=benchmark.source, clause=benchmark.clause,
        jurisdiction=benchmark.jurisdiction, note="; ".join(filter(None, [benchmark.note, *limit.notes])),
        level=benchmark.level, better=benchmark.better,
    )  # fmt: skip


def differences(line: Compared, benchmark: Benchmark, ours: MetricValue | None) -> list[str]:
    """Return a sentence for each thing in which a line and a figure are not alike."""
    if not benchmark.metric:
        unit = f"nothing here measures {benchmark.unit} as this figure means it"
        return [benchmark.why_no_metric or unit]
    reasons = []
    if benchmark.product != line.product:
        reasons.append(f"it is per tonne of {benchmark.product}, this line counts {line.product}")
    covers = line.boundary.get(benchmark.metric, "")
    if not benchmark.boundary:
        reasons.append("its source does not say what it covers")
    elif benchmark.boundary != covers:
        reasons.append(f"it covers '{benchmark.boundary}', this line '{covers or 'nothing stated'}'")
    if ours is None or ours.value is None:
        reasons.append(NO_VALUE)
    elif ours.unit != benchmark.unit:
        reasons.append(f"it is in {benchmark.unit}, this line in {ours.unit}")
    return reasons


def percent_of(gap: float | None, of: float) -> float | None:
    """Return a gap in percent of a limit; None where there is none, or the limit is zero."""
    return None if gap is None or of == 0.0 else 100.0 * gap / abs(of)


def _doubt(ours: MetricValue | None, limit: Limit) -> float | None:
    u = ours.uncertainty if ours else None
    return math.hypot(u, limit.u) if u is not None else limit.u or None


def _verdict(gap: float, uncertainty: float | None, better: str) -> Verdict:
    if uncertainty and abs(gap) <= uncertainty:
        return "within uncertainty"
    return "meets" if (gap >= 0.0 if better == "more" else gap <= 0.0) else "misses"


def _rank(metric: str) -> int:
    return METRICS.index(metric) if metric in METRICS else len(METRICS)
