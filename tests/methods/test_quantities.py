"""Units of factors: what converts, to what, and what is refused."""

import pytest

from greenhearth.factors import load_factors
from greenhearth.methods import METHODS
from greenhearth.quantities import Quantity, UnitError, convert, read_unit, scale

SAME = [
    ("tCO2/MWh", "kgCO2/kWh", 1.0),
    ("tCO2e/TJ", "tCO2/TJ(NCV)", 1.0),
    ("tCO2/GJ", "tCO2/TJ", 1000.0),
    ("TJ/Gg (=GJ/t)", "GJ/t", 1.0),
    ("MJ/kg", "GJ/t", 1.0),
    ("kWh/kg", "GJ/t", 3.6),
    ("GJ/10^4Nm3", "GJ/kNm3", 0.1),
    ("MJ/Nm3", "GJ/kNm3", 1.0),
    ("g/Nm3", "kg/kNm3", 1.0),
    ("kg/t Al", "t/t", 0.001),
    ("%", "1", 0.01),
    ("1", "%", 100.0),
    ("kgCO2e/kg", "tCO2/t", 1.0),
    ("tCO2/t clinker", "tCO2/t dust", 1.0),
    ("kJ/kg", "GJ/t", 0.001),
    ("MWh", "kWh", 1000.0),
]


@pytest.mark.parametrize(("unit", "wanted", "factor"), SAME)
def test_a_unit_converts(unit: str, wanted: str, factor: float) -> None:
    assert scale(unit, wanted) == pytest.approx(factor, rel=1e-12)


# A cubic metre at t degC holds 273.15 / (273.15 + t) of what it holds at 0 degC.
@pytest.mark.parametrize(
    ("unit", "larger"), [("m3(15degC)", 1.05491), ("m3(20degC)", 1.07322), ("m3(25degC)", 1.09152)]
)
def test_gas_is_brought_to_zero_degrees(unit: str, larger: float) -> None:
    assert 1.0 / scale(unit, "Nm3") == pytest.approx(larger, abs=5e-6)


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("GJ/t", "GJ/kNm3"),
        ("tC/t", "tCO2/t"),
        ("kWh", "t"),
        ("tCO2/TJ", "tCO2/t"),
        ("GJ(GCV)/t", "GJ/t"),
        ("tCO2/TJ(HHV)", "tCO2/TJ"),
        ("apples/t", "GJ/t"),
        ("", "t"),
    ],
)
def test_a_unit_that_does_not_convert_is_refused_by_name(unit: str, wanted: str) -> None:
    with pytest.raises(UnitError) as refused:
        scale(unit, wanted)
    assert f"'{unit}'" in str(refused.value)


def test_a_gross_calorific_value_says_what_to_do() -> None:
    with pytest.raises(UnitError, match=r"gross calorific basis.*convert it"):
        convert(Quantity(39.8, "MJ(GCV)/Nm3"), "GJ/kNm3")


def test_the_error_converts_with_the_value() -> None:
    assert convert(Quantity(50.0, "%", 2.0, "share"), "1") == Quantity(0.5, "1", 0.02, "share")


def test_every_unit_of_the_catalogue_can_be_read() -> None:
    for name, factor in load_factors().items():
        assert read_unit(factor.unit).factor > 0, name


def test_every_unit_of_every_method_can_be_read() -> None:
    for method in METHODS.values():
        for stream in method.streams:
            for name, arg in method.args.items():
                assert read_unit(arg.unit.replace("{stream}", stream)).factor > 0, (method.name, name)


# What people write, and what it means.
SPELT = [
    ("t CO2/t", "tCO2/t", 1.0),
    ("t CO₂e / t", "tCO2/t", 1.0),
    ("kg CO2-eq per kWh", "kgCO2/kWh", 1.0),
    ("gCO2e/kWh", "kgCO2/kWh", 0.001),
    ("kgCO2/GJ", "tCO2/TJ", 1.0),
    ("gCO2/MJ", "tCO2/TJ", 1.0),
    ("kg CO2/TJ", "tCO2/TJ", 0.001),
    ("tonnes", "t", 1.0),
    ("Tonnes CO2", "tCO2", 1.0),
    ("万吨", "t", 1e4),
    ("10^4 t", "t", 1e4),
    ("million t", "t", 1e6),
    ("万kWh", "kWh", 1e4),
    ("Nm³", "Nm3", 1.0),
    ("1000 Nm3", "kNm3", 1.0),
    ("10⁴ Nm³", "kNm3", 10.0),
    ("GJ/1000Nm3", "GJ/kNm3", 1.0),
    ("tCO2/万Nm3", "tCO2/kNm3", 0.1),
    ("m3 (20 °C)", "m3(20degC)", 1.0),
    ("TJ/kt", "GJ/t", 1.0),
    ("GJ/t LHV", "GJ/t", 1.0),
    ("kcal/kg", "GJ/t", 4.1868e-3),
    ("kWh/kWh", "1", 1.0),
    ("t C / t", "tC/t", 1.0),
    ("%", "tC/t", 0.01),
    ("kg/t", "tCO2/t", 0.001),
    ("1", "tCO2/t", 1.0),
    ("tCO2e/tCF4", "tCO2/t", 1.0),
    ("kgCF4/tAl", "kg/t", 1.0),
    ("AE/cell-day", "1", 1.0),
    ("min/AE", "min", 1.0),
    ("AE-min t/cell-day", "min t/d", 1.0),
    ("kg CF4/t Al per AE-min/cell-day", "(kg CF4/t Al)/(AE-min/cell-day)", 1.0),
    ("kg CF4/(t Al·AE-min/cell-day)", "(kg CF4/t Al)/(AE-min/cell-day)", 1.0),
    ("(kg CF4/tAl)/mV", "(kg CF4/t Al)/(mV)", 1.0),
]


@pytest.mark.parametrize(("unit", "wanted", "factor"), SPELT)
def test_a_unit_may_be_spelt_as_people_do(unit: str, wanted: str, factor: float) -> None:
    assert scale(unit, wanted) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "wanted", "remedy"),
    [
        ("m3", "kNm3", "reference conditions"),
        ("GJ/m3", "GJ/kNm3", "reference conditions"),
        ("Sm3", "Nm3", "differs between countries"),
        ("tons", "t", "907, 1000 or 1016 kg"),
        ("L", "t", "density"),
        ("kg/TJ", "tCO2/TJ", "say of what"),
        ("tC/TJ", "tCO2/TJ", "44/12"),
        ("tCO2/t", "tCO2/TJ", "combustion_mass"),
        ("GJ/t HHV", "GJ/t", "gross calorific basis"),
        ("tce", "GJ", "29.3076 MJ"),
        ("kwh", "kWh", "did you mean 'kWh'?"),
        ("EUR", "t", "write t, kg"),
        ("tCO2/t", "1", "does not convert"),
    ],
)
def test_what_has_no_one_meaning_is_refused_with_the_choice(unit: str, wanted: str, remedy: str) -> None:
    with pytest.raises(UnitError, match=remedy):
        scale(unit, wanted)


def test_a_count_of_nothing_is_no_unit() -> None:
    with pytest.raises(UnitError, match="unknown unit 'tC/0 t'"):
        scale("tC/0 t", "tC/t")


def test_gross_heat_is_told_apart_from_net_heat_in_a_stream_too() -> None:
    with pytest.raises(UnitError, match="convert it to net with the fuel's own ratio"):
        METHODS["combustion_heat"].stream_unit("MWh(GCV)")
