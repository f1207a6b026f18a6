"""What a restatement tells: old beside new, the difference, and by which factor."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from greenhearth.error_sources import used_metrics
from greenhearth.kernels.arrays import F8
from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.restate_factors import Path
from greenhearth.restatement import Change, Figure, Period, RestatedWindow
from greenhearth.tables import StreamBuilder
from greenhearth.weights import evaluate_amounts, numerators
from greenhearth.wire import Event

ALWAYS = ("product_t", "co2_scope1_kg_per_t", "co2_scope2_kg_per_t", "co2_total_kg_per_t", "co2_total_kg")
"""Told of every window, changed or not; other metrics only where they change."""

SCOPES = ("co2_scope1_kg_per_t", "co2_scope2_kg_per_t", "co2_scope2_market_kg_per_t", "co2_total_kg_per_t")
_PRODUCT, _TOTAL = METRICS.index("product_t"), METRICS.index("co2_total_kg")


@dataclass(frozen=True)
class Group:
    """W windows with the same old and the same new factors; x [K + 1, W, M] after each of K changes."""

    path: Path
    events: list[Event]
    stored: F8
    """[W, M], NaN where nothing was stored."""
    a: F8
    x: F8
    u: F8
    """[W, M] with the new factors."""

    def windows(self) -> Iterable[RestatedWindow]:
        """Yield the windows, old beside new."""
        by_cause = np.diff(self.x, axis=0)
        moved = self.x[-1] - self.x[0]
        told = [m for m, name in enumerate(METRICS) if name in ALWAYS or np.any(moved[:, m] != 0.0)]
        causes = [change.name for change in self.path.changes]
        for k, event in enumerate(self.events):
            figures = {
                METRICS[m]: _figure(
                    METRIC_UNITS[m], self.stored[k, m], causes, by_cause[:, k, m], moved[k, m], self.u[k, m]
                )
                for m in told
                if np.isfinite(self.stored[k, m]) and np.isfinite(moved[k, m])
            }
            yield RestatedWindow(
                event.window, event.batch, event.start_ns, event.end_ns, event.validity,
                event.factor_set, self.path.new.name, figures,
            )  # fmt: skip


def _figure(unit: str, old: float, causes: list[str], by_cause: F8, moved: float, u: float | None) -> Figure:
    # Stored plus what the factors move: where nothing moves the new figure is the old one to the bit.
    new = float(old + moved)
    shares = dict(zip(causes, by_cause.tolist(), strict=True))
    return Figure(unit, float(old), new, float(moved), shares, None if u is None else float(f"{u:.3g}"))


def periods(groups: list[Group]) -> list[Period]:
    """Add the windows of each length up."""
    lengths = dict.fromkeys(event.window for group in groups for event in group.events)
    return [_period(window, groups) for window in lengths]


@dataclass(frozen=True)
class _Total:
    path: Path
    windows: int
    x: F8
    """[K + 1, M] of the sums of all windows."""
    u: F8
    kg: F8
    """[K + 1, M] what is divided in each of them; also where there is no product to divide by."""
    metrics: list[int]
    """Numbers of those that the line has."""


def _period(window: str, groups: list[Group]) -> Period:
    totals = [total for group in groups if (total := _total(window, group)).windows]
    product = sum(float(total.x[0, _PRODUCT]) for total in totals)
    figures: dict[str, Figure] = {}
    for name in SCOPES:
        m = METRICS.index(name)
        if not all(m in total.metrics for total in totals):
            continue
        kg = [total.kg[:, m] for total in totals]
        figures[name.removesuffix("_per_t")] = _sum("kg CO2e", totals, kg, 1.0, -1)
        if product > 0.0:
            figures[name] = _sum(METRIC_UNITS[m], totals, kg, product, m)
    figures["co2_total_kg"] = _sum("kg CO2e", totals, [one.x[:, _TOTAL] for one in totals], 1.0, _TOTAL)
    return Period(window, sum(one.windows for one in totals), product, figures)


def _total(window: str, group: Group) -> _Total:
    rows = [k for k, event in enumerate(group.events) if event.window == window]
    a = group.a[rows].sum(axis=0, keepdims=True)
    weights = [StreamBuilder(model).weights for model in group.path.models]
    found = [evaluate_amounts(one, a) for one in weights]
    kg = np.array([numerators(one, a[0]) for one in weights])
    x = np.array([one.x[0, 0] for one in found])
    return _Total(group.path, len(rows), x, found[-1].u[0, 0], kg, used_metrics(weights[-1]))


def _sum(unit: str, totals: list[_Total], parts: list[F8], per: float, column: int) -> Figure:
    """Add one figure up over the groups; `parts` are [K + 1] each."""
    old = sum(float(part[0]) for part in parts) / per
    moved = sum(float(part[-1] - part[0]) for part in parts) / per
    by_cause: dict[str, float] = {}
    for total, part in zip(totals, parts, strict=True):
        for change, one in zip(total.path.changes, np.diff(part).tolist(), strict=True):
            by_cause[change.name] = by_cause.get(change.name, 0.0) + one / per
    u = float(totals[0].u[column]) if len(totals) == 1 and column >= 0 else float("nan")
    return Figure(unit, old, old + moved, moved, by_cause, float(f"{u:.3g}") if np.isfinite(u) else None)


def explanations(changes: Iterable[Change], found: list[Period]) -> list[str]:
    """Say for each changed factor what it moves in the total: per tonne where there is a product."""
    if not found:
        return []
    name = "co2_total_kg_per_t" if "co2_total_kg_per_t" in found[0].figures else "co2_total_kg"
    figure = found[0].figures[name]
    texts: dict[str, str] = {}
    for change in changes:
        text = change.text()
        texts[change.name] = f"{texts[change.name]}, {text}" if change.name in texts else text
    return [f"{text}: {figure.by_cause.get(name, 0.0):+.4g} {figure.unit}" for name, text in texts.items()]
