"""Units: the suffix each has in names, and its factor to the base unit of its quantity.

The unit is in the name of everything that has one; this table is the only place that
knows which suffix belongs to which unit.
"""

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit: the suffix of names, the base unit of its quantity and the factor to it."""

    suffix: str
    base: str
    factor: float


UNITS: dict[str, Unit] = {
    "kW": Unit("kw", "kW", 1.0),
    "MW": Unit("mw", "kW", 1000.0),
    "kWh": Unit("kwh", "kWh", 1.0),
    "MWh": Unit("mwh", "kWh", 1000.0),
    "GJ": Unit("gj", "kWh", 1000.0 / 3.6),
    "MJ": Unit("mj", "kWh", 1.0 / 3.6),
    "TJ": Unit("tj", "kWh", 1.0e6 / 3.6),
    "GJ/h": Unit("gj_per_h", "kW", 1000.0 / 3.6),
    "kvar": Unit("kvar", "kvar", 1.0),
    "kvarh": Unit("kvarh", "kvarh", 1.0),
    "kVA": Unit("kva", "kVA", 1.0),
    "kVAh": Unit("kvah", "kVAh", 1.0),
    "V": Unit("v", "V", 1.0),
    "A": Unit("a", "A", 1.0),
    "kA": Unit("ka", "kA", 1.0),
    "kAh": Unit("kah", "kAh", 1.0),
    "Hz": Unit("hz", "Hz", 1.0),
    "t": Unit("t", "kg", 1000.0),
    "kg": Unit("kg", "kg", 1.0),
    "t/h": Unit("t_per_h", "kg/h", 1000.0),
    "kg/h": Unit("kg_per_h", "kg/h", 1.0),
    "Nm3": Unit("nm3", "Nm3", 1.0),
    "Nm3/h": Unit("nm3_per_h", "Nm3/h", 1.0),
    "kNm3": Unit("knm3", "Nm3", 1000.0),
    "kNm3/h": Unit("knm3_per_h", "Nm3/h", 1000.0),
    "m3(15degC)": Unit("m3_15c", "Nm3", 273.15 / 288.15),
    "m3(20degC)": Unit("m3_20c", "Nm3", 273.15 / 293.15),
    "m3(25degC)": Unit("m3_25c", "Nm3", 273.15 / 298.15),
    "m3": Unit("m3", "m3", 1.0),
    "m3/h": Unit("m3_per_h", "m3/h", 1.0),
    "degC": Unit("c", "degC", 1.0),
    "bar": Unit("bar", "kPa", 100.0),
    "mbar": Unit("mbar", "kPa", 0.1),
    "kPa": Unit("kpa", "kPa", 1.0),
    "kg/m3": Unit("kg_per_m3", "kg/m3", 1.0),
    "MJ/Nm3": Unit("mj_per_nm3", "MJ/Nm3", 1.0),
    "ppm": Unit("ppm", "ppm", 1.0),
    "mg/m3": Unit("mg_per_m3", "mg/m3", 1.0),
    "mg/Nm3": Unit("mg_per_nm3", "mg/Nm3", 1.0),
    "mS/cm": Unit("ms_per_cm", "mS/cm", 1.0),
    "pH": Unit("ph", "pH", 1.0),
    "m/s": Unit("m_per_s", "m/s", 1.0),
    "mm/s": Unit("mm_per_s", "mm/s", 1.0),
    "mm": Unit("mm", "mm", 1.0),
    "rpm": Unit("rpm", "rpm", 1.0),
    "deg": Unit("deg", "deg", 1.0),
    "mA": Unit("ma", "A", 0.001),
    "s": Unit("s", "min", 1.0 / 60.0),
    "h": Unit("h", "min", 60.0),
    "%": Unit("percent", "%", 1.0),
    "min": Unit("min", "min", 1.0),
    "min t/d": Unit("min_t_per_d", "min t/d", 1.0),
    "mV t": Unit("mv_t", "mV t", 1.0),
    "kg CO2": Unit("co2_kg", "kg CO2", 1.0),
    "t CO2": Unit("co2_t", "kg CO2", 1000.0),
}

RATE_OF = {"kW": "kWh", "kg/h": "kg", "Nm3/h": "Nm3", "m3/h": "m3", "kA": "kAh"}
"""Base unit of a rate -> base unit of its integral over hours."""
