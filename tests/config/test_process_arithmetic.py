"""What one unit of each stream causes, against figures worked out by hand from the sources."""

import pytest

from greenhearth.factors import load_factors
from greenhearth.flows import Sources, flow_coefficients
from greenhearth.model import build_model
from greenhearth.processes import find_process, increment_unit, load_process
from greenhearth.shelf import configs_root
from greenhearth.site import load_site

BY_HAND = {
    # 1 kWh of electricity: GB/T 2589 equivalent value; China 2023
    ("eaf_scrap", "electricity", "electricity_kwh"): 1.0,
    ("eaf_scrap", "electricity", "kgce"): 0.1229,
    ("eaf_scrap", "electricity", "co2_electricity_kg"): 0.5306,
    # 1 Nm3 of oxygen: 6.9 GJ/kNm3 / 9.8 GJ/MWh = 0.70408 kWh, x 0.1229
    ("eaf_scrap", "oxygen", "kgce"): 0.0865316,
    ("eaf_scrap", "oxygen", "co2_upstream_kg"): 0.355,
    # 1 Nm3 of natural gas: 36.21 MJ; 56.1 t/TJ
    ("eaf_scrap", "natural_gas", "fuel_kwh"): 10.058333,
    ("eaf_scrap", "natural_gas", "kgce"): 1.2355157,
    ("eaf_scrap", "natural_gas", "co2_fuel_kg"): 2.031381,
    # 1 kg of carbon: 28.2 MJ; 3.04 kg CO2
    ("eaf_scrap", "injected_carbon", "fuel_kwh"): 7.8333333,
    ("eaf_scrap", "injected_carbon", "kgce"): 0.96220776,
    ("eaf_scrap", "injected_carbon", "co2_fuel_kg"): 3.04,
    ("eaf_scrap", "lime", "co2_upstream_kg"): 0.95,
    ("eaf_scrap", "electrode", "co2_process_kg"): 3.0,
    ("eaf_scrap", "electrode", "co2_upstream_kg"): 0.65,
    ("eaf_scrap", "charged", "product_estimate_t"): 0.92,
    ("eaf_scrap", "charged", "charge_t"): 0.98,  # the metal in it, all of it recycled
    ("eaf_scrap", "charged", "recycled_t"): 0.98,
    ("eaf_scrap", "tapped", "product_t"): 1.0,
    ("clinker_kiln", "electricity", "electricity_kwh"): 1.0,
    ("clinker_kiln", "electricity", "kgce"): 0.1229,
    ("clinker_kiln", "electricity", "co2_electricity_kg"): 0.5306,
    # 1 t of coal: 25.8 GJ; 94.6 t/TJ
    ("clinker_kiln", "coal", "fuel_kwh"): 7166.6667,
    ("clinker_kiln", "coal", "kgce"): 880.31773,
    ("clinker_kiln", "coal", "co2_fuel_kg"): 2440.68,
    # 1 t of alternative fuel: 18 GJ; 143 t/TJ, all fossil
    ("clinker_kiln", "alternative_fuel", "fuel_kwh"): 5000.0,
    ("clinker_kiln", "alternative_fuel", "kgce"): 614.17516,
    ("clinker_kiln", "alternative_fuel", "co2_fuel_kg"): 2574.0,
    # 1 t of dust, fully calcined: x = 0.525 / 1.525; x / (1 - x) = 0.525
    ("clinker_kiln", "kiln_dust", "co2_process_kg"): 525.0,
    ("clinker_kiln", "clinker", "product_t"): 1.0,
    ("clinker_kiln", "clinker", "co2_process_kg"): 525.0,
    ("al_prebake", "ac_energy", "electricity_kwh"): 1.0,
    ("al_prebake", "ac_energy", "kgce"): 0.1229,
    ("al_prebake", "ac_energy", "co2_electricity_kg"): 0.5306,
    # 1 kAh through one cell: 0.335573 kg x 0.94; per t Al 0.41 x 0.976 x 44/12 t CO2
    ("al_prebake", "cell_kah", "product_t"): 3.1543862e-4,
    ("al_prebake", "cell_kah", "co2_anode_kg"): 0.46282837,
    # 1 min t/(cell-day): 0.143 x (6630 + 0.121 x 11100)
    ("al_prebake", "ae_product", "co2_pfc_kg"): 1140.1533,
    ("ladle_furnace", "electricity", "electricity_kwh"): 1.0,
    ("ladle_furnace", "electricity", "kgce"): 0.1229,
    ("ladle_furnace", "electricity", "co2_electricity_kg"): 0.5306,
    ("ladle_furnace", "electrode", "co2_process_kg"): 3.0,
    ("ladle_furnace", "electrode", "co2_upstream_kg"): 0.65,
    ("ladle_furnace", "treated", "product_t"): 1.0,
    ("electricity_only", "electricity", "electricity_kwh"): 1.0,
    ("electricity_only", "electricity", "kgce"): 0.1229,
    ("electricity_only", "electricity", "co2_electricity_kg"): 0.5306,
    ("electricity_only", "produced", "product_t"): 1.0,
}


