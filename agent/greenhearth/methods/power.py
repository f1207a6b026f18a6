"""Electricity (location- and market-based), heat and steam.

Sources: GHG Protocol Scope 2 Guidance (2015), ch. 6; GB/T 2589-2020; Regulation (EU) 2025/2547, Annex II.
"""

from greenhearth.methods.law import KGCE_PER_GJ, KWH_PER_GJ, Arg, Method, Values

_EF = Arg("kgCO2/kWh", "grid factor, by place", None, 0.0, 5.0)
_MARKET = Arg("kgCO2/kWh", "factor by contract; without one the grid's own", "=ef", 0.0, 5.0)
"""A captive power plant on blast furnace gas: 260 t/TJ at 35 % are 2.7 kg/kWh."""
_COAL = Arg("kgce/kWh", "coal equivalent of electricity", "tce.electricity_equivalent", 0.1, 0.5)
_HEAT_EF = Arg("tCO2/TJ", "CO2 per heat delivered", None, 0.0, 500.0)

Output = dict[str, complex]


def _electricity(a: Values, sign: float) -> Output:
    return {
        "electricity_kwh": sign + 0.0 * a["ef"],
        "kgce": sign * a["coal_equivalent"],
        "co2_electricity_kg": sign * a["ef"],
        "co2_electricity_market_kg": sign * a["market"],
    }


def _heat(gj: complex, a: Values) -> Output:
    return {"heat_kwh": gj * KWH_PER_GJ, "kgce": gj * KGCE_PER_GJ, "co2_heat_kg": gj * a["ef"]}


def _steam(a: Values) -> complex:
    return a["enthalpy"] - a["return_enthalpy"]


METHODS = (
    Method(
        "electricity", ("kWh",), {"ef": _EF, "market": _MARKET, "coal_equivalent": _COAL},
        "E = electricity x EF(grid); by contract x EF(contract)", "GHG Protocol Scope 2 Guidance, 6.1",
        lambda a: _electricity(a, 1.0),
    ),
    Method(
        "electricity_out", ("kWh",), {"ef": _EF, "market": _MARKET, "coal_equivalent": _COAL},
        "E = - electricity x EF(grid)", "Regulation (EU) 2025/2547, Annex II, electricity exported",
        lambda a: _electricity(a, -1.0),
    ),
    Method(
        "heat", ("GJ",), {"ef": _HEAT_EF}, "E = heat x EF", "(EU) 2025/2547, heat", lambda a: _heat(1.0, a),
    ),
    Method(
        "heat_out", ("GJ",), {"ef": _HEAT_EF},
        "E = - heat x EF", "(EU) 2025/2547, heat exported", lambda a: _heat(-1.0, a),
    ),
    Method(
        "steam", ("t",),
        {"ef": _HEAT_EF, "enthalpy": Arg("GJ/t", "enthalpy of the steam, or of hot water", None, 0.1, 4.0),
         "return_enthalpy": Arg("GJ/t", "enthalpy of the condensate", 0.37697, 0.0, 1.5)},
        "E = amount x (h - h_return) x EF", "(EU) 2025/2547, heat: return at 90 degC if unknown (IAPWS-IF97)",
        lambda a: _heat(_steam(a), a),
    ),
)  # fmt: skip
