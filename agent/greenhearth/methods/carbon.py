"""Carbon and process CO2: mass balances, carbonates, kiln dust, stacks, gases, credits.

Sources: Regulation (EU) 2025/2547, Annex II, Eq 8, 11, 12 and 28; IPCC Guidelines vol. 3.
"""

from greenhearth.methods.law import KGCE_PER_GJ, KWH_PER_GJ, Arg, Method, Values

_EU = "Commission Implementing Regulation (EU) 2025/2547, Annex II"
_AMOUNT = ("t", "kNm3")
_CARBON = Arg("tC/{stream}", "carbon content", None, 0.0, 1.0, high_gas=4.0)
"""Of gases butane has most, 2.1 tC/kNm3."""
_BIOGENIC = Arg("1", "biogenic share of the carbon", 0.0, 0.0, 1.0)
_PER_CARBON = Arg("tCO2/tC", "CO2 per carbon", "const.f_c_to_co2", 3.6, 3.7)
_EF = Arg("tCO2/{stream}", "CO2e per amount", None, 0.0, 100.0)
"""Adipic acid without abatement: 0.3 t N2O/t, 80 tCO2e/t."""
_CONVERSION = Arg("1", "converted share", 1.0, 0.0, 1.0)

Output = dict[str, complex]


def _split(kg: complex, biogenic: complex) -> Output:
    return {"co2_process_kg": kg * (1.0 - biogenic), "co2_biogenic_kg": kg * biogenic}


def _balance(a: Values, sign: float) -> Output:
    return _split(sign * 1000.0 * a["carbon"] * a["co2_per_carbon"], a["biogenic"])


def _dust(a: Values) -> Output:
    loss = a["ef"] / (1.0 + a["ef"]) * a["calcination"]
    return {"co2_process_kg": 1000.0 * loss / (1.0 - loss)}


def _waste_gas(a: Values) -> Output:
    return _gas_away(1.0, a)


def _gas_away(gj: complex, a: Values) -> Output:
    return {
        "fuel_kwh": -gj * KWH_PER_GJ + 0.0 * a["ef"],
        "kgce": -gj * KGCE_PER_GJ + 0.0 * a["ef"],
        "co2_waste_gas_kg": -gj * a["ef"] * a["share"],
    }


_CREDIT = {
    "ef": Arg("tCO2/TJ", "emission factor of natural gas", "fuel.natural_gas.ef", 40.0, 80.0),
    "share": Arg("1", "share of natural gas it stands for", 0.667, 0.0, 1.0),
}

METHODS = (
    Method(
        "carbon_in", _AMOUNT, {"carbon": _CARBON, "biogenic": _BIOGENIC, "co2_per_carbon": _PER_CARBON},
        "E = + amount x C x f x (1 - BF)", f"{_EU}, Eq 12", lambda a: _balance(a, 1.0),
    ),
    Method(
        "carbon_out", _AMOUNT, {"carbon": _CARBON, "biogenic": _BIOGENIC, "co2_per_carbon": _PER_CARBON},
        "E = - amount x C x f x (1 - BF)", f"{_EU}, Eq 12", lambda a: _balance(a, -1.0),
    ),
    Method(
        "process", _AMOUNT, {"ef": _EF, "conversion": _CONVERSION, "biogenic": _BIOGENIC},
        "E = amount x EF x CF", f"{_EU}, Eq 11",
        lambda a: _split(1000.0 * a["ef"] * a["conversion"], a["biogenic"]),
    ),
    Method(
        "process_out", _AMOUNT, {"ef": _EF},
        "E = - amount x EF", f"{_EU}, Eq 12 with EF = C x f", lambda a: {"co2_process_kg": -1000.0 * a["ef"]},
    ),
    Method(
        "carbonate", ("t",),
        {"ef": Arg("tCO2/t", "CO2 of the pure carbonate", None, 0.0, 1.0),
         "purity": Arg("1", "carbonate in the material", 1.0, 0.0, 1.0), "conversion": _CONVERSION},
        "E = amount x purity x EF x CF", f"{_EU}, method A",
        lambda a: {"co2_process_kg": 1000.0 * a["ef"] * a["purity"] * a["conversion"]},
    ),
    Method(
        "oxide", ("t",),
        {"content": Arg("1", "oxide in the product", None, 0.0, 1.0),
         "ef": Arg("tCO2/t", "CO2 per oxide formed", None, 0.0, 3.0),
         "correction": Arg("1", "for lost dust, or oxide that was none before", 1.0, 0.5, 1.5)},
        "E = amount x oxide x EF x correction", "IPCC 2006 vol. 3, Eq 2.2 to 2.4; (EU) 2025/2547, method B",
        lambda a: {"co2_process_kg": 1000.0 * a["content"] * a["ef"] * a["correction"]},
    ),
    Method(
        "kiln_dust", ("t",),
        {"ef": Arg("tCO2/t", "calcination factor of the clinker", None, 0.0, 1.0),
         "calcination": Arg("1", "degree of calcination of the dust", None, 0.0, 1.0)},
        "E = amount x (x d) / (1 - x d), x = EF / (1 + EF)", f"{_EU}, Eq 28", _dust,
    ),
    Method(
        "glass_melt", ("t",),
        {"ef": Arg("tCO2/t", "CO2 per tonne melted without cullet", None, 0.0, 1.0),
         "cullet": Arg("1", "share of cullet", None, 0.0, 1.0)},
        "E = amount x EF x (1 - cullet)", "IPCC 2006 vol. 3, Eq 2.13",
        lambda a: {"co2_process_kg": 1000.0 * a["ef"] * (1.0 - a["cullet"])},
    ),
    Method(
        "gas_release", ("t",),
        {"gwp": Arg("tCO2/t", "global warming potential over 100 years", None, 1.0, 30000.0),
         "abated": Arg("1", "share destroyed or caught", 0.0, 0.0, 1.0)},
        "E = amount x GWP x (1 - abated)", f"{_EU}; IPCC assessment reports for the GWP",
        lambda a: {"co2_process_kg": 1000.0 * a["gwp"] * (1.0 - a["abated"])},
    ),
    Method(
        "stack", ("kNm3",),
        {"concentration": Arg("kg/kNm3", "mass of the gas per dry flue gas", None, 0.0, 2000.0),
         "gwp": Arg("tCO2/t", "global warming potential over 100 years", 1.0, 1.0, 30000.0),
         "biogenic": _BIOGENIC},
        "E = concentration x flow x GWP", f"{_EU}, measurement-based",
        lambda a: _split(a["concentration"] * a["gwp"], a["biogenic"]),
    ),
    Method(
        "waste_gas_export", ("GJ",), _CREDIT,
        "E = - heat x EF(natural gas) x share", f"{_EU}, waste gases", _waste_gas,
    ),
    Method(
        "waste_gas_out", _AMOUNT,
        {"ncv": Arg("GJ/{stream}", "net calorific value", None, 0.1, 150.0), **_CREDIT},
        "E = - amount x NCV x EF(natural gas) x share", f"{_EU}, waste gases",
        lambda a: _gas_away(a["ncv"], a),
    ),
)  # fmt: skip
