"""Every method against arithmetic by hand, its derivatives, and what it refuses."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.methods import METHODS, coefficients
from greenhearth.processes import OUTPUTS
from greenhearth.quantities import Quantity

q = Quantity

GRID = {"ef": q(0.5, "kgCO2/kWh"), "coal_equivalent": q(0.1229, "kgce/kWh")}
COAL = {"ncv": q(25.0, "GJ/t"), "ef": q(94.6, "tCO2/TJ")}
GASES = {
    "c2f6_share": q(0.121, "t/t"), "gwp_cf4": q(6630.0, "kgCO2e/kg"), "gwp_c2f6": q(11100.0, "kgCO2e/kg"),
}  # fmt: skip
MIX = 6630.0 + 0.121 * 11100.0
CELL = {"equivalent": q(0.335573, "kg/kAh"), "current_efficiency": q(94.0, "%")}
ANODE = {"consumption": q(410.0, "kg/t"), "sulphur": q(2.0, "%"), "ash": q(0.4, "%")}
CHP = {
    **COAL, "heat_efficiency": q(0.45, "1"), "power_efficiency": q(0.3, "1"),
    "heat_reference": q(0.9, "1"), "power_reference": q(0.5, "1"),
}  # fmt: skip
CARBON = {"carbon": q(0.88, "tC/t"), "co2_per_carbon": q(3.664, "tCO2/tC")}
PASTE = {
    "paste": q(0.5, "t/t"), "soluble": q(4.0, "kg/t"), "binder": q(0.24, "1"),
    "binder_sulphur": q(0.006, "1"), "binder_ash": q(0.002, "1"), "binder_hydrogen": q(0.033, "1"),
    "coke_sulphur": q(0.019, "1"), "coke_ash": q(0.002, "1"), "dust": q(0.01, "t/t"),
}  # fmt: skip
# 0.24 x 0.041 + 0.76 x 0.021 = 0.0258; 0.5 x 0.9742 - 0.004 - 0.01 = 0.4731; x 44/12 = 1.7347
PASTE_KG = 1734.7

BY_HAND: list[tuple[str, str, Mapping[str, Quantity], Mapping[str, float]]] = [
    # 25 GJ = 6944.44 kWh = 25000/29.3076 = 853.021 kgce; 25 x 94.6 = 2365 kg
    ("combustion", "t", COAL, {"fuel_kwh": 6944.4444, "kgce": 853.02106, "co2_fuel_kg": 2365.0}),
    (
        "combustion",
        "t",
        {**COAL, "oxidation": q(0.98, "1"), "biogenic": q(20.0, "%")},
        {"fuel_kwh": 6944.4444, "kgce": 853.02106, "co2_fuel_kg": 1854.16, "co2_biogenic_kg": 463.54},
    ),
    (
        "combustion_heat",
        "GJ",
        {"ef": q(56.1, "tCO2/TJ")},
        {"fuel_kwh": 277.7778, "kgce": 34.120842, "co2_fuel_kg": 56.1},
    ),
    # per kg: 26.4 MJ; 2.5 kg
    (
        "combustion_mass",
        "kg",
        {"ncv": q(26.4, "GJ/t"), "ef": q(2.5, "tCO2/t")},
        {"fuel_kwh": 7.3333333, "kgce": 0.90079024, "co2_fuel_kg": 2.5},
    ),
    # 20 GJ x 0.027 tC/GJ x 0.93 x 44/12 = 1.8414 t
    (
        "combustion_carbon",
        "t",
        {"ncv": q(20.0, "GJ/t"), "carbon": q(0.027, "tC/GJ"), "oxidation": q(0.93, "1")},
        {"fuel_kwh": 5555.5556, "kgce": 682.41685, "co2_fuel_kg": 1841.4},
    ),
    ("fuel_energy", "t", {"ncv": COAL["ncv"]}, {"fuel_kwh": 6944.4444, "kgce": 853.02106}),
    ("fuel_energy_out", "kNm3", {"ncv": q(3.3, "MJ/Nm3")}, {"fuel_kwh": -916.66667, "kgce": -112.59878}),
    # 1 kg of hydrogen: 119.96 MJ
    (
        "hydrogen",
        "kg",
        {"ncv": q(119.96, "GJ/t"), "upstream": q(2.0, "tCO2/t")},
        {"fuel_kwh": 33.322222, "kgce": 4.0931362, "co2_upstream_kg": 2.0},
    ),
    # (0.45/0.9) / (0.45/0.9 + 0.3/0.5) = 0.5/1.1
    ("chp_heat", "t", CHP, {"fuel_kwh": 3156.5657, "kgce": 387.73685, "co2_fuel_kg": 1075.0}),
    ("chp_electricity", "t", CHP, {"fuel_kwh": 3787.8788, "kgce": 465.28421, "co2_fuel_kg": 1290.0}),
    ("carbon_in", "t", CARBON, {"co2_process_kg": 3224.32}),
    (
        "carbon_out",
        "t",
        {**CARBON, "biogenic": q(0.1, "1")},
        {"co2_process_kg": -2901.888, "co2_biogenic_kg": -322.432},
    ),
    ("process", "t", {"ef": q(0.525, "tCO2/t")}, {"co2_process_kg": 525.0}),
    ("process_out", "t", {"ef": q(0.04, "tCO2/t")}, {"co2_process_kg": -40.0}),
    (
        "carbonate",
        "t",
        {"ef": q(0.44, "tCO2/t"), "purity": q(0.95, "1"), "conversion": q(0.98, "1")},
        {"co2_process_kg": 409.64},
    ),
    (
        "oxide",
        "t",
        {"content": q(65.0, "%"), "ef": q(0.785, "tCO2/t"), "correction": q(1.02, "1")},
        {"co2_process_kg": 520.455},
    ),
    # 0.525/1.525 x 0.5 = 0.17213115; / 0.82786885 = 0.20792079
    ("kiln_dust", "t", {"ef": q(0.525, "tCO2/t"), "calcination": q(0.5, "1")}, {"co2_process_kg": 207.92079}),
    ("glass_melt", "t", {"ef": q(0.21, "tCO2/t"), "cullet": q(30.0, "%")}, {"co2_process_kg": 147.0}),
    ("gas_release", "kg", {"gwp": q(265.0, "kgCO2e/kg"), "abated": q(0.9, "1")}, {"co2_process_kg": 26.5}),
    (
        "stack",
        "Nm3",
        {"concentration": q(1820.0, "g/Nm3"), "biogenic": q(0.15, "1")},
        {"co2_process_kg": 1.547, "co2_biogenic_kg": 0.273},
    ),
    # 56.1 x 0.667 = 37.4187 kg/GJ
    (
        "waste_gas_export",
        "TJ",
        {"ef": q(56.1, "tCO2/TJ")},
        {"fuel_kwh": -277777.78, "kgce": -34120.842, "co2_waste_gas_kg": -37418.7},
    ),
    # 3.3 GJ/kNm3 of blast furnace gas: 916.667 kWh; 3.3 x 37.4187 = 123.48171 kg
    (
        "waste_gas_out",
        "kNm3",
        {"ncv": q(33.0, "GJ/10^4Nm3"), "ef": q(56.1, "tCO2/TJ")},
        {"fuel_kwh": -916.66667, "kgce": -112.59878, "co2_waste_gas_kg": -123.48171},
    ),
    (
        "electricity",
        "MWh",
        {**GRID, "market": q(0.1, "tCO2/MWh")},
        {
            "electricity_kwh": 1000.0,
            "kgce": 122.9,
            "co2_electricity_kg": 500.0,
            "co2_electricity_market_kg": 100.0,
        },
    ),
    (
        "electricity_out",
        "kWh",
        GRID,
        {
            "electricity_kwh": -1.0,
            "kgce": -0.1229,
            "co2_electricity_kg": -0.5,
            "co2_electricity_market_kg": -0.5,
        },
    ),
    (
        "heat",
        "GJ",
        {"ef": q(0.11, "tCO2/GJ")},
        {"heat_kwh": 277.77778, "kgce": 34.120842, "co2_heat_kg": 110.0},
    ),
    (
        "heat_out",
        "GJ",
        {"ef": q(110.0, "tCO2/TJ")},
        {"heat_kwh": -277.77778, "kgce": -34.120842, "co2_heat_kg": -110.0},
    ),
    # 2.77697 - 0.37697 = 2.4 GJ
    (
        "steam",
        "t",
        {"enthalpy": q(2776.97, "kJ/kg"), "ef": q(62.0, "tCO2/TJ")},
        {"heat_kwh": 666.66667, "kgce": 81.890022, "co2_heat_kg": 148.8},
    ),
    ("faraday", "kAh", CELL, {"product_t": 3.1543862e-4}),
    # 410 kg x 0.976 x 44/12 = 1467.2533
    ("anode_carbon", "t", ANODE, {"co2_anode_kg": 1467.2533}),
    ("anode_carbon_cells", "kAh", {**CELL, **ANODE}, {"co2_anode_kg": 0.46282837}),
    ("paste_carbon", "t", PASTE, {"co2_anode_kg": PASTE_KG}),
    ("paste_carbon_cells", "kAh", {**CELL, **PASTE}, {"co2_anode_kg": PASTE_KG * 3.1543862e-4}),
    (
        "pfc_slope",
        "min t/d",
        {"slope": q(0.143, "(kg CF4/t Al)/(AE-min/cell-day)"), **GASES},
        {"co2_pfc_kg": 0.143 * MIX},
    ),
    (
        "pfc_slope_metal",
        "t",
        {
            "slope": q(0.143, "(kg CF4/t Al)/(AE-min/cell-day)"),
            "frequency": q(0.5, "1"),
            "duration": q(2.0, "min"),
            "collected": q(98.0, "%"),
            **GASES,
        },
        {"co2_pfc_kg": 0.143 * MIX / 0.98},
    ),
    # the trap: 1.16 x 17.4 / 95 = 0.21246 kg CF4/t, not 21
    (
        "pfc_overvoltage_metal",
        "t",
        {
            "coefficient": q(1.16, "(kg CF4/t Al)/(mV)"),
            "overvoltage": q(17.4, "mV"),
            "current_efficiency": q(0.95, "1"),
            **GASES,
        },
        {"co2_pfc_kg": 0.21246316 * MIX},
    ),
    (
        "pfc_overvoltage",
        "mV t",
        {"coefficient": q(1.16, "(kg CF4/t Al)/(mV)"), "current_efficiency": q(95.0, "%"), **GASES},
        {"co2_pfc_kg": 0.012210526 * MIX},
    ),
    (
        "pfc_default",
        "t",
        {
            "cf4": q(0.4, "kg/t Al"),
            "c2f6": q(0.04, "kg/t Al"),
            "gwp_cf4": GASES["gwp_cf4"],
            "gwp_c2f6": GASES["gwp_c2f6"],
        },
        {"co2_pfc_kg": 3096.0},
    ),
    ("product", "kg", {}, {"product_t": 0.001}),
    ("product_estimate", "t", {"yield": q(92.0, "%")}, {"product_estimate_t": 0.92}),
    (
        "charge",
        "t",
        {"recycled": q(1.0, "1"), "metallic": q(0.98, "1")},
        {"charge_t": 0.98, "recycled_t": 0.98},
    ),
    ("upstream", "kNm3", {"ef": q(0.355, "tCO2/kNm3")}, {"co2_upstream_kg": 355.0}),
    (
        "precursor",
        "t",
        {"direct": q(1.9, "tCO2e/t"), "indirect": q(0.2079, "tCO2e/t")},
        {"co2_precursor_kg": 1900.0, "co2_precursor_indirect_kg": 207.9},
    ),
    ("material", "kg", {}, {"input_kg": 1.0}),
    ("waste", "t", {}, {"waste_kg": 1000.0}),
    ("solvent", "kg", {"voc": q(120.0, "kg/t"), "abated": q(0.9, "1")}, {"voc_kg": 0.012}),
]


@pytest.mark.parametrize(("name", "unit", "given_", "expected"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_a_method_gives_what_a_hand_works_out(
    name: str, unit: str, given_: Mapping[str, Quantity], expected: Mapping[str, float]
) -> None:
    found = {c.output: c.value for c in coefficients(METHODS[name], unit, given_)}
    assert found == pytest.approx(expected, rel=2e-7)


def test_every_method_is_worked_out_by_hand_and_has_words_and_a_source() -> None:
    assert {row[0] for row in BY_HAND} == set(METHODS)
    for method in METHODS.values():
        assert method.formula
        assert method.source


def test_a_method_writes_only_known_outputs() -> None:
    for name, unit, args, _ in BY_HAND:
        for c in coefficients(METHODS[name], unit, args):
            assert c.output in OUTPUTS, name


@settings(max_examples=60, deadline=None)
@given(row=st.sampled_from(BY_HAND), data=st.data())
def test_the_errors_are_the_derivatives(
    row: tuple[str, str, Mapping[str, Quantity], Mapping[str, float]], data: st.DataObject
) -> None:
    name, unit, args, _ = row
    if not args:
        return
    arg = data.draw(st.sampled_from(sorted(args)))
    step = 1e-6 * args[arg].value
    up = {**args, arg: q(args[arg].value + step, args[arg].unit)}
    down = {**args, arg: q(args[arg].value - step, args[arg].unit)}
    try:
        high = {c.output: c.value for c in coefficients(METHODS[name], unit, up)}
    except ValueError:
        return  # the example stands at the end of the range
    low = {c.output: c.value for c in coefficients(METHODS[name], unit, down)}
    with_error = {**args, arg: q(args[arg].value, args[arg].unit, step, "it")}
    for c in coefficients(METHODS[name], unit, with_error):
        slope = (high[c.output] - low[c.output]) / 2.0
        assert dict(c.parts).get("it", 0.0) == pytest.approx(slope, rel=1e-5, abs=1e-12 * abs(c.value))


def test_one_error_in_two_arguments_is_one_error() -> None:
    shared = q(0.5, "kgCO2/kWh", 0.05, "grid")
    args = {"ef": shared, "coal_equivalent": GRID["coal_equivalent"]}
    parts = {c.output: c.parts for c in coefficients(METHODS["electricity"], "kWh", args)}
    assert parts["co2_electricity_market_kg"] == (("grid", 0.05),)


REFUSED: list[tuple[str, str, Mapping[str, Quantity], str]] = [
    (
        "faraday",
        "kAh",
        {**CELL, "current_efficiency": q(94.0, "1", name="ce")},
        r"94 1 \(ce\).*fraction is meant.*0.94",
    ),
    ("faraday", "kAh", {**CELL, "current_efficiency": q(0.94, "%")}, "0.94 %.*not within"),
    (
        "pfc_overvoltage",
        "mV t",
        {"coefficient": q(1.16, "(kg CF4/t Al)/(mV)"), "current_efficiency": q(0.95, "%"), **GASES},
        "percent is meant.*95",
    ),
    ("combustion", "t", {**COAL, "ncv": q(25000.0, "GJ/t")}, "ncv = 25000 GJ/t"),
    ("combustion", "t", {**COAL, "oxidation": q(99.0, "1")}, "fraction is meant"),
    ("combustion", "t", {**COAL, "ncv": q(28.0, "GJ(GCV)/t")}, "gross calorific basis"),
    ("combustion", "t", {**COAL, "ncv": q(36.0, "GJ/kNm3")}, "does not convert"),
    ("combustion", "kWh", COAL, "counts in t or kNm3; 'kWh' does not convert"),
    ("combustion", "t", {"ncv": COAL["ncv"]}, "needs 'ef' .emission factor"),
    (
        "combustion",
        "t",
        {**COAL, "oxydation": q(1.0, "1")},
        "no argument 'oxydation'; did you mean 'oxidation'",
    ),
    ("electricity", "kWh", {**GRID, "ef": q(530.6, "kgCO2/kWh")}, "530.6 kgCO2/kWh"),
    ("charge", "t", {"recycled": q(60.0, "1")}, "fraction is meant"),
]


@pytest.mark.parametrize(("name", "unit", "args", "why"), REFUSED)
def test_what_cannot_be_right_is_refused_with_the_remedy(
    name: str, unit: str, args: Mapping[str, Quantity], why: str
) -> None:
    with pytest.raises((ValueError, LookupError), match=why):
        coefficients(METHODS[name], unit, args)
