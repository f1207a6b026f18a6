"""One line of a case instead of an argument in every flow: GWPs, CO2 per carbon; and what is told."""

import pytest

from greenhearth.account import read_case, take_inventory
from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError

from .conftest import KILN, Account, Read

POTS = """
[quantity.metal]
amount = 1000.0
unit = "t"
flows = [{ method = "pfc_default", use = { cf4 = "cf4", c2f6 = "c2f6" } }]

[factor.cf4]
value = 0.4
unit = "kg/t Al"
source = "x"

[factor.c2f6]
value = 0.04
unit = "kg/t Al"
source = "x"
"""
ANODES = """
[quantity.anodes]
amount = 100.0
unit = "t"
flows = [{ method = "carbon_in", use = { carbon = "c" } }]

[factor.c]
value = 96.0
unit = "%"
source = "x"
"""


def with_line(line: str, text: str) -> str:
    """Return a case with one more line in [case]."""
    return (KILN + text).replace("[case]\n", f"[case]\n{line}\n", 1)


# 400 kg CF4 and 40 kg C2F6, by the GWPs of each report
@pytest.mark.parametrize(
    ("line", "kg"),
    [
        ("", 400.0 * 6630.0 + 40.0 * 11100.0),
        ('gwp = "AR4"', 400.0 * 7390.0 + 40.0 * 12200.0),
        ('gwp = "AR6"', 400.0 * 7380.0 + 40.0 * 12400.0),
    ],
)
def test_one_line_chooses_the_set_of_gwps(line: str, kg: float, account: Account) -> None:
    assert account(with_line(line, POTS)).totals["co2_pfc_kg"].value == pytest.approx(kg, rel=1e-12)


def test_a_gwp_that_a_flow_names_stays(account: Account) -> None:
    """What is written beats what is chosen for all."""
    named = POTS.replace('c2f6 = "c2f6"', 'c2f6 = "c2f6", gwp_cf4 = "gwp100.cf4.ar4"')
    found = account(with_line('gwp = "AR6"', named)).totals["co2_pfc_kg"].value
    assert found == pytest.approx(400.0 * 7390.0 + 40.0 * 12400.0, rel=1e-12)


@pytest.mark.parametrize(
    ("line", "ratio"), [("", 3.664), ('carbon_to_co2 = "44/12"', 44 / 12), ("carbon_to_co2 = 3.667", 3.667)]
)
def test_one_line_says_how_much_co2_carbon_becomes(line: str, ratio: float, account: Account) -> None:
    inventory = account(with_line(line, ANODES))
    parts = [one.result for one in inventory.trail if one.quantity == "anodes"]
    assert parts == pytest.approx([96000.0 * ratio], rel=1e-12)


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('gwp = "AR7"', "case.gwp", "there are AR4, AR5, AR6"),
        ("carbon_to_co2 = 44", "case.carbon_to_co2", "between 3.6 and 3.7"),
        ('carbon_to_co2 = "44/11"', "case.carbon_to_co2", "write a number, '44/12'"),
        ("factor_sets = 1", "case.factor_sets", "unknown key"),
    ],
)
def test_a_choice_that_is_none_is_refused(line: str, key: str, words: str, account: Account) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        account(with_line(line, ""))
    assert refused.value.key == key


def test_a_process_follows_both_choices(read: Read) -> None:
    """Its roles for GWPs, and the flows that multiply by CO2 per carbon."""
    for process, used in (("al_prebake", "gwp100.cf4.ar6"), ("bof_converter", "carbon_to_co2")):
        text = (configs_root() / "cases" / f"{process}.toml").read_text(encoding="utf-8")
        plain = text[: text.index("[expect]")]
        chosen = plain.replace("[case]\n", '[case]\ngwp = "AR6"\ncarbon_to_co2 = "44/12"\n', 1)
        inventory = take_inventory(read(chosen))
        assert used in inventory.factors
        assert not {"gwp100.cf4.ar5", "const.f_c_to_co2"} & set(inventory.factors)
        assert used not in take_inventory(read(plain)).factors


def test_a_year_may_be_a_number(read: Read) -> None:
    assert read(with_line("date = 2023", "")).head.date == "2023"
    assert read(with_line("date = 2023-07-15", "")).head.date == "2023-07-15"


def test_co2_is_co2_also_where_its_published_unit_does_not_say_so(account: Account) -> None:
    total, ratio = '{ value = 709.5, unit = "t" }', '{ value = 0.35475, unit = "t/t" }'
    expect = f"[expect]\nco2_fuel_kg = {total}\nco2_fuel_kg_per_t = {ratio}\n"
    assert [one.met for one in account(f"{KILN}\n{expect}").expected] == [True, True]


def test_what_is_declared_and_not_used_is_told(account: Account) -> None:
    spare = '\n[factor.oxidation]\nvalue = 0.98\nunit = "1"\nsource = "x"\n'
    assert "declared, but used nowhere: oxidation" in account(KILN + spare).warnings
    assert not any("nowhere" in one for one in account(KILN).warnings)


def test_stocks_that_eat_more_than_was_bought_are_told(account: Account) -> None:
    bought = KILN.replace("amount = 300.0", "purchased = 10.0\nclosing = 30.0", 1)
    assert any("'coal' comes to -20 t: less than nothing" in one for one in account(bought).warnings)


def test_every_case_of_the_folder_has_its_trail_complete() -> None:
    """Every line has an amount, a unit and a source of each argument; its sums are the totals."""
    from .conftest import CASES

    for path in sorted(CASES.glob("*.toml")):
        inventory = take_inventory(read_case(path))
        for line in inventory.trail:
            assert all(one.source for one in line.arguments), path.name
            assert line.unit, path.name
            assert line.result == line.counted * line.share * line.per_unit, path.name
        for output in {line.output for line in inventory.trail}:
            sums = sum(line.result for line in inventory.trail if line.output == output)
            assert inventory.totals[output].value == pytest.approx(sums, rel=1e-12, abs=1e-9), path.name
