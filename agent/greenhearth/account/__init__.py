"""A batch inventory from declared quantities, through the kernels that also run live.

`read_case` refuses what is not understood; `take_inventory` gives metrics with their uncertainty
and a trail on which every figure is an amount times named, sourced factors.
"""

from greenhearth.account.case_file import read_case
from greenhearth.account.inventory import Inventory, take_inventory
from greenhearth.account.tables import Case

__all__ = ["Case", "Inventory", "read_case", "take_inventory"]
