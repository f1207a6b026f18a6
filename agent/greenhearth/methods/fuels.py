"""Fuels: combustion by calorific value, by mass or by heat; energy without combustion; CHP.

Calorific values are net. Gas volumes are at 0 degC and 101.325 kPa; a stream counted in
m3(15degC), m3(20degC) or m3(25degC) is converted. Sources: Regulation (EU) 2025/2547, Annex II,
Eq 5 to 10; GB/T 2589-2020 for coal equivalents.
"""

from greenhearth.methods.law import KGCE_PER_GJ, KWH_PER_GJ, Arg, Method, Values

_EU = "Commission Implementing Regulation (EU) 2025/2547, Annex II"
_FUEL = ("t", "kNm3")
_NCV = Arg("GJ/{stream}", "net calorific value", low=0.1, high=150.0)
"""0.1 GJ is below wet sludge (0.5 GJ/t) and lean gas (1 GJ/kNm3), 150 above hydrogen (120 GJ/t)."""
_EF = Arg("tCO2/TJ", "emission factor per net heat", low=0.0, high=500.0)
"""The greatest in use is blast furnace gas: 260 t/TJ by default, 310 where it is lean."""
_OXIDATION = Arg("1", "oxidised share of the carbon", 1.0, 0.5, 1.0)
_BIOGENIC = Arg("1", "biogenic share of the carbon", 0.0, 0.0, 1.0)

Output = dict[str, complex]


def _energy(gj: complex) -> Output:
    return {"fuel_kwh": gj * KWH_PER_GJ, "kgce": gj * KGCE_PER_GJ}


def _burnt(gj: complex, a: Values) -> Output:
    co2_kg = gj * a["ef"] * a["oxidation"]
    return {
        **_energy(gj),
        "co2_fuel_kg": co2_kg * (1.0 - a["biogenic"]),
        "co2_biogenic_kg": co2_kg * a["biogenic"],
    }


def _by_carbon(a: Values) -> Output:
    return _burnt(a["ncv"], {**a, "ef": a["carbon"] * a["co2_per_carbon"] * 1000.0})


def _by_mass(a: Values) -> Output:
    return _burnt(a["ncv"], {**a, "ef": a["ef"] * 1000.0 / a["ncv"]})


def _heat_share(a: Values) -> complex:
    heat, power = a["heat_efficiency"] / a["heat_reference"], a["power_efficiency"] / a["power_reference"]
    return heat / (heat + power)


_CHP = {
    "ncv": _NCV, "ef": _EF, "oxidation": _OXIDATION, "biogenic": _BIOGENIC,
    "heat_efficiency": Arg("1", "useful heat over fuel heat", None, 0.0, 1.0),
    "power_efficiency": Arg("1", "electricity over fuel heat", None, 0.0, 1.0),
    "heat_reference": Arg("1", "reference efficiency of separate heat", 0.9, 0.1, 1.2),
    "power_reference": Arg("1", "reference efficiency of separate electricity", 0.53, 0.1, 1.0),
}  # fmt: skip
_SPLIT = "F_heat = (eta_h/ref_h) / (eta_h/ref_h + eta_e/ref_e)"

METHODS = (
    Method(
        "combustion", _FUEL, {"ncv": _NCV, "ef": _EF, "oxidation": _OXIDATION, "biogenic": _BIOGENIC},
        "E = amount x NCV x EF x OF x (1 - BF)", f"{_EU}, Eq 5 to 10", lambda a: _burnt(a["ncv"], a),
    ),
    Method(
        "combustion_heat", ("GJ",), {"ef": _EF, "oxidation": _OXIDATION, "biogenic": _BIOGENIC},
        "E = heat x EF x OF x (1 - BF)", f"{_EU}, Eq 5", lambda a: _burnt(1.0, a),
    ),
    Method(
        "combustion_mass", _FUEL,
        {
            "ncv": _NCV, "ef": Arg("tCO2/{stream}", "emission factor per amount", None, 0.0, 10.0),
            "oxidation": _OXIDATION, "biogenic": _BIOGENIC,
        },
        "E = amount x EF x OF x (1 - BF)", f"{_EU}, Eq 6", _by_mass,
    ),
    Method(
        "combustion_carbon", _FUEL,
        {
            "ncv": _NCV, "carbon": Arg("tC/GJ", "carbon per net heat", None, 0.0, 0.14),
            "oxidation": Arg("1", "oxidised share of the carbon", None, 0.5, 1.0), "biogenic": _BIOGENIC,
            "co2_per_carbon": Arg("tCO2/tC", "CO2 per carbon", 44.0 / 12.0, 3.6, 3.7),
        },
        "E = amount x NCV x CC x OF x 44/12", "GB/T 32151 series, fuel combustion", _by_carbon,
    ),
    Method(
        "fuel_energy", _FUEL, {"ncv": _NCV},
        "energy = amount x NCV", "GB/T 2589-2020, 6.4", lambda a: _energy(a["ncv"]),
    ),
    Method(
        "fuel_energy_out", _FUEL, {"ncv": _NCV},
        "energy = - amount x NCV", "GB/T 2589-2020, 6.4", lambda a: _energy(-a["ncv"]),
    ),
    Method(
        "hydrogen", _FUEL,
        {"ncv": _NCV, "upstream": Arg("tCO2/{stream}", "CO2e of making it", None, 0.0, 40.0)},
        "energy = amount x NCV; upstream = amount x CO2e of its making",
        "no carbon in it (GB/T 2589-2020 for the energy)",
        lambda a: {**_energy(a["ncv"]), "co2_upstream_kg": 1000.0 * a["upstream"]},
    ),
    Method(
        "chp_heat", _FUEL, _CHP, f"E = amount x NCV x EF x OF x F_heat; {_SPLIT}", f"{_EU}, CHP",
        lambda a: _burnt(a["ncv"] * _heat_share(a), a),
    ),
    Method(
        "chp_electricity", _FUEL, _CHP, f"E = amount x NCV x EF x OF x (1 - F_heat); {_SPLIT}", f"{_EU}, CHP",
        lambda a: _burnt(a["ncv"] * (1.0 - _heat_share(a)), a),
    ),
)  # fmt: skip
