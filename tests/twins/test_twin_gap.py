"""Gap, verdict and the grid on which it turns."""

import pytest

from greenhearth.twin_gap import break_even_grid, gap
from greenhearth.wire import MetricValue

Metrics = dict[str, MetricValue]


def side(rest: float | None, kwh: float, grid: float) -> Metrics:
    """A process with `rest` kg and `kwh` a tonne on a grid."""
    return {
        "co2_total_kg_per_t": MetricValue(None if rest is None else rest + grid * kwh, "kg CO2e/t", 1.0),
        "electricity_kwh_per_t": MetricValue(kwh, "kWh/t", 1.0),
        "co2_electricity_kg_per_t": MetricValue(grid * kwh, "kg CO2e/t", 1.0),
    }


def total(metrics: Metrics) -> float:
    value = metrics["co2_total_kg_per_t"].value
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("ours", "twin", "value", "percent", "verdict"),
    [
        (266.0, 241.0, 25.0, 9.398, "better"),
        (2200.0, 5330.0, -3130.0, -142.27, "worse"),
        (266.0, 260.0, 6.0, 2.2556, "within uncertainty"),
    ],
)
def test_a_gap_beyond_the_doubt_of_both_is_judged(
    ours: float, twin: float, value: float, percent: float, verdict: str
) -> None:
    found = gap(MetricValue(ours, "kg", 8.0), MetricValue(twin, "kg", 6.0))
    assert found is not None
    assert (found.value, found.uncertainty, found.verdict) == (value, 10.0, verdict)
    assert found.percent == pytest.approx(percent, rel=1e-4)


def test_there_is_no_gap_without_a_value_or_in_another_unit() -> None:
    assert gap(MetricValue(None, "kg", None), MetricValue(1.0, "kg", 0.1)) is None
    assert gap(MetricValue(1.0, "kg", 0.1), MetricValue(1.0, "t", 0.1)) is None
    zero = gap(MetricValue(0.0, "kg", None), MetricValue(1.0, "kg", 0.1))
    assert zero is not None
    assert (zero.percent, zero.uncertainty) == (None, None)


@pytest.mark.parametrize("grid", [0.0, 0.1, 0.5306])
def test_the_grid_on_which_both_emit_the_same_does_not_depend_on_the_one_there_is(grid: float) -> None:
    """Ammonia: 2 000 kg and 200 kWh from gas, 10 045 kWh from hydrogen: 2000 / 9845."""
    found = break_even_grid(side(2000.0, 200.0, grid), side(0.0, 10_045.0, grid))
    assert found is not None
    assert found.better == "below"
    assert found.grid == pytest.approx(2000 / 9845, rel=1e-12)
    assert total(side(2000.0, 200.0, found.grid)) == pytest.approx(total(side(0.0, 10_045.0, found.grid)))
    assert found.supply == pytest.approx((2000 + 200 * grid) / 10_045, rel=1e-12)


@pytest.mark.parametrize(
    ("ours", "twin", "better", "grid"),
    [
        ((50.0, 400.0), (10.0, 440.0), "below", 1.0),
        ((10.0, 500.0), (50.0, 400.0), "above", 0.4),
        ((50.0, 500.0), (10.0, 400.0), "on every grid", None),
        ((50.0, 400.0), (10.0, 400.0), "on every grid", None),
        ((10.0, 400.0), (10.0, 300.0), "on every grid", None),
        ((10.0, 400.0), (50.0, 400.0), "on no grid", None),
        ((10.0, 300.0), (50.0, 400.0), "on no grid", None),
        ((10.0, 400.0), (10.0, 400.0), "on no grid", None),
    ],
)
def test_where_the_twin_is_better_is_said_for_every_case(
    ours: tuple[float, float], twin: tuple[float, float], better: str, grid: float | None
) -> None:
    found = break_even_grid(side(*ours, 0.5), side(*twin, 0.5))
    assert found is not None
    assert (found.better, found.grid) == (better, None if grid is None else pytest.approx(grid))
    for g in (0.01, 0.3, 0.7, 0.99, 1.01, 2.0):
        less = total(side(*twin, g)) < total(side(*ours, g))
        expected = {"below": g < (grid or 0), "above": g > (grid or 0), "on every grid": True}.get(
            better, False
        )
        assert less is expected, g


def test_a_twin_without_electricity_or_a_line_without_a_figure_has_no_such_grid() -> None:
    assert break_even_grid(side(50.0, 400.0, 0.5), side(10.0, 0.0, 0.5)) is None
    assert break_even_grid(side(None, 400.0, 0.5), side(10.0, 100.0, 0.5)) is None
    assert break_even_grid({}, side(10.0, 100.0, 0.5)) is None
    bare = {"co2_total_kg_per_t": MetricValue(100.0, "kg CO2e/t", 1.0)}
    found = break_even_grid(bare, side(10.0, 100.0, 0.5))
    assert found is not None
    assert found.grid == pytest.approx(0.9)