def coefficients(name: str) -> dict[tuple[str, str, str], float]:
    """Multiply the flows of a process out with its default factors and parameters."""
    process = load_process(find_process(name))
    sources = Sources(load_factors(), process.factor_roles, process.parameters)
    found: dict[tuple[str, str, str], float] = {}
    for role, definition in {**process.roles, **process.derived}.items():
        for flow in definition.flows:
            for one in flow_coefficients(flow, increment_unit(definition), sources):
                key = (name, role, one.output)
                found[key] = found.get(key, 0.0) + one.value
    return found


@pytest.mark.parametrize("name", sorted({key[0] for key in BY_HAND}))
def test_every_flow_of_a_process_equals_the_figure_worked_out_by_hand(name: str) -> None:
    by_hand = {key: value for key, value in BY_HAND.items() if key[0] == name}
    found = coefficients(name)
    by_market = {key: found.pop(key) for key in list(found) if key[2] == "co2_electricity_market_kg"}
    assert found == pytest.approx(by_hand, rel=1e-6)
    for process, role, _ in by_market:  # without a contract the grid's own factor stands
        assert by_market[process, role, _] == found[process, role, "co2_electricity_kg"]


def test_the_model_of_the_demonstration_works_has_the_same_coefficients() -> None:
    model = build_model(load_site(configs_root() / "sites" / "demo.toml"))
    for line in model.lines:
        expected = coefficients(line.process.id)
        if line.process.id == "clinker_kiln":
            expected["clinker_kiln", "alternative_fuel", "co2_fuel_kg"] *= 0.6
            expected["clinker_kiln", "alternative_fuel", "co2_biogenic_kg"] = 0.4 * 2574.0
        contract = {"furnace": 0.6096, "cell": 0.0}.get(line.name)
        for key in expected:
            if key[2] == "co2_electricity_market_kg" and contract is not None:
                expected[key] = contract  # kg CO2/kWh of the declared contract
        found: dict[tuple[str, str, str], float] = {}
        for role, flows in line.flows.items():
            for flow in flows:
                key = (line.process.id, role, flow.output)
                found[key] = found.get(key, 0.0) + flow.value
        assert found == pytest.approx(expected, rel=1e-12)


def test_the_slope_method_gives_the_commission_s_own_worked_example() -> None:
    """CBAM communication template V2.1: 500 000 t Al, 2.17 effects of 1.23 min a cell-day."""
    minutes_t_per_day = 2.17 * 1.23 * 500_000
    cf4_kg = 0.146 * minutes_t_per_day
    assert cf4_kg / 1000 == pytest.approx(194.8443, rel=1e-6)
    co2e_t = cf4_kg * (6630 + 0.122 * 11100) / 1000 / 0.98
    assert co2e_t == pytest.approx(1587424.347, rel=1e-6)
    ours = coefficients("al_prebake")["al_prebake", "ae_product", "co2_pfc_kg"] * minutes_t_per_day
    assert ours / (0.143 * (6630 + 0.121 * 11100)) == pytest.approx(minutes_t_per_day, rel=1e-12)


def test_gas_energy_coal_equivalent_and_co2_of_one_stream_belong_together() -> None:
    gas = {key[2]: value for key, value in coefficients("eaf_scrap").items() if key[1] == "natural_gas"}
    assert gas["kgce"] == pytest.approx(gas["fuel_kwh"] * 3.6 / 29.3076, rel=1e-12)
    assert gas["co2_fuel_kg"] == pytest.approx(gas["fuel_kwh"] * 3.6e-6 * 56.1e3, rel=1e-12)
