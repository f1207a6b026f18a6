"""Figures that look right and are not: refused, or said beside the result."""

from collections.abc import Callable

import pytest

from greenhearth.account import Case, take_inventory
from greenhearth.strict import ConfigError

from .conftest import KILN, Account

Read = Callable[[str], Case]
NCV = 'unit = "GJ/t"\n'
FERRO = """
[case]
title = "x"
source = "y"
process = "ferroalloy_furnace"
[factors]
grid = "mine"
[factor.mine]
value = 530.6
unit = "kgCO2/MWh"
source = "supplier"
[quantity.electricity]
amount = 1.0
unit = "MWh"
"""
BY_HAND = """
[case]
title = "x"
source = "y"
[quantity.lime]
amount = 10.0
unit = "t"
flows = [{ output = "co2_process_kg", multiply = 1.0, factors = ["lime"] }]
[factor.lime]
value = 0.75
unit = "tCO2/t"
source = "works laboratory"
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        (NCV, NCV + 'valid_to = "soon"\n', "factor.coal_ncv.valid_to", "is a year or a date"),
        (
            NCV,
            NCV + 'valid_from = "2024"\nvalid_to = "2023"\n',
            "factor.coal_ncv.valid_to",
            "is not after valid_from",
        ),
        ("amount = 300.0", "amount = 1e300", "quantity.coal.amount", "beyond anything"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    read: Read, old: str, new: str, key: str, says: str
) -> None:
    assert old in KILN
    with pytest.raises(ConfigError, match=says) as refused:
        take_inventory(read(KILN.replace(old, new)))
    assert refused.value.key == key


def test_an_uncertainty_of_a_factor_below_zero_is_refused(read: Read) -> None:
    spoilt = KILN.rstrip().removesuffix("uncertainty_percent = 1.0") + "uncertainty_percent = -1.0\n"
    with pytest.raises(ConfigError, match=r"is -1; an expanded uncertainty") as refused:
        read(spoilt)
    assert refused.value.key == "factor.coal_ncv.uncertainty_percent"


def test_a_factor_that_is_multiplied_as_it_stands_must_have_the_units_of_its_role(read: Read) -> None:
    """530.6 kg/MWh taken for kg/kWh is a thousand times too much."""
    with pytest.raises(ConfigError, match=r"'mine' is in kgCO2/MWh; this role needs kgCO2/kWh") as refused:
        take_inventory(read(FERRO))
    assert refused.value.key == "factors.grid"


def test_tonnes_are_not_told_as_kilograms_where_a_case_multiplies_by_itself(
    read: Read, account: Account
) -> None:
    with pytest.raises(ConfigError, match=r"t x tCO2/t is 1000 times kgCO2: write multiply = 1000"):
        take_inventory(read(BY_HAND))
    right = account(BY_HAND.replace("multiply = 1.0", "multiply = 1000.0"))
    assert right.totals["co2_process_kg"].value == pytest.approx(7500.0)


def test_a_negative_amount_is_said_beside_the_result(account: Account) -> None:
    found = account(KILN.replace("amount = 300.0", "amount = -300.0"))
    assert any("'coal' is -300 t: what is negative is taken off every total" in one for one in found.warnings)


def test_a_factor_of_another_time_is_said_beside_the_result(account: Account) -> None:
    old = account(KILN.replace("period_h", 'date = "1990-06"\nperiod_h'))
    assert any("'grid.cn.national.2023' holds from 2023" in one for one in old.warnings)
    now = account(KILN.replace("period_h", 'date = "2023-06"\nperiod_h'))
    assert not any("grid.cn" in one for one in now.warnings)


def test_a_file_with_the_mark_of_a_windows_editor_is_read(read: Read) -> None:
    assert read("\ufeff" + KILN.replace("\n", "\r\n")).head.product == "grey clinker"
