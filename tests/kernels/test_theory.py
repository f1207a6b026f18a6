"""Faraday, stoichiometry and enthalpy floors, worked out again from constants of nature.

Three figures meet in each row: what follows from the constants here, what the catalogue ships,
and what is printed elsewhere (rounded). Constants: CODATA 2018; atomic weights: IUPAC 2007.
Enthalpies of formation [kJ/mol, 25 degC]: CODATA key values for thermodynamics (1989), except
CaCO3, CaO and Fe2O3: NBS tables (1982). Enthalpies at 960 degC: the Shomate equations of the NIST
Chemistry WebBook (NIST-JANAF 1998).
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from greenhearth.factors import load_factors

F = 96485.33212
"""C/mol."""
R = 8.314462618
"""J/(mol K)."""
H, C, N, O, NA, AL, CL = 1.00794, 12.0107, 14.0067, 15.9994, 22.98976928, 26.9815386, 35.453  # noqa: E741
CA, FE, CU, ZN = 40.078, 55.845, 63.546, 65.38
"""g/mol."""
H2, CO2, NH3, CH3OH, NAOH, CL2 = 2 * H, C + 2 * O, N + 3 * H, C + 4 * H + O, NA + O + H, 2 * CL
CAO, CACO3 = CA + O, CA + C + 3 * O

AL2O3_KJ, CO2_KJ, WATER_KJ, STEAM_KJ = -1675.7, -393.51, -285.830, -241.826
CACO3_KJ, CAO_KJ, FE2O3_KJ = -1206.92, -635.09, -824.2
CALCINATION_KJ = round(CAO_KJ + CO2_KJ - CACO3_KJ, 1)
"""178.3: the tables do not share the next digit."""

T = (960.0 + 273.15) / 1000.0


def shomate(a: float, b: float, c: float, d: float, e: float, f: float) -> float:
    """Return a t + b t2/2 + c t3/3 + d t4/4 - e/t + f at 960 degC [kJ/mol]."""
    return a * T + b * T**2 / 2 + c * T**3 / 3 + d * T**4 / 4 - e / T + f


# from 25 to 960 degC; the liquid's and the gas's constants hold from 933, 700 and 1200 K up
AL_HEAT_KJ = shomate(31.75104, 3.935826e-8, -1.786515e-8, 2.694171e-9, 5.480037e-9, -0.945684)
O2_HEAT_KJ = shomate(30.03235, 8.772972, -3.988133, 0.788313, -0.741599, -11.32468)
CO2_HEAT_KJ = shomate(58.16639, 2.720074, -0.492289, 0.038844, -6.447293, -425.9186) + 393.5224

INERT_KJ = -AL2O3_KJ / 2.0
"""2 Al2O3 = 4 Al + 3 O2, per mol Al."""
CARBON_KJ = (-2.0 * AL2O3_KJ + 3.0 * CO2_KJ) / 4.0
"""2 Al2O3 + 3 C = 4 Al + 3 CO2, per mol Al."""


def kg_per_kah(grams: float, electrons: int) -> float:
    """Faraday's law: g/mol / (z x C/mol) x 3600 C/Ah = g/Ah = kg/kAh."""
    return grams / (electrons * F) * 3600.0


def kah_per_kg(grams: float, electrons: int) -> float:
    return 1.0 / kg_per_kah(grams, electrons)


def kwh_per_kg(kilojoules: float, grams: float) -> float:
    """kJ/mol / (g/mol) = MJ/kg; / 3.6 = kWh/kg."""
    return kilojoules / grams / 3.6


class Row(NamedTuple):
    printed: str
    """As tables and handbooks print it; "" where they print the inverse."""
    unit: str
    value: float


