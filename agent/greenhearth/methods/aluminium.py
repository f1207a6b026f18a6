"""Electrolysis: Faraday's law, anode carbon, perfluorocarbons.

Current efficiency is a fraction in Faraday's law and in PERCENT in the overvoltage equation
(Regulation (EU) 2025/2547, Annex II, Eq 24): 1.16 x 17.4 mV / 95 = 0.21 kg CF4/t; divided by
0.95 it would be 21 kg/t, a hundred times what any cell emits.
"""

from greenhearth.methods.law import CO2_PER_CARBON, Arg, Method, Values

_EU = "Commission Implementing Regulation (EU) 2025/2547, Annex II.B.7"
_IPCC = "IPCC 2006 vol. 3, ch. 4"
_EQUIVALENT = Arg("kg/kAh", "electrochemical equivalent", None, 0.01, 8.0)
_EFFICIENCY = Arg("1", "current efficiency", None, 0.2, 1.0)
"""Chromium is won at 0.45, aluminium at 0.9 to 0.96."""
_NAC = Arg("t/t", "net consumption of anodes (or packing coke) per metal", None, 0.001, 0.7)
_SULPHUR = Arg("1", "sulphur in the anode", "al.anode.s_default", 0.0, 0.1)
_ASH = Arg("1", "ash in the anode", "al.anode.ash_default", 0.0, 0.1)
_GWP4 = Arg("tCO2/t", "GWP of CF4", "gwp100.cf4.ar5", 1000.0, 20000.0)
_GWP26 = Arg("tCO2/t", "GWP of C2F6", "gwp100.c2f6.ar5", 1000.0, 20000.0)
_SHARE = Arg("1", "C2F6 per CF4, by mass", None, 0.0, 1.0)
_COLLECTED = Arg("1", "share that the hoods collect", 1.0, 0.1, 1.0)
_SEF = Arg("(kg CF4/t Al)/(AE-min/cell-day)", "slope of CF4", None, 0.0, 1.0)
_OVC = Arg("(kg CF4/t Al)/(mV)", "overvoltage coefficient", None, 0.0, 10.0)
_PERCENT = Arg("%", "current efficiency in percent", None, 50.0, 100.0)

Output = dict[str, complex]


def _anode(a: Values) -> complex:
    return 1000.0 * a["consumption"] * (1.0 - a["sulphur"] - a["ash"]) * a["co2_per_carbon"]


def _paste(a: Values) -> complex:
    binder = a["binder"] * (a["binder_sulphur"] + a["binder_ash"] + a["binder_hydrogen"])
    coke = (1.0 - a["binder"]) * (a["coke_sulphur"] + a["coke_ash"])
    carbon = a["paste"] * (1.0 - binder - coke) - a["soluble"] - a["dust"]
    return 1000.0 * carbon * a["co2_per_carbon"]


def _metal_t(a: Values) -> complex:
    return a["equivalent"] * a["current_efficiency"] / 1000.0


def _pfc(cf4_kg: complex, a: Values) -> Output:
    mix = a["gwp_cf4"] + a["c2f6_share"] * a["gwp_c2f6"]
    return {"co2_pfc_kg": cf4_kg * mix / a["collected"]}


_PER_CARBON = Arg("tCO2/tC", "CO2 per carbon", CO2_PER_CARBON, 3.6, 3.7)
_ANODE = {"consumption": _NAC, "sulphur": _SULPHUR, "ash": _ASH, "co2_per_carbon": _PER_CARBON}
_CELL = {"equivalent": _EQUIVALENT, "current_efficiency": _EFFICIENCY}
_GASES = {"c2f6_share": _SHARE, "gwp_cf4": _GWP4, "gwp_c2f6": _GWP26, "collected": _COLLECTED}
_PASTE = {
    "paste": Arg("t/t", "paste per metal", None, 0.3, 0.8),
    "soluble": Arg("t/t", "cyclohexane-soluble matter per metal", None, 0.0, 0.02),
    "binder": Arg("1", "binder in the paste", None, 0.1, 0.5),
    "binder_sulphur": Arg("1", "sulphur in the pitch", None, 0.0, 0.1),
    "binder_ash": Arg("1", "ash in the pitch", None, 0.0, 0.1),
    "binder_hydrogen": Arg("1", "hydrogen in the pitch", None, 0.0, 0.1),
    "coke_sulphur": Arg("1", "sulphur in the calcined coke", None, 0.0, 0.1),
    "coke_ash": Arg("1", "ash in the calcined coke", None, 0.0, 0.1),
    "dust": Arg("t/t", "carbon dust skimmed per metal", None, 0.0, 0.1),
    "co2_per_carbon": _PER_CARBON,
}
_PASTE_TEXT = "E = MP x [PC (1 - BC (S+Ash+H)p - (1-BC)(S+Ash)c) - CSM - CD] x 44/12"

