"""How far a live line, and what a simulator has really made, are from the account of the same case."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from greenhearth.account import Case, Inventory, take_inventory
from greenhearth.metrics import DIVIDED_BY, METRICS, PLAIN, WEIGHTS
from greenhearth.processes import OUTPUTS

ALLOWED = 0.005
"""Relative: 0.5 %."""

RATIOS = [name for name, divided in zip(METRICS, DIVIDED_BY, strict=True) if divided != PLAIN]
WITH_PFC = {name for name, row in zip(METRICS, WEIGHTS, strict=True) if row[OUTPUTS.index("co2_pfc_kg")]}
"""Metrics that anode effects are in."""


def account_of_made(case: Case, made: Mapping[str, tuple[float, str]]) -> Inventory:
    """Return the account of a case with what was really made in place of what it declares."""
    blank = {
        "purchased": None,
        "sold": 0.0,
        "opening": 0.0,
        "closing": 0.0,
        "rate_per_h": None,
        "hours": None,
    }
    quantities = {
        name: msgspec.structs.replace(entry, **blank, amount=made[name][0], unit=made[name][1])
        for name, entry in case.quantities.items()
    }
    return take_inventory(replace(case, quantities=quantities))


def ratios_of(inventory: Inventory) -> dict[str, float]:
    """Return the metrics per product or charge that are not 0."""
    found = {name: inventory.metrics[name].value for name in RATIOS if name in inventory.metrics}
    return {name: value for name, value in found.items() if value}


def deviations(declared: Mapping[str, float], found: Mapping[str, float | None]) -> dict[str, float]:
    """Return metric -> relative deviation; infinite where there is no value."""
    gaps = {}
    for name, value in declared.items():
        other = found.get(name)
        gaps[name] = float("inf") if other is None else abs(other / value - 1.0)
    return gaps
