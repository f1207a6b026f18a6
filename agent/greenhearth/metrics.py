"""What is computed for every line and window: names, units and how outputs make them."""

from greenhearth.processes import OUTPUTS

WINDOWS = ("batch", "15min", "1h", "24h")
"""Running windows: the running batch, and three rolling ones. Finished ones are events."""

ROLLING_S = (900, 3600, 86400)
"""Lengths of the rolling and of the tumbling windows [s], in the order of WINDOWS[1:]."""

BINS = 60
"""Bins of a rolling window: its edge moves in steps of length / 60 (15 s, 1 min, 24 min)."""

_SCOPE1 = dict.fromkeys(
    ("co2_fuel_kg", "co2_process_kg", "co2_anode_kg", "co2_pfc_kg", "co2_waste_gas_kg"), 1.0
)
_SCOPE2 = {"co2_electricity_kg": 1.0, "co2_heat_kg": 1.0}
_MARKET = {"co2_electricity_market_kg": 1.0, "co2_heat_kg": 1.0}
_UPSTREAM = dict.fromkeys(("co2_upstream_kg", "co2_precursor_kg", "co2_precursor_indirect_kg"), 1.0)
_EMBEDDED_DIRECT = {**_SCOPE1, "co2_heat_kg": 1.0, "co2_precursor_kg": 1.0}
_EMBEDDED_INDIRECT = {"co2_electricity_kg": 1.0, "co2_precursor_indirect_kg": 1.0}
_ENERGY = {"electricity_kwh": 1.0, "fuel_kwh": 1.0, "heat_kwh": 1.0}
_GJ = dict.fromkeys(_ENERGY, 0.0036)
_CO2 = "kg CO2e/t"

PLAIN, PER_PRODUCT, PER_CHARGE = 0, 1, 2
"""What a metric is divided by: nothing, tonnes of product, tonnes of metallic (or raw) charge."""

_TABLE: tuple[tuple[str, str, int, dict[str, float]], ...] = (
    ("product_t", "t", PLAIN, {"product_t": 1.0}),
    ("electricity_kwh", "kWh", PLAIN, {"electricity_kwh": 1.0}),
    ("fuel_kwh", "kWh", PLAIN, {"fuel_kwh": 1.0}),
    ("energy_kwh_per_t", "kWh/t", PER_PRODUCT, _ENERGY),
    ("electricity_kwh_per_t", "kWh/t", PER_PRODUCT, {"electricity_kwh": 1.0}),
    ("energy_gj_per_t", "GJ/t", PER_PRODUCT, _GJ),
    ("fuel_gj_per_t", "GJ/t", PER_PRODUCT, {"fuel_kwh": 0.0036}),
    ("heat_gj_per_t", "GJ/t", PER_PRODUCT, {"heat_kwh": 0.0036}),
    ("kgce_per_t", "kgce/t", PER_PRODUCT, {"kgce": 1.0}),
    ("co2_fuel_kg_per_t", _CO2, PER_PRODUCT, {"co2_fuel_kg": 1.0}),
    ("co2_process_kg_per_t", _CO2, PER_PRODUCT, {"co2_process_kg": 1.0}),
    ("co2_electricity_kg_per_t", _CO2, PER_PRODUCT, {"co2_electricity_kg": 1.0}),
    ("co2_heat_kg_per_t", _CO2, PER_PRODUCT, {"co2_heat_kg": 1.0}),
    ("co2_anode_kg_per_t", _CO2, PER_PRODUCT, {"co2_anode_kg": 1.0}),
    ("co2_pfc_kg_per_t", _CO2, PER_PRODUCT, {"co2_pfc_kg": 1.0}),
    ("co2_waste_gas_kg_per_t", _CO2, PER_PRODUCT, {"co2_waste_gas_kg": 1.0}),
    ("co2_upstream_kg_per_t", _CO2, PER_PRODUCT, _UPSTREAM),
    ("co2_scope1_kg_per_t", _CO2, PER_PRODUCT, _SCOPE1),
    ("co2_scope2_kg_per_t", _CO2, PER_PRODUCT, _SCOPE2),
    ("co2_scope2_market_kg_per_t", _CO2, PER_PRODUCT, _MARKET),
    ("co2_total_kg_per_t", _CO2, PER_PRODUCT, {**_SCOPE1, **_SCOPE2}),
    ("co2_total_market_kg_per_t", _CO2, PER_PRODUCT, {**_SCOPE1, **_MARKET}),
    ("co2_cradle_kg_per_t", _CO2, PER_PRODUCT, {**_SCOPE1, **_SCOPE2, **_UPSTREAM}),
    ("co2_embedded_direct_kg_per_t", _CO2, PER_PRODUCT, _EMBEDDED_DIRECT),
    ("co2_embedded_indirect_kg_per_t", _CO2, PER_PRODUCT, _EMBEDDED_INDIRECT),
    ("co2_biogenic_kg_per_t", _CO2, PER_PRODUCT, {"co2_biogenic_kg": 1.0}),
    ("recycled_share_percent", "%", PER_CHARGE, {"recycled_t": 100.0}),
    ("material_intensity_kg_per_kg", "kg/kg", PER_PRODUCT, {"input_kg": 0.001}),
    ("e_factor_kg_per_kg", "kg/kg", PER_PRODUCT, {"waste_kg": 0.001}),
    ("voc_kg_per_t", "kg/t", PER_PRODUCT, {"voc_kg": 1.0}),
    ("co2_total_kg", "kg CO2e", PLAIN, {**_SCOPE1, **_SCOPE2}),
)
"""Metric, unit, what it is divided by, and the weights of the outputs in it.

Upstream (scope 3) stays apart: only the cradle-to-gate and the embedded figures hold it. Embedded
direct and indirect are the specific embedded emissions of Regulation (EU) 2025/2547, where heat that is
bought or sold counts as direct and only electricity as indirect. Biogenic CO2 is a memo, in no total.
Material intensity is the process mass intensity: all that goes in per product."""

METRICS: tuple[str, ...] = tuple(row[0] for row in _TABLE)
METRIC_UNITS: tuple[str, ...] = tuple(row[1] for row in _TABLE)
DIVIDED_BY: tuple[int, ...] = tuple(row[2] for row in _TABLE)
"""PLAIN, PER_PRODUCT or PER_CHARGE."""
WEIGHTS: tuple[tuple[float, ...], ...] = tuple(
    tuple(row[3].get(output, 0.0) for output in OUTPUTS) for row in _TABLE
)
"""WEIGHTS[metric][output]."""
