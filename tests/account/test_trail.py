"""The trail adds up to what the kernel says, and says where every factor comes from."""

import math
import random
from pathlib import Path

import pytest

from greenhearth.account import Inventory, read_case, take_inventory
from greenhearth.metrics import DIVIDED_BY, METRICS, PER_CHARGE, PER_PRODUCT, WEIGHTS
from greenhearth.processes import OUTPUTS

from .conftest import CASES, KILN, Account

SHELF = Path(__file__).parents[2] / "firmware_configs" / "cases"
FILES = [*sorted(CASES.glob("*.toml")), *sorted(SHELF.glob("*.toml"))]


def _by_the_trail(inventory: Inventory, k: int) -> tuple[float, float]:
    """Return metric k worked from the lines of the trail alone, and the size of its terms."""
    weights = dict(zip(OUTPUTS, WEIGHTS[k], strict=True))
    terms = [weights[line.output] * line.result for line in inventory.trail]
    divisor = {PER_PRODUCT: "product_t", PER_CHARGE: "charge_t"}.get(DIVIDED_BY[k])
    below = math.fsum(line.result for line in inventory.trail if line.output == divisor) if divisor else 1.0
    return math.fsum(terms) / below, math.fsum(map(abs, terms)) / below


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_trail_gives_the_figures_of_the_kernel(path: Path) -> None:
    """To 1e-12 of the terms that are added."""
    inventory = take_inventory(read_case(path))
    for name, metric in inventory.metrics.items():
        if metric.value is not None:
            value, size = _by_the_trail(inventory, METRICS.index(name))
            assert metric.value == pytest.approx(value, rel=1e-12, abs=1e-12 * size), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_factor_on_the_trail_has_a_source(path: Path) -> None:
    """And a catalogue id or a name in the case, unless it is a default of its method."""
    for line in take_inventory(read_case(path)).trail:
        assert line.result == pytest.approx(line.counted * line.share * line.per_unit, rel=1e-15)
        for one in line.arguments:
            assert one.source
            assert one.id or one.source.startswith(
                ("default of the method", "a constant of the process file")
            )


def test_the_arguments_of_a_line_are_those_its_result_depends_on(account: Account) -> None:
    """Energy does not depend on an emission factor; CO2 does."""
    lines = {(line.quantity, line.output): line for line in account(KILN).trail}
    assert [one.name for one in lines["coal", "fuel_kwh"].arguments] == ["ncv"]
    assert [one.name for one in lines["coal", "co2_fuel_kg"].arguments] == [
        "ncv",
        "ef",
        "oxidation",
        "biogenic",
    ]
    ncv = lines["coal", "co2_fuel_kg"].arguments[0]
    assert (ncv.value, ncv.unit, ncv.id, ncv.source) == (
        25.0,
        "GJ/t",
        "coal_ncv",
        "laboratory, mean of the month",
    )
    assert lines["coal", "co2_fuel_kg"].result == pytest.approx(300.0 * 25.0 * 94.6, rel=1e-15)


def test_the_interval_is_the_root_of_the_squares_of_what_it_is_made_of(account: Account) -> None:
    """Coal 2 % (meter) and 1 % (NCV), clinker 1 % in product and in its own CO2, electricity 0.5 %.

    By hand: coal CO2 709.5 t, clinker 1 050 t, electricity 31.836 t; per tonne 354.75 + 525 + 15.918.
    The clinker's meter is in both parts of the ratio, so the 525 do not depend on it.
    """
    found = account(KILN).metrics["co2_total_kg_per_t"]
    parts = {
        "meter coal": 354.75 * 0.02, "coal_ncv": 354.75 * 0.01, "meter clinker": (354.75 + 15.918) * 0.01,
        "meter electricity": 15.918 * 0.005,
    }  # fmt: skip
    variance = sum(u * u for u in parts.values())
    assert found.uncertainty == pytest.approx(variance**0.5, rel=1e-9)
    assert {one.name: one.percent for one in found.causes} == pytest.approx(
        {name: 100.0 * u * u / variance for name, u in parts.items()}, rel=1e-9
    )


def test_quantities_over_one_scale_share_its_error(account: Account) -> None:
    """Two coals over one belt: 2 % of their sum, not of the root of squares."""
    both = KILN.replace("uncertainty_percent = 2.0", 'uncertainty_percent = 2.0\nmeter = "belt"').replace(
        "1.0\n", "0.0\n"
    )
    second = both.split("[quantity.coal]")[1].split("[quantity.clinker]")[0]
    apart = account(f"{both}\n[quantity.lignite]{second.replace('belt', 'truck scale')}")
    shared = account(f"{both}\n[quantity.lignite]{second}")
    ours, other = shared.metrics["fuel_kwh"], apart.metrics["fuel_kwh"]
    assert ours.value == other.value
    assert ours.value is not None
    assert ours.uncertainty == pytest.approx(0.02 * ours.value, rel=1e-9)
    assert other.uncertainty == pytest.approx(0.02 * ours.value / 2**0.5, rel=1e-9)


def test_splitting_a_quantity_changes_no_figure(account: Account) -> None:
    """One pile of coal or two: the same CO2 and the same energy."""
    draw = random.Random(7)
    whole = account(KILN)
    for part in (draw.uniform(0.0, 300.0) for _ in range(5)):
        second = KILN.split("[quantity.coal]")[1].split("[quantity.clinker]")[0]
        text = KILN.replace("amount = 300.0", f"amount = {part}")
        halves = account(
            f"{text}\n[quantity.rest]{second.replace('amount = 300.0', f'amount = {300.0 - part}')}"
        )
        for name, metric in whole.metrics.items():
            assert halves.metrics[name].value == pytest.approx(metric.value, rel=1e-12)


def test_a_case_and_its_factors_have_names_of_their_contents(account: Account) -> None:
    """Comments do not count; an amount changes the case, a value changes the factor set."""
    first, comment = account(KILN), account(f"# the same\n{KILN}")
    amount, factor = account(KILN.replace("300.0", "301.0")), account(KILN.replace("25.0", "25.1"))
    assert (first.case, first.factor_set) == (comment.case, comment.factor_set)
    assert amount.case != first.case
    assert amount.factor_set == first.factor_set
    assert factor.factor_set != first.factor_set
