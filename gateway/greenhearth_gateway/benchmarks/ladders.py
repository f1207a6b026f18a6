"""Scales of published levels: which level or class a line reaches, and how far the next one is."""

import math
from collections.abc import Iterable, Mapping

import msgspec

from greenhearth.strict import nearest_name
from greenhearth.wire import MetricValue
from greenhearth_gateway.benchmarks.comparison import differences, percent_of
from greenhearth_gateway.benchmarks.figures import Benchmark, load_benchmarks
from greenhearth_gateway.benchmarks.limits import (
    Circumstances,
    Compared,
    Limit,
    circumstances,
    limit_at,
)

NONE = "none"
"""Level of what is worse than the last limit of a scale without an open class."""


class Step(msgspec.Struct):
    """One level of a scale with its limit for the line [unit of the grade]."""

    level: str
    value: float


class Grade(msgspec.Struct):
    """Where a line stands on one scale."""

    ladder: str
    title: str
    metric: str
    unit: str
    value: float | None = None
    """Ours; None where the scale does not apply."""
    level: str = ""
    """Best level whose limit is met; 'none' beyond the last; empty where the scale does not apply."""
    reached: str = ""
    """The same for people: "level 3", "class D", "none: worse than level 3"."""
    could_be: list[str] = []
    """Other levels that the uncertainty leaves possible."""
    next_level: str = ""
    """Next better level; empty at the best."""
    next_value: float | None = None
    gap: float | None = None
    """Ours minus the limit of the next better level."""
    gap_percent: float | None = None
    why: str = ""
    """Why the scale does not apply; empty where it does."""
    steps: list[Step] = []
    """All levels, the best first, corrected for the line."""
    source: str = ""
    clause: str = ""
    jurisdiction: str = ""
    note: str = ""


Rung = tuple[Benchmark, Limit]


def grades(
    line: Compared, metrics: Mapping[str, MetricValue], benchmarks: Mapping[str, Benchmark]
) -> list[Grade]:
    """Grade a line on every scale of its process with verified levels; those that apply come first."""
    given = circumstances(line, metrics)
    ladders: dict[str, list[Benchmark]] = {}
    for benchmark in benchmarks.values():
        if benchmark.ladder and benchmark.verified and line.process in benchmark.processes:
            ladders.setdefault(benchmark.ladder, []).append(benchmark)
    found = [_grade_line(line, metrics, given, rows) for rows in ladders.values()]
    return sorted(found, key=lambda one: (bool(one.why), one.title))


def grade_value(
    ladder: str,
    value: float,
    conditions: Mapping[str, float] | None = None,
    uncertainty: float | None = None,
    benchmarks: Mapping[str, Benchmark] | None = None,
) -> Grade:
    """Grade one figure [unit of the scale] on a scale by its id, whatever process it comes from.

    LookupError names the nearest scale where there is no such id. Unverified levels count too.
    """
    catalogue = load_benchmarks() if benchmarks is None else benchmarks
    rows = [one for one in catalogue.values() if one.ladder == ladder]
    if not rows:
        near = nearest_name(ladder, {one.ladder for one in catalogue.values() if one.ladder})
        hint = f"; did you mean '{near}'?" if near else ""
        raise LookupError(f"no scale '{ladder}'{hint}")
    given = Circumstances(conditions or {}, {})
    return _grade(rows, given, MetricValue(value=value, unit=rows[0].unit, uncertainty=uncertainty), [])


def _grade_line(
    line: Compared, metrics: Mapping[str, MetricValue], given: Circumstances, rows: list[Benchmark]
) -> Grade:
    ours = metrics.get(rows[0].metric)
    reasons = [why for row in rows for why in differences(line, row, ours)]
    return _grade(rows, given, ours, reasons)


def _grade(
    rows: list[Benchmark], given: Circumstances, ours: MetricValue | None, reasons: list[str]
) -> Grade:
    rungs = [(row, limit_at(row, given)) for row in rows]
    kept = [rung for rung in rungs if not rung[1].excluded]
    reasons = [*reasons, *(why for _, limit in kept or rungs for why in limit.reasons)]
    grade = _empty(rows[0], [limit for _, limit in kept])
    if reasons or ours is None or ours.value is None:
        grade.why = "; ".join(dict.fromkeys(reasons))
        return grade
    return _placed(grade, _best_first(kept), ours.value, ours.uncertainty or 0.0)


def _empty(row: Benchmark, limits: Iterable[Limit]) -> Grade:
    notes = dict.fromkeys(note for limit in limits for note in limit.notes)
    return Grade(
        ladder=row.ladder, title=row.scale.title if row.scale else row.ladder, metric=row.metric,
        unit=row.unit, source=row.source, clause=row.clause, jurisdiction=row.jurisdiction,
        note="; ".join(notes),
    )  # fmt: skip


def _best_first(rungs: list[Rung]) -> list[Rung]:
    """Return the levels in the order of their published limits.

    Corrections that only some levels have (GB 21342: oven age, levels 1 and 3) do not make one better.
    """
    sign = -1.0 if rungs[0][0].better == "more" else 1.0
    return sorted(rungs, key=lambda rung: sign * rung[0].value)


def _placed(grade: Grade, rungs: list[Rung], value: float, u: float) -> Grade:
    word = rungs[0][0].scale.word if rungs[0][0].scale else ""
    at = _index(rungs, value)
    grade.value, grade.level = value, _name(rungs, at)
    grade.reached = f"{word} {grade.level}".strip()
    if grade.level == NONE:
        grade.reached = f"none: worse than {word} {rungs[-1][0].level}".replace("  ", " ")
    grade.steps = [Step(row.level, limit.value) for row, limit in rungs]
    grade.could_be = _possible(rungs, value, u, at)
    better = [k for k in range(at) if at == len(rungs) or rungs[k][1].value != rungs[at][1].value]
    if better:
        sign = -1.0 if rungs[0][0].better == "more" else 1.0
        row, limit = rungs[max(better, key=lambda k: (sign * rungs[k][1].value, k))]
        grade.next_level, grade.next_value, grade.gap = row.level, limit.value, value - limit.value
        grade.gap_percent = percent_of(grade.gap, limit.value)
    return grade


def _index(rungs: list[Rung], value: float) -> int:
    """Return the number of the best rung whose limit is met, or their count."""
    more = rungs[0][0].better == "more"
    met = (
        k for k, (_, limit) in enumerate(rungs) if (value >= limit.value if more else value <= limit.value)
    )
    return next(met, len(rungs))


def _name(rungs: list[Rung], at: int) -> str:
    if at < len(rungs):
        return rungs[at][0].level
    scale = rungs[0][0].scale
    return scale.beyond if scale and scale.beyond else NONE


def _possible(rungs: list[Rung], value: float, u: float, at: int) -> list[str]:
    """Return the other levels between the ends of the interval, each limit's own doubt included."""
    doubt = max(math.hypot(u, limit.u) for _, limit in rungs)
    ends = sorted((_index(rungs, value - doubt), _index(rungs, value + doubt)))
    return [_name(rungs, k) for k in range(ends[0], ends[1] + 1) if _name(rungs, k) != _name(rungs, at)]
