"""A potline for the kernels: its cells, limits and derived streams; its anode effects as events."""

from collections.abc import Callable, Sequence

import numpy as np

from greenhearth.clock import NS
from greenhearth.kernels.arrays import Out, Pots
from greenhearth.kernels.potline import ENDED, OUT_OF_CIRCUIT, UNSEEN
from greenhearth.model import LineModel, Model
from greenhearth.wire import Event

DERIVED_ROLES = ("cell_kah", "ae_minutes", "ae_product", "ae_count", "ae_overvoltage_product")
"""Streams that the potline kernel adds to its line."""

AL_T_PER_KAH = 0.335573e-3
"""Electrochemical equivalent of aluminium: 26.98154 g/mol x 3 600 s/h / (3 x 96 485.33 C/mol)."""

AE_TIMING = "anode-effect timing"
AE_TIMING_U = 0.01
"""Relative standard uncertainty of anode-effect minutes: both edges within 1 s scans of a
2-minute effect, sqrt(2) x (1 s / sqrt 12) / 120 s = 0.35 %, rounded up for slower scans."""

EFFECTS_PER_SCAN = 64
"""Most anode effects that one scan tells one by one. A line of 300 cells with one effect a cell-day
ends one every 5 minutes; more at once is an outage. The others are in all sums, and counted."""

_HOW = {
    ENDED: "",
    UNSEEN: "; its end was not seen: there were no readings after this",
    OUT_OF_CIRCUIT: "; it ended with the cell going out of circuit",
}


def pot_table(model: Model, first_derived: Callable[[LineModel], int]) -> Pots:
    """Build the potline table; `first_derived` gives the series of a line's first derived role."""
    lines = [line for line in model.lines if line.process.kernel == "potline"]
    ints = np.array([_series(model, line, first_derived(line)) for line in lines], np.int32)
    reals = np.array([_limits(line) for line in lines], np.float64).reshape(len(lines), 5)
    columns = ints.reshape(len(lines), 3 + len(DERIVED_ROLES)).T.copy()
    first, cells, current, kah, ae_min, ae_product, ae_count, ae_over = columns
    return Pots(
        first, cells, current, kah, ae_min, ae_product, ae_count, ae_over,
        threshold_v=reals[:, 0].copy(),
        min_ns=(reals[:, 1] * NS).astype(np.int64),
        end_ns=(reals[:, 2] * NS).astype(np.int64),
        normal_v=reals[:, 3].copy(),
        t_per_ka_day=reals[:, 4].copy(),
    )  # fmt: skip


def _series(model: Model, line: LineModel, derived: int) -> list[int]:
    first = model.index(line.name, "cell_voltage")
    cells = model.series[first].point.count
    own = range(derived, derived + len(DERIVED_ROLES))
    return [first, cells, model.index(line.name, "line_current"), *own]


def _limits(line: LineModel) -> list[float]:
    return [
        _declared(line, "ae_threshold_v", float("inf")),
        _declared(line, "ae_min_s", 0.0),
        _declared(line, "ae_end_s", 0.0),
        _declared(line, "normal_cell_voltage_v", float("nan")),
        24.0 * AL_T_PER_KAH * line.parameter("current_efficiency"),
    ]


def _declared(line: LineModel, name: str, without: float) -> float:
    """Return a parameter, or what it means that the process declares none (inert anodes: no effects)."""
    return line.parameter(name) if name in line.process.parameters else without


def derived_errors(
    line: LineModel, role: str, current_u: float
) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Return the share of the current meter's error, and the other errors, of a derived stream; relative.

    The voltage meters' own errors are left out: 0.1 % of each of some hundred cells.
    """
    timing = (AE_TIMING, AE_TIMING_U)
    efficiency = (
        "current_efficiency",
        line.process.parameters["current_efficiency"].uncertainty_percent / 200.0,
    )
    if role == "cell_kah":
        return current_u, ()
    if role in ("ae_product", "ae_overvoltage_product"):
        return current_u, (timing, efficiency)
    return 0.0, (timing,) if role == "ae_minutes" else ()


def effect_events(model: Model, out: Out, t_ns: int) -> list[Event]:
    """Return the anode effects that ended in this step, and one event for those that did not fit."""
    told, more = (int(v) for v in out.ae_n)
    found = [_effect(model, t_ns, out.ae_key[row].tolist(), out.ae_x[row].tolist()) for row in range(told)]
    if more:
        detail = f"{more} more anode effects ended in this scan; they are in every sum, not in this list"
        found.append(Event(0, 0, t_ns, "anode_effects_not_listed", model.site.head.id, detail=detail))
    return found


def _effect(model: Model, t_ns: int, key: Sequence[int], figures: Sequence[float]) -> Event:
    series, start, end, how = key
    peak, over = figures
    over_text = f", on average {1000.0 * over:.0f} mV above its target voltage" if np.isfinite(over) else ""
    return Event(
        0, 0, t_ns, "anode_effect", model.series[series].name, start_ns=start, end_ns=end,
        detail=f"anode effect of {_span(end - start)}, up to {peak:.1f} V{over_text}{_HOW[how]}",
    )  # fmt: skip


def _span(ns: int) -> str:
    seconds = ns / NS
    return f"{seconds:.1f} s" if seconds < 120.0 else f"{seconds / 60.0:.1f} min"
