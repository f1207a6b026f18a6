"""What is computed for every line and window: names, units and how outputs make them."""

from greenhearth.processes import OUTPUTS

WINDOWS = ("batch", "15min", "1h", "24h")
"""Running windows: the running batch, and three rolling ones. Finished ones are events."""

ROLLING_S = (900, 3600, 86400)
"""Lengths of the rolling and of the tumbling windows [s], in the order of WINDOWS[1:]."""

BINS = 60
"""Bins of a rolling window: its edge moves in steps of length / 60 (15 s, 1 min, 24 min)."""

_SCOPE1 = {"co2_fuel_kg": 1.0, "co2_process_kg": 1.0, "co2_anode_kg": 1.0, "co2_pfc_kg": 1.0}
_SCOPE2 = {"co2_electricity_kg": 1.0}
_ENERGY = {"electricity_kwh": 1.0, "fuel_kwh": 1.0}
_CO2 = "kg CO2e/t"

_TABLE: tuple[tuple[str, str, bool, dict[str, float]], ...] = (
    ("product_t", "t", False, {"product_t": 1.0}),
    ("electricity_kwh", "kWh", False, {"electricity_kwh": 1.0}),
    ("fuel_kwh", "kWh", False, {"fuel_kwh": 1.0}),
    ("energy_kwh_per_t", "kWh/t", True, _ENERGY),
    ("electricity_kwh_per_t", "kWh/t", True, {"electricity_kwh": 1.0}),
    ("energy_gj_per_t", "GJ/t", True, {"electricity_kwh": 0.0036, "fuel_kwh": 0.0036}),
    ("fuel_gj_per_t", "GJ/t", True, {"fuel_kwh": 0.0036}),
    ("kgce_per_t", "kgce/t", True, {"kgce": 1.0}),
    ("co2_fuel_kg_per_t", _CO2, True, {"co2_fuel_kg": 1.0}),
    ("co2_process_kg_per_t", _CO2, True, {"co2_process_kg": 1.0}),
    ("co2_electricity_kg_per_t", _CO2, True, {"co2_electricity_kg": 1.0}),
    ("co2_anode_kg_per_t", _CO2, True, {"co2_anode_kg": 1.0}),
    ("co2_pfc_kg_per_t", _CO2, True, {"co2_pfc_kg": 1.0}),
    ("co2_upstream_kg_per_t", _CO2, True, {"co2_upstream_kg": 1.0}),
    ("co2_scope1_kg_per_t", _CO2, True, _SCOPE1),
    ("co2_scope2_kg_per_t", _CO2, True, _SCOPE2),
    ("co2_total_kg_per_t", _CO2, True, {**_SCOPE1, **_SCOPE2}),
    ("co2_total_kg", "kg CO2e", False, {**_SCOPE1, **_SCOPE2}),
)
"""Metric, unit, whether it is per tonne of product, and the weights of the outputs in it.
Upstream (scope 3) stays apart: it is in no total."""

METRICS: tuple[str, ...] = tuple(row[0] for row in _TABLE)
METRIC_UNITS: tuple[str, ...] = tuple(row[1] for row in _TABLE)
PER_TONNE: tuple[bool, ...] = tuple(row[2] for row in _TABLE)
WEIGHTS: tuple[tuple[float, ...], ...] = tuple(
    tuple(row[3].get(output, 0.0) for output in OUTPUTS) for row in _TABLE
)
"""WEIGHTS[metric][output]."""
