"""A line against its green twin: how much better or worse, and on which grid that would turn.

Per tonne of product, with g the grid factor [kg CO2/kWh], E electricity and R all other CO2e:

    total(g) = R + g E;   the line and its twin emit the same at g = (R_line - R_twin) / (E_twin - E_line)

Both stand on the same grid, so both change with it; where only the twin's electricity is another
(bought for it by contract), it may have (total_line - R_twin) / E_twin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from typing import Literal

from greenhearth.wire import MetricValue

Verdict = Literal["better", "worse", "within uncertainty", ""]
Turn = Literal["below", "above", "on every grid", "on no grid"]


@dataclass(frozen=True)
class Gap:
    """Ours minus the twin's, in one metric; above zero the twin has less."""

    value: float
    percent: float | None
    """Of ours: what the green process would save."""
    uncertainty: float | None
    """Expanded (k = 2). Errors that both share (the grid factor) are taken as two: never too small."""
    verdict: Verdict
    """Of the twin; energy and CO2e are better where they are less."""


@dataclass(frozen=True)
class BreakEven:
    """Where on the scale of grid factors the twin is better."""

    better: Turn
    grid: float | None
    """The grid factor [kg CO2/kWh] at which both emit the same; None where it does not turn."""
    supply: float | None
    """What the twin's electricity alone may have [kg CO2/kWh], our line as it is; below 0: it cannot."""


def gap(ours: MetricValue, twin: MetricValue) -> Gap | None:
    """Return the gap of one metric; None where either side has no value."""
    if ours.value is None or twin.value is None or ours.unit != twin.unit:
        return None
    value = ours.value - twin.value
    doubt = None
    if ours.uncertainty is not None and twin.uncertainty is not None:
        doubt = hypot(ours.uncertainty, twin.uncertainty)
    percent = 100.0 * value / ours.value if ours.value > 0.0 else None
    return Gap(value, percent, doubt, _verdict(value, doubt or 0.0))


def _verdict(value: float, doubt: float) -> Verdict:
    if abs(value) <= doubt:
        return "within uncertainty"
    return "better" if value > 0.0 else "worse"


def break_even_grid(ours: Mapping[str, MetricValue], twin: Mapping[str, MetricValue]) -> BreakEven | None:
    """Return on which grids the twin emits less; None where it uses none, or a figure is missing."""
    own, other = _parts(ours), _parts(twin)
    if own is None or other is None or other[1] <= 0.0:
        return None
    (rest, kwh, co2), (twin_rest, twin_kwh, _) = own, other
    supply = (rest + co2 - twin_rest) / twin_kwh
    less, more = rest - twin_rest, twin_kwh - kwh
    turn = less / more if more != 0.0 else None
    if turn is not None and turn > 0.0:
        return BreakEven("below" if more > 0.0 else "above", turn, supply)
    return BreakEven(
        "on every grid" if less > 0.0 or (less == 0.0 and more < 0.0) else "on no grid", None, supply
    )


def _parts(metrics: Mapping[str, MetricValue]) -> tuple[float, float, float] | None:
    """Return per tonne all CO2e but that of electricity, the kilowatt-hours, and their CO2e."""
    names = ("co2_total_kg_per_t", "electricity_kwh_per_t", "co2_electricity_kg_per_t")
    total, kwh, co2 = (metrics[name].value if name in metrics else None for name in names)
    if total is None:
        return None
    # With a total there is a product: what has no value then is what the line has nothing of.
    return total - (co2 or 0.0), kwh or 0.0, co2 or 0.0