METHODS = (
    Method(
        "faraday", ("kAh",), _CELL, "m = charge x equivalent x CE", "Faraday's law",
        lambda a: {"product_t": _metal_t(a)},
    ),
    Method(
        "anode_carbon", ("t",), _ANODE, "E = MP x NAC x (1 - S - Ash) x 44/12", f"{_IPCC}, Eq 4.21",
        lambda a: {"co2_anode_kg": _anode(a)},
    ),
    Method(
        "anode_carbon_cells", ("kAh",), {**_CELL, **_ANODE},
        "E = charge x equivalent x CE x NAC x (1 - S - Ash) x 44/12", f"Faraday's law; {_IPCC}, Eq 4.21",
        lambda a: {"co2_anode_kg": _metal_t(a) * _anode(a)},
    ),
    Method("paste_carbon", ("t",), _PASTE, _PASTE_TEXT, f"{_IPCC}, Eq 4.22",
           lambda a: {"co2_anode_kg": _paste(a)}),
    Method(
        "paste_carbon_cells", ("kAh",), {**_CELL, **_PASTE}, f"{_PASTE_TEXT}, MP = charge x equivalent x CE",
        f"Faraday's law; {_IPCC}, Eq 4.22", lambda a: {"co2_anode_kg": _metal_t(a) * _paste(a)},
    ),
    Method(
        "pfc_slope", ("min t/d",), {"slope": _SEF, **_GASES},
        "CF4 = AE-min/cell-day x SEF x P; C2F6 = CF4 x F", f"{_EU}, slope method",
        lambda a: _pfc(a["slope"], a),
    ),
    Method(
        "pfc_slope_metal", ("t",),
        {"slope": _SEF, "frequency": Arg("1", "anode effects per cell-day", None, 0.0, 20.0),
         "duration": Arg("min", "mean duration", None, 0.0, 60.0), **_GASES},
        "CF4 = f x d x SEF x P; C2F6 = CF4 x F", f"{_EU}, slope method",
        lambda a: _pfc(a["frequency"] * a["duration"] * a["slope"], a),
    ),
    Method(
        "pfc_overvoltage", ("mV t",), {"coefficient": _OVC, "current_efficiency": _PERCENT, **_GASES},
        "CF4 = OVC x AEO / CE[%] x P", f"{_EU}, Eq 24",
        lambda a: _pfc(a["coefficient"] / a["current_efficiency"], a),
    ),
    Method(
        "pfc_overvoltage_metal", ("t",),
        {"coefficient": _OVC, "current_efficiency": _PERCENT,
         "overvoltage": Arg("mV", "anode effect overvoltage", None, 0.0, 1000.0), **_GASES},
        "CF4 = OVC x AEO / CE[%] x P", f"{_EU}, Eq 24",
        lambda a: _pfc(a["coefficient"] * a["overvoltage"] / a["current_efficiency"], a),
    ),
    Method(
        "pfc_default", ("t",),
        {"cf4": Arg("kg/t", "CF4 per metal", None, 0.0, 10.0),
         "c2f6": Arg("kg/t", "C2F6 per metal", None, 0.0, 5.0),
         "gwp_cf4": _GWP4, "gwp_c2f6": _GWP26},
        "E = MP x (CF4 x GWP + C2F6 x GWP)", f"{_IPCC}, tier 1",
        lambda a: {"co2_pfc_kg": a["cf4"] * a["gwp_cf4"] + a["c2f6"] * a["gwp_c2f6"]},
    ),
)  # fmt: skip
