"""What was saved: CUSUM, the interval, the range, non-routine events."""

import numpy as np
import pytest

from greenhearth.baseline import F8, BaselineError, Model, declared, fit
from greenhearth.savings import range_check, save, spread

# Bureau of Energy Efficiency (India), Guide Book 1, chapter 8: E = 0.4 P + 180
BEE_E = [340, 340, 380, 380, 300, 400, 280, 424, 420, 400, 360, 320, 340, 372, 380, 280, 280, 380]
BEE_P = [380, 440, 460, 520, 320, 520, 240, 620, 600, 560, 440, 360, 420, 480, 540, 280, 260, 500]
BEE_CUSUM = [8, -8, 8, 0, -8, 4, 8, 4, 4, 0, 4, 0, -8, -8, -24, -36, -40, -40]


def bee() -> tuple[Model, F8, F8]:
    return declared(["P"], 180.0, [0.4]), np.array(BEE_P, float)[:, None], np.array(BEE_E, float)


def test_the_published_cusum_comes_out() -> None:
    found = save(*bee(), confidence=0.95)
    assert found.cusum == pytest.approx(BEE_CUSUM, abs=1e-9)
    assert found.saving == pytest.approx(40.0, abs=1e-9)
    assert found.interval is None
    assert found.saving == pytest.approx(found.expected_total - found.actual_total, abs=1e-9)


def by_matrix(x: F8, x_new: F8, s: float, t: float) -> float:
    """The interval as a textbook writes it, by the inverse of X'X."""
    one = np.column_stack([np.ones(len(x)), x])
    whole = np.concatenate([[len(x_new)], x_new.sum(axis=0)])
    return t * s * float(len(x_new) + whole @ np.linalg.inv(one.T @ one) @ whole) ** 0.5


def test_the_interval_is_the_textbooks() -> None:
    random = np.random.default_rng(4)
    x, x_new = random.uniform(50, 90, (14, 2)), random.uniform(50, 90, (7, 2))
    model = fit(["a", "b"], x, 400 + x @ [3.0, 5.0] + random.normal(0, 9, 14))
    assert model.statistics is not None
    expected = by_matrix(x, x_new, model.statistics.s, 2.2009852)  # t table: 97.5 %, 11 degrees of freedom
    assert model.interval(x_new, 0.95) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("points", "reported"), [(8, 24), (36, 12), (40, 2)])
def test_a_planted_saving_lies_in_its_95_percent_interval_as_often_as_it_should(
    points: int, reported: int
) -> None:
    """300 draws. 24 months against 8: nearly all of the doubt is in the coefficients, which all share.

    Of 300 at 95 %, 285 +- 3.8 are expected; 270 are demanded, and not more than 297.
    """
    random = np.random.default_rng(20260 + points)
    planted, inside = 55.0 * reported, 0
    for _ in range(300):
        x, x_new = random.uniform(200, 800, (points, 1)), random.uniform(200, 800, (reported, 1))
        model = fit(["t"], x, 900.0 + 4.0 * x[:, 0] + random.normal(0, 40, points))
        energy = 900.0 + 4.0 * x_new[:, 0] - 55.0 + random.normal(0, 40, reported)
        found = save(model, x_new, energy, 0.95)
        assert found.interval is not None
        inside += abs(found.saving - planted) <= found.interval
    assert 270 <= inside <= 297


def test_a_higher_confidence_is_a_wider_interval() -> None:
    x = np.linspace(1, 9, 9)[:, None]
    model = fit(["t"], x, 50 + 3 * x[:, 0] + np.tile([1.0, -1.0, 0.5], 3))
    widths = [model.interval(x[:4], confidence) for confidence in (0.8, 0.9, 0.95, 0.99)]
    assert widths == sorted(widths, key=lambda width: width or 0.0)
    assert len(set(widths)) == 4


def test_points_beyond_the_baselines_drivers_are_named() -> None:
    x = np.array([[1.0, 10], [2, 30], [3, 20], [4, 50], [5, 20], [6, 10]])
    model = fit(["tonnes", "heats"], x, np.array([11.0, 20, 28, 42, 47, 52]))
    x_new, all_count = np.array([[1.0, 50.0], [6.1, 20.0], [0.5, 51.0]]), np.ones(3, np.bool_)
    assert save(model, x_new, np.full(3, 30.0), 0.95).outside == [[], ["tonnes"], ["tonnes", "heats"]]
    strict = range_check(model, x_new, all_count)
    assert (strict.value, strict.passed) == (2.0, False)
    assert range_check(model, x_new, all_count, margin=0.05).value == 1.0
    assert range_check(model, x_new, all_count, margin=0.1).passed
    assert range_check(model, x_new, np.array([True, False, False])).passed
    some = save(model, x_new, np.full(3, 30.0), 0.95, None, np.array([True, True, False]))
    assert some.outside == [[], ["tonnes"], []]


def test_an_adjustment_is_added_to_what_is_expected_and_shown_apart() -> None:
    model, x, energy = bee()
    rows = np.zeros(18, np.bool_)
    rows[3:7] = True
    plain, adjusted = save(model, x, energy, 0.95), save(model, x, energy, 0.95, spread(100.0, rows))
    assert adjusted.adjustments.tolist() == [25.0 if 3 <= k < 7 else 0.0 for k in range(18)]
    assert adjusted.saving - plain.saving == pytest.approx(100.0)
    assert adjusted.adjustment_total == 100.0
    assert adjusted.expected_total == plain.expected_total
    assert adjusted.cusum[2] == plain.cusum[2]
    assert adjusted.cusum[-1] == pytest.approx(plain.cusum[-1] - 100.0)


def test_an_excluded_row_adds_nothing_and_narrows_the_interval() -> None:
    x = np.linspace(1, 9, 9)[:, None]
    model = fit(["t"], x, 50 + 3 * x[:, 0] + np.tile([1.0, -1.0, 0.5], 3))
    counts = np.array([True, False, True])
    found = save(model, x[:3], np.array([10.0, 1e6, 20.0]), 0.95, None, counts)
    assert found.cusum[1] == found.cusum[0]
    assert found.actual_total == 30.0
    assert found.counted == 2
    assert found.interval == pytest.approx(model.interval(x[[0, 2]], 0.95))


def test_negative_energy_of_a_reported_period_is_refused() -> None:
    model, x, energy = bee()
    energy[5] = -400.0
    with pytest.raises(BaselineError, match="point 6"):
        save(model, x, energy, 0.95)


def test_an_amount_without_rows_goes_nowhere() -> None:
    assert spread(100.0, np.zeros(3, np.bool_)).tolist() == [0.0, 0.0, 0.0]
