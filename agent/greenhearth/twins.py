"""Green twins: what the same product would take as a green process, on this hour's grid.

What is declared per tonne of product goes through the same flows, factors and compiled kernel as
the line itself; the grid is the line's own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from greenhearth.error_sources import StreamWeight, used_metrics
from greenhearth.factors import Factor
from greenhearth.flows import FlowError
from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.twin_file import GRID_ROLES, PerTonne, Twin, load_twin, twin_sources, twin_weights, twins_of
from greenhearth.weights import evaluate_amounts
from greenhearth.wire import MetricValue

_ALWAYS = {METRICS.index("co2_scope1_kg_per_t")}
"""Told even where no stream has any: a process without direct CO2 has 0, not none."""


def twin_metrics(
    twin: Twin, product_t: float, grid: Mapping[str, str], catalogue: Mapping[str, Factor]
) -> dict[str, MetricValue]:
    """Return the metrics of making `product_t` [t] as the green process.

    `grid` gives the line's choice for GRID_ROLES; `catalogue` holds the factors (the hour's own grid
    factor may stand in it under any id). FlowError when a factor is missing or does not fit.
    """
    return metrics_of(twin, product_t, twin_weights(twin, twin_sources(twin, grid, catalogue)))


def metrics_of(twin: Twin, product_t: float, weights: Sequence[StreamWeight]) -> dict[str, MetricValue]:
    """Return the metrics of `product_t` [t] with the weights of the twin's streams."""
    amounts = np.array([[one.amount * product_t for one in twin.per_tonne.values()]])
    found = evaluate_amounts(weights, amounts)
    return {
        METRICS[m]: MetricValue(_number(found.x[0, 0, m]), METRIC_UNITS[m], _number(found.u[0, 0, m]))
        for m in sorted({*used_metrics(weights), *_ALWAYS})
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


__all__ = [
    "GRID_ROLES",
    "FlowError",
    "PerTonne",
    "Twin",
    "load_twin",
    "metrics_of",
    "twin_metrics",
    "twin_sources",
    "twin_weights",
    "twins_of",
]
