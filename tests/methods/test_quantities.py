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