THEORY = {
    "const.molar_volume_0c": Row("22.41397", "m3/kmol", R * 273.15 / 101325.0 * 1000.0),
    "const.gasvol_15c_to_0c": Row("1.05491", "-", 288.15 / 273.15),
    "const.gasvol_20c_to_0c": Row("1.07322", "-", 293.15 / 273.15),
    "const.gasvol_25c_to_0c": Row("1.09152", "-", 298.15 / 273.15),
    "al.electrochemical_equivalent": Row("0.335573", "kg/kAh", kg_per_kah(AL, 3)),
    "const.electrochemical_equivalent.cu": Row("1.18549", "kg/kAh", kg_per_kah(CU, 2)),
    "const.electrochemical_equivalent.zn": Row("", "kg/kAh", kg_per_kah(ZN, 2)),
    "const.electrochemical_equivalent.cl2": Row("", "kg/kAh", kg_per_kah(CL2, 2)),
    "const.electrochemical_equivalent.naoh": Row("", "kg/kAh", kg_per_kah(NAOH, 1)),
    "const.electrochemical_equivalent.h2": Row("", "kg/kAh", kg_per_kah(H2, 2)),
    "al.faraday": Row("2.97998", "kAh/kg", kah_per_kg(AL, 3)),
    "cu.faraday": Row("0.84353", "kAh/kg", kah_per_kg(CU, 2)),
    "zn.faraday": Row("0.81987", "kAh/kg", kah_per_kg(ZN, 2)),
    "cl2.faraday": Row("0.75597", "kAh/kg", kah_per_kg(CL2, 2)),
    "naoh.faraday": Row("0.67009", "kAh/kg", kah_per_kg(NAOH, 1)),
    "h2.faraday": Row("26.59", "kAh/kg", kah_per_kg(H2, 2)),
    "chloralkali.theory_ecu": Row("2362", "kWh/t Cl2", kah_per_kg(CL2, 2) * 3.0 / 0.96 * 1000.0),
    "h2.stack_at_1p8v": Row("47.86", "kWh/kg", kah_per_kg(H2, 2) * 1.8),
    "h2.stack_at_1p9v": Row("50.52", "kWh/kg", kah_per_kg(H2, 2) * 1.9),
    "h2.stack_at_2p0v": Row("53.18", "kWh/kg", kah_per_kg(H2, 2) * 2.0),
    "al.theory.c100": Row("0.33387", "kg C/kg Al", 3.0 * C / (4.0 * AL)),
    "al.theory.co2": Row("1.2233", "tCO2/t Al", 3.0 * CO2 / (4.0 * AL)),
    "steel.h2dri.h2_stoich": Row("54.15", "kg H2/t Fe", 3.0 * H2 / (2.0 * FE) * 1000.0),
    "nh3.h2_stoich": Row("177.55", "kg/t NH3", 3.0 * H2 / (2.0 * NH3) * 1000.0),
    "meoh.h2_stoich": Row("188.74", "kg/t MeOH", 3.0 * H2 / CH3OH * 1000.0),
    "meoh.co2_stoich": Row("1.3735", "t/t MeOH", CO2 / CH3OH),
    "h2.lhv": Row("33.322", "kWh/kg", kwh_per_kg(-STEAM_KJ, H2)),
    "h2.hhv": Row("39.386", "kWh/kg", kwh_per_kg(-WATER_KJ, H2)),
    "calc.enthalpy.caco3": Row("1.781", "MJ/kg CaCO3", CALCINATION_KJ / CACO3),
    "calc.enthalpy.cao": Row("3.180", "MJ/kg CaO", CALCINATION_KJ / CAO),
    "calc.enthalpy.clinker65": Row("2.067", "GJ/t clinker", 0.65 * CALCINATION_KJ / CAO),
    "steel.reduction.enthalpy_hematite_h2": Row("0.884", "GJ/t Fe", (3.0 * STEAM_KJ - FE2O3_KJ) / (2.0 * FE)),
    "al.min.carbon_anode_25c": Row("5.587", "kWh/kg Al", kwh_per_kg(CARBON_KJ, AL)),
    "al.min.carbon_anode_hot": Row(
        "6.339", "kWh/kg Al", kwh_per_kg(CARBON_KJ + AL_HEAT_KJ + 0.75 * CO2_HEAT_KJ, AL)
    ),
    "al.min.inert_25c": Row("8.626", "kWh/kg Al", kwh_per_kg(INERT_KJ, AL)),
    "al.min.inert_gas_cold": Row("9.019", "kWh/kg Al", kwh_per_kg(INERT_KJ + AL_HEAT_KJ, AL)),
    "al.min.inert_hot": Row("9.258", "kWh/kg Al", kwh_per_kg(INERT_KJ + AL_HEAT_KJ + 0.75 * O2_HEAT_KJ, AL)),
}


@pytest.fixture(scope="module")
def shipped() -> Callable[[str], tuple[float, str]]:
    """Value and unit of a factor of the catalogue."""
    catalogue = load_factors()
    return lambda name: (catalogue[name].value, catalogue[name].unit)


@pytest.mark.parametrize("name", THEORY)
def test_the_catalogue_has_what_follows_from_the_constants(
    name: str, shipped: Callable[[str], tuple[float, str]]
) -> None:
    """Seven digits are shipped: well within the 1e-4 that matters."""
    value, unit = shipped(name)
    assert value == pytest.approx(THEORY[name].value, rel=1e-6)
    assert unit == THEORY[name].unit


@pytest.mark.parametrize("name", [name for name, row in THEORY.items() if row.printed])
def test_what_is_printed_elsewhere_is_the_same_figure_rounded(name: str) -> None:
    """To half of the last digit that is printed, or 1e-4 where the digits promise more than that."""
    printed = THEORY[name].printed
    digits = len(printed.partition(".")[2])
    tolerance = max(0.5 * 10.0**-digits, 1e-4 * float(printed))
    assert abs(THEORY[name].value - float(printed)) <= tolerance


def test_the_shipped_equivalents_are_the_inverse_of_the_shipped_charges(
    shipped: Callable[[str], tuple[float, str]],
) -> None:
    """Two ids for one law must not drift apart."""
    for metal in ("cu", "zn", "cl2", "naoh", "h2"):
        equivalent = shipped(f"const.electrochemical_equivalent.{metal}")[0]
        assert equivalent * shipped(f"{metal}.faraday")[0] == pytest.approx(1.0, rel=1e-6)


def test_the_reduction_of_hematite_needs_602_nm3_of_hydrogen() -> None:
    """54.15 kg/t over 2.016 kg/kmol x 22.414 Nm3/kmol."""
    kilograms = THEORY["steel.h2dri.h2_stoich"].value
    assert kilograms / H2 * THEORY["const.molar_volume_0c"].value == pytest.approx(602.0, abs=0.5)


def test_the_simulated_equivalent_of_aluminium_is_faradays() -> None:
    """The simulated potline has it as a constant of its own."""
    from greenhearth.sim.potline import KG_PER_KAH

    assert pytest.approx(kg_per_kah(AL, 3), rel=1e-4) == KG_PER_KAH
