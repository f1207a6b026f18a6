"""What a published limit is for one line: selected by its conditions, slid with scrap, corrected."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from greenhearth.conditions import CONDITIONS
from greenhearth.wire import MetricValue
from greenhearth_gateway.benchmarks.corrections import CORRECTIONS, OutsideTableError
from greenhearth_gateway.benchmarks.figures import Benchmark

SCRAP_METALLIC, PRIMARY_METALLIC = 0.98, 0.94
"""Metallic fractions of scrap and of pig iron, DRI and HBI (ResponsibleSteel Fundamentals V1.0, Annex)."""


class Compared(Protocol):
    """What is held against published figures: a line of an agent, or a case."""

    @property
    def process(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def boundary(self) -> Mapping[str, str]: ...
    @property
    def conditions(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A case without an agent: what `compare` and `grades` need to know of it."""

    process: str
    product: str
    boundary: Mapping[str, str]
    """Metric -> boundary key."""
    conditions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Conditions as declared or measured, each with its expanded uncertainty where it was measured."""

    values: Mapping[str, float]
    u: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure as it holds for one line."""

    value: float
    u: float
    """Expanded uncertainty that it takes over from a measured scrap share."""
    excluded: bool
    """A condition the line declares is outside the figure's range: it is for others."""
    reasons: tuple[str, ...]
    """Why it does not hold, sentence by sentence; empty where it does."""
    notes: tuple[str, ...]
    """What was corrected, and what could not be."""


def metallic_share(scrap_percent: float, internal_percent: float = 0.0) -> float:
    """Return the ResponsibleSteel scrap share [%] from shares by weight of the metallic charge [%].

    External scrap counts with 98 % metal, pig iron, DRI and HBI with 94 %; internal scrap is left
    out of both sides. ResponsibleSteel Fundamentals V1.0, Annex. All internal scrap gives 0.
    """
    scrap = SCRAP_METALLIC * max(0.0, scrap_percent - internal_percent)
    primary = PRIMARY_METALLIC * (100.0 - scrap_percent)
    return 100.0 * scrap / (scrap + primary) if scrap + primary > 0.0 else 0.0


def circumstances(line: Compared, metrics: Mapping[str, MetricValue]) -> Circumstances:
    """Return a line's conditions; a measured scrap share goes before a declared one."""
    values, u = dict(line.conditions), {}
    measured = metrics.get("recycled_share_percent")
    if measured is not None and measured.value is not None and math.isfinite(measured.value):
        values["scrap_share_percent"] = min(100.0, max(0.0, measured.value))
        u["scrap_share_percent"] = measured.uncertainty or 0.0
    if "scrap_share_metallic_percent" not in values and {"scrap_share_percent", "internal_scrap_percent"} <= (
        values.keys()
    ):
        share = metallic_share(values["scrap_share_percent"], values["internal_scrap_percent"])
        values["scrap_share_metallic_percent"] = share
        u["scrap_share_metallic_percent"] = u.get("scrap_share_percent", 0.0)
    return Circumstances(values, u)


def limit_at(benchmark: Benchmark, given: Circumstances) -> Limit:
    """Return what a figure is under these circumstances, or why it is nothing."""
    excluded, reasons = _selection(benchmark, given)
    value, u, slide_reasons = _slid(benchmark, given)
    reasons += slide_reasons
    notes: list[str] = []
    for name in benchmark.corrections:
        correction = CORRECTIONS[name]
        missing = [need for need in correction.needs if need not in given.values]
        if missing:
            notes.append(f"not corrected for {correction.title}: this line declares no {missing[0]}")
            continue
        try:
            corrected = correction.apply(value, benchmark.level, given.values)
        except OutsideTableError as outside:
            reasons.append(str(outside))
            continue
        if corrected != value:
            notes.append(f"corrected for {correction.title} from {value:g} to {corrected:g}")
        value = corrected
    return Limit(value, u, excluded, tuple(reasons), tuple(notes))


def _selection(benchmark: Benchmark, given: Circumstances) -> tuple[bool, list[str]]:
    excluded, reasons = False, []
    for name, bounds in benchmark.when.items():
        unit = CONDITIONS[name].unit
        if name not in given.values:
            reasons.append(f"it is for {name} {bounds} {unit}, which this line does not declare")
        elif not bounds.holds(given.values[name]):
            excluded = True
            reasons.append(f"it is for {name} {bounds} {unit}, this line has {given.values[name]:g}")
    return excluded, reasons


def _slid(benchmark: Benchmark, given: Circumstances) -> tuple[float, float, list[str]]:
    if benchmark.scrap_slope is None:
        return benchmark.value, 0.0, []
    share = given.values.get(benchmark.share)
    if share is None:
        return benchmark.value, 0.0, [_no_share(benchmark)]
    none, all_scrap = benchmark.scrap_slope
    u = abs(all_scrap - none) * given.u.get(benchmark.share, 0.0) / 100.0
    return none + (all_scrap - none) * share / 100.0, u, []


def _no_share(benchmark: Benchmark) -> str:
    slides = "it slides with the share of scrap in the charge"
    if benchmark.share == "scrap_share_metallic_percent":
        return (
            f"{slides} by metallic content and without internal scrap: declare internal_scrap_percent "
            "beside a measured share, or scrap_share_metallic_percent itself"
        )
    return f"{slides}, which this line neither measures nor declares as scrap_share_percent"
