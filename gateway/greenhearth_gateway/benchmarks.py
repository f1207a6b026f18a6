"""Published figures, and a line's metrics held against them: like with like, or a reason why not.

A comparison is made only where metric, unit, product and boundary are the same; boundaries
are compared letter by letter. What was recollected and not read in a source stays hidden.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.processes import known_processes
from greenhearth.shelf import configs_root
from greenhearth.strict import Document
from greenhearth.wire import LineInfo, MetricValue

Kind = Literal["limit", "target", "typical"]
Verdict = Literal["meets", "misses", "within uncertainty", ""]
DOUBTFUL = ("memory_verify", "low")
"""Confidences that cannot be shown as verified: recollected, or the copies read disagree."""

NO_VALUE = "this line has no value yet"
"""Why a figure that is alike in everything is still not compared."""


class Benchmark(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One published figure (``firmware_configs/benchmarks/*.toml``, ``[benchmark."id"]``)."""

    title: str
    processes: list[str]
    """Processes of the shelf that could meet it; empty: none yet."""
    product: str
    metric: str
    """One of METRICS; empty where none of them measures it."""
    value: float
    """In `unit`; less is better. Upper end where the source gives a range."""
    unit: str
    original_value: float
    original_unit: str
    boundary: str
    """What the figure covers; empty where the source does not say."""
    kind: Kind
    jurisdiction: str
    valid_from: str
    source: str
    confidence: Literal["high", "medium", "low", "memory_verify"]
    clause: str = ""
    low: float | None = None
    """Lower end of a range."""
    scrap_slope: tuple[float, float] | None = None
    """Value at 0 and at 100 % scrap in the metallic charge, linear in between."""
    verified: bool = True
    note: str = ""


class Comparison(msgspec.Struct):
    """One metric of a line beside one published figure."""

    id: str
    title: str
    metric: str
    value: float
    """The published figure."""
    unit: str
    kind: Kind
    comparable: bool
    gap: float | None
    """Ours minus the published figure; above zero is worse."""
    gap_percent: float | None
    verdict: Verdict
    """Empty where there is nothing to meet: not comparable, or only a typical value."""
    why: str
    """Why it is not comparable; empty where it is."""
    source: str
    clause: str
    jurisdiction: str
    note: str = ""


def load_benchmarks(root: Path | None = None) -> dict[str, Benchmark]:
    """Read the whole catalogue; ConfigError names file, line, key and the nearest right name."""
    catalogue: dict[str, Benchmark] = {}
    processes = known_processes()
    for path in sorted((root or configs_root() / "benchmarks").glob("*.toml")):
        doc = Document(path)
        doc.only("benchmark")
        for name, benchmark in doc.tables("benchmark", Benchmark).items():
            if name in catalogue:
                raise doc.error(f"benchmark.{name}", "is already in the catalogue")
            _check(doc, f"benchmark.{name}", benchmark, processes)
            catalogue[name] = benchmark
    return catalogue


def compare(
    line: LineInfo, metrics: Mapping[str, MetricValue], benchmarks: Mapping[str, Benchmark]
) -> list[Comparison]:
    """Hold a line's metrics against every verified figure its process could meet.

    Comparable ones come first, each group by metric and value.
    """
    found = [
        _compare_one(line, metrics, name, benchmark)
        for name, benchmark in benchmarks.items()
        if benchmark.verified and line.process in benchmark.processes
    ]
    return sorted(found, key=lambda one: (not one.comparable, _rank(one.metric), one.value))


def _compare_one(
    line: LineInfo, metrics: Mapping[str, MetricValue], name: str, benchmark: Benchmark
) -> Comparison:
    ours = metrics.get(benchmark.metric)
    reasons = _differences(line, benchmark, ours)
    value = ours.value if ours and not reasons else None
    gap = None if value is None else value - benchmark.value
    percent = None if gap is None or benchmark.value == 0 else 100.0 * gap / abs(benchmark.value)
    verdict: Verdict = ""
    if gap is not None and benchmark.kind != "typical":
        verdict = _verdict(gap, ours.uncertainty if ours else None)
    return Comparison(
        id=name, title=benchmark.title, metric=benchmark.metric, value=benchmark.value, unit=benchmark.unit,
        kind=benchmark.kind, comparable=gap is not None, gap=gap, gap_percent=percent, verdict=verdict,
        why="; ".join(reasons), source=benchmark.source, clause=benchmark.clause,
        jurisdiction=benchmark.jurisdiction, note=benchmark.note,
    )  # fmt: skip


def _differences(line: LineInfo, benchmark: Benchmark, ours: MetricValue | None) -> list[str]:
    """Return a sentence for each thing in which the two are not alike."""
    if not benchmark.metric:
        return [f"nothing here measures {benchmark.unit} as this figure means it"]
    reasons = []
    if benchmark.product != line.product:
        reasons.append(f"it is per tonne of {benchmark.product}, this line counts {line.product}")
    covers = line.boundary.get(benchmark.metric, "")
    if not benchmark.boundary:
        reasons.append("its source does not say what it covers")
    elif benchmark.boundary != covers:
        reasons.append(f"it covers '{benchmark.boundary}', this line '{covers or 'nothing stated'}'")
    if benchmark.scrap_slope:
        reasons.append("it slides with the share of scrap in the charge, which this line does not measure")
    if ours is None or ours.value is None:
        reasons.append(NO_VALUE)
    elif ours.unit != benchmark.unit:
        reasons.append(f"it is in {benchmark.unit}, this line in {ours.unit}")
    return reasons


def _verdict(gap: float, uncertainty: float | None) -> Verdict:
    if uncertainty is not None and abs(gap) <= uncertainty:
        return "within uncertainty"
    return "meets" if gap <= 0 else "misses"


def _rank(metric: str) -> int:
    return METRICS.index(metric) if metric in METRICS else len(METRICS)


def _check(doc: Document, key: str, benchmark: Benchmark, processes: list[str]) -> None:
    if benchmark.metric:
        if benchmark.metric not in METRICS:
            why = f"no metric '{benchmark.metric}'"
            raise doc.error_naming(f"{key}.metric", why, benchmark.metric, METRICS)
        unit = METRIC_UNITS[METRICS.index(benchmark.metric)]
        if benchmark.unit != unit:
            raise doc.error(f"{key}.unit", f"is {benchmark.unit}; {benchmark.metric} is in {unit}")
    for process in benchmark.processes:
        if process not in processes:
            raise doc.error_naming(f"{key}.processes", f"no process '{process}'", process, processes)
    if not (benchmark.source and benchmark.valid_from and benchmark.product and benchmark.title):
        raise doc.error(key, "needs a title, a product, a source and the year it is valid from")
    if benchmark.verified and benchmark.confidence in DOUBTFUL:
        raise doc.error(f"{key}.verified", f"must be false with confidence '{benchmark.confidence}'")
    if benchmark.low is not None and benchmark.low >= benchmark.value:
        raise doc.error(f"{key}.low", "must be below 'value'")
