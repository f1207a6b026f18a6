"""Cases of this folder, and small ones that a test writes and spoils."""

from collections.abc import Callable
from pathlib import Path

import pytest

from greenhearth.account import Case, Inventory, read_case, take_inventory

CASES = Path(__file__).parent / "cases"

KILN = """
[case]
title = "One day of a kiln"
source = "log book"
product = "grey clinker"
period_h = 24.0

[quantity.coal]
amount = 300.0
unit = "t"
uncertainty_percent = 2.0
flows = [{ method = "combustion", use = { ncv = "coal_ncv", ef = "fuel.other_bituminous_coal.ef" } }]

[quantity.clinker]
amount = 2000.0
unit = "t"
uncertainty_percent = 1.0
flows = [{ method = "product" }, { method = "process", use = { ef = "cement.calc_default" } }]

[quantity.electricity]
amount = 60.0
unit = "MWh"
uncertainty_percent = 0.5
flows = [{ method = "electricity", use = { ef = "grid.cn.national.2023" } }]

[factor.coal_ncv]
value = 25.0
unit = "GJ/t"
source = "laboratory, mean of the month"
uncertainty_percent = 1.0
"""

Read = Callable[[str], Case]
Account = Callable[[str], Inventory]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Case]:
    """Read a case that is given as text."""

    def write_and_read(text: str) -> Case:
        path = tmp_path / "case.toml"
        path.write_text(text, encoding="utf-8")
        return read_case(path)

    return write_and_read


@pytest.fixture
def account(read: Callable[[str], Case]) -> Account:
    """Take the inventory of a case that is given as text."""
    return lambda text: take_inventory(read(text))
