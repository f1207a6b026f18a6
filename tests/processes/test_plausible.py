"""What the shipped cases come to, beside published ranges and what nature asks at least."""

import tomllib
from pathlib import Path

import pytest

from greenhearth.account import read_case, take_inventory
from greenhearth.factors import load_factors
from greenhearth.shelf import configs_root

CASES = configs_root() / "cases"

RANGES = [
    # process, metric, from, to, and where the range is from
    ("clinker_kiln", "fuel_gj_per_t", 2.9, 3.6),  # 2013/163/EU, BAT 6: 2.9 to 3.3 without start-ups
    ("clinker_kiln", "co2_scope1_kg_per_t", 780.0, 870.0),  # grey clinker, GCCA reports
    ("clinker_kiln_hydrogen", "co2_scope1_kg_per_t", 150.0, 330.0),  # 40 % of 525, and the rest of the fuel
    ("clinker_kiln_electric", "electricity_kwh_per_t", 600.0, 900.0),
    ("lime_kiln", "fuel_gj_per_t", 3.2, 4.2),  # parallel-flow regenerative kilns
    ("lime_kiln", "co2_process_kg_per_t", 700.0, 785.0),  # IPCC: 0.75 for high-calcium lime; CaO has 0.785
    ("float_glass", "energy_gj_per_t", 5.0, 8.5),  # IPCC AR4 WG3 ch. 7
    ("float_glass", "co2_process_kg_per_t", 120.0, 210.0),  # IPCC 2006: 0.21 without cullet
    ("mineral_wool", "kgce_per_t", 180.0, 490.0),  # GB 30183-2013: 400 to 490 with everything
    ("foam_glass", "kgce_per_t", 250.0, 480.0),  # GB 30526-2019, class A: 360 to 480
    ("fired_brick", "kgce_per_t", 38.0, 53.0),  # GB 30526-2019, porous: 46 to 53
    ("autoclaved_block", "kgce_per_t", 15.0, 68.0),  # GB 38263: 37.3 kgce/m3 at 550 kg/m3 is 68
    ("coated_glass", "electricity_kwh_per_t", 200.0, 800.0),
    ("refinery", "co2_scope1_kg_per_t", 120.0, 330.0),
    ("steam_cracker", "kgce_per_t", 829.0 * 0.97, 914.0),  # GB 30251-2024: 580 to 640 kgoe/t
    ("ammonia", "kgce_per_t", 960.0, 1200.0),  # GB 21344-2023, natural gas: 996 to 1200
    ("ammonia", "co2_scope1_kg_per_t", 1500.0, 2100.0),
    ("methanol", "kgce_per_t", 1100.0, 1380.0),  # GB 29436-2023, natural gas: 1130 to 1380
    ("methanol", "co2_scope1_kg_per_t", 380.0, 700.0),  # IPCC tier 1: 0.67
    ("electrolyser", "electricity_kwh_per_t", 50_000.0, 55_000.0),
    ("chlor_alkali", "electricity_kwh_per_t", 2_140.0, 2_500.0),
    ("waterborne_ink", "voc_kg_per_t", 0.0, 50.0),  # 5 %, GB 38507-2020
]


def figures(process: str) -> dict[str, float]:
    """Return the metrics of the case that ships with a process."""
    found = take_inventory(read_case(CASES / f"{process}.toml"))
    return {name: one.value for name, one in found.metrics.items() if one.value is not None}


@pytest.mark.parametrize(("process", "metric", "low", "high"), RANGES)
def test_a_shipped_case_lies_where_plants_lie(process: str, metric: str, low: float, high: float) -> None:
    assert low <= figures(process)[metric] <= high


def amounts(process: str) -> dict[str, float]:
    """Return the amounts of a case per tonne of product, in their own units."""
    data = tomllib.loads(Path(CASES / f"{process}.toml").read_text(encoding="utf-8"))
    product = figures(process)["product_t"]
    return {name: one["amount"] / product for name, one in data["quantity"].items()}


def test_no_case_takes_less_hydrogen_than_its_stoichiometry() -> None:
    factors = load_factors()
    for process, bound in (("ammonia", "nh3.h2_stoich"), ("methanol", "meoh.h2_stoich")):
        least = factors[bound].value
        assert least <= amounts(f"{process}_hydrogen")["hydrogen"] <= 1.05 * least


def test_an_electrolyser_takes_more_than_the_reaction_enthalpy_of_water() -> None:
    per_kg = figures("electrolyser")["electricity_kwh_per_t"] / 1000.0
    assert per_kg > load_factors()["h2.hhv"].value
    assert amounts("electrolyser")["stack_electricity"] / 1000.0 > 26.59 * 1.48  # thermoneutral voltage


def test_what_goes_into_a_reactor_or_kettle_comes_out_as_product_or_waste() -> None:
    for process in ("micro_reactor", "waterborne_coating", "waterborne_ink", "waterborne_adhesive"):
        found = figures(process)
        lost = found["material_intensity_kg_per_kg"] - 1.0 - found["e_factor_kg_per_kg"]
        assert abs(lost) <= 0.02 * found["material_intensity_kg_per_kg"], process


def test_methanol_from_carbon_dioxide_holds_no_more_carbon_than_was_fed() -> None:
    assert amounts("methanol_hydrogen")["co2_fed"] >= load_factors()["meoh.co2_stoich"].value
    assert figures("methanol_hydrogen").get("co2_scope1_kg_per_t", 0.0) == 0.0


def test_a_kiln_gives_off_no_more_carbonate_carbon_than_its_meal_holds() -> None:
    # 1.525 t of meal carbonate and oxide make 1 t of clinker and 0.525 t of CO2: capture cannot exceed it
    for process in ("clinker_kiln_hydrogen", "clinker_kiln_electric"):
        assert amounts(process)["co2_captured"] <= 0.525


@pytest.mark.parametrize(
    ("plain", "green", "metric"),
    [
        ("clinker_kiln", "clinker_kiln_hydrogen", "co2_scope1_kg_per_t"),
        ("clinker_kiln", "clinker_kiln_electric", "co2_scope1_kg_per_t"),
        ("refinery", "refinery_hydrogen", "co2_scope1_kg_per_t"),
        ("methanol", "methanol_hydrogen", "co2_scope1_kg_per_t"),
        ("steam_cracker", "steam_cracker_hydrogen", "fuel_gj_per_t"),
    ],
)
def test_a_green_process_emits_less_on_its_own_ground(plain: str, green: str, metric: str) -> None:
    assert figures(green).get(metric, 0.0) < figures(plain)[metric]
