"""Published values beside ours: what ``[expect]`` names, and whether it is met."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from greenhearth.account.tables import Case, ExpectedValue
from greenhearth.quantities import UnitError, scale

if TYPE_CHECKING:
    from greenhearth.account.inventory import Inventory


class Expected(msgspec.Struct):
    """One published value and ours."""

    name: str
    unit: str
    value: float
    """Published."""
    found: float | None
    """Ours, in the same unit."""
    difference: float | None
    """Relative; absolute where the published value is 0."""
    tolerance: float
    met: bool
    why: str = ""


class UnknownNameError(LookupError):
    """A name that neither a metric nor a sum of the trail has; `known` are all of them."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.known = list(known)
        super().__init__(name)


def value_of(inventory: "Inventory", name: str) -> tuple[float | None, str]:
    """Return a figure by name, with its unit; UnknownNameError if there is none.

    Names: a metric; an output of the trail or a sum without its divisor (``co2_fuel_kg``,
    ``co2_embedded_direct_kg``); ``quantity.NAME.OUTPUT`` for one quantity, where OUTPUT may also be
    a gas (``cf4_kg``, ``cf4_collected_kg``, ``gas_kg``); or several of one unit with " + " between.
    """
    found = [_one_value(inventory, part.strip()) for part in name.split(" + ")]
    values = [value * scale(unit, found[0][1]) for value, unit in found if value is not None]
    return math.fsum(values) if len(values) == len(found) else None, found[0][1]


def _one_value(inventory: "Inventory", name: str) -> tuple[float | None, str]:
    if name in inventory.metrics:
        metric = inventory.metrics[name]
        return metric.value, metric.unit.replace("kg CO2e", "kgCO2")
    if name in inventory.totals:
        return inventory.totals[name].value, inventory.totals[name].unit
    parts = _parts(inventory)
    if name in parts:
        return parts[name]
    raise UnknownNameError(name, [*inventory.metrics, *inventory.totals, *parts])


def _parts(inventory: "Inventory") -> dict[str, tuple[float, str]]:
    found: dict[str, tuple[float, str]] = {}
    for line in inventory.trail:
        for name, value, unit in (
            (line.output, line.result, line.result_unit),
            *((gas, kg, "kg") for gas, kg in line.gases.items()),
        ):
            key = f"quantity.{line.quantity}.{name}"
            found[key] = (found.get(key, (0.0, ""))[0] + value, unit)
    return found


def check_expected(case: Case, look_up: Callable[[str], tuple[float | None, str]]) -> list[Expected]:
    """Compare every expected value; ConfigError for a name or a unit that is not understood."""
    found = []
    for name, wanted in case.expected.items():
        key = f"expect.{name}"
        try:
            ours, unit = look_up(name)
            ours = ours if ours is None or not wanted.unit else ours * _scale(unit, wanted.unit)
        except UnknownNameError as error:
            why = f"'{error.args[0]}' is no metric and no sum of this account"
            raise case.document.error_naming(key, why, error.args[0], error.known) from None
        except UnitError as error:
            raise case.document.error(key, str(error)) from error
        found.append(judge(name, wanted, wanted.unit or unit, ours, case.tolerance))
    return found


def _scale(unit: str, wanted: str) -> float:
    """Return the factor to the published unit; what is CO2 by its name need not say so in its unit."""
    try:
        return scale(unit, wanted)
    except UnitError:
        if "CO2" in wanted or "CO2" not in unit:
            raise
        return scale(unit.replace("CO2", ""), wanted)


def judge(name: str, wanted: ExpectedValue, unit: str, ours: float | None, tolerance: float) -> Expected:
    """Return one comparison; `tolerance` is the relative one where the value has none of its own."""
    relative = wanted.tolerance if wanted.tolerance is not None else tolerance
    allowed = wanted.tolerance_abs if wanted.tolerance_abs is not None else relative * abs(wanted.value)
    if ours is None:
        return Expected(name, unit, wanted.value, None, None, allowed, False, "there is no value")
    gap = ours - wanted.value
    difference = gap / abs(wanted.value) if wanted.value else gap
    return Expected(name, unit, wanted.value, ours, difference, allowed, abs(gap) <= allowed)
