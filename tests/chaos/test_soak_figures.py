"""The meter of the soak, on rows whose growth is known."""

import numpy as np
import pytest

from .soak_figures import binned, constancy, drift, settled, slope, theil_sen

SECONDS = 1440
BAR = 0.1 / 60
"""0.1 MiB per hour of the plants' time, at 60 times life: MiB per second of the wall."""


def row(per_s: float, seed: int, steps_mib: float = 0.25) -> tuple[list[float], list[float]]:
    """Memory as processes have it: it warms up, flickers, and grows in steps of whole arenas."""
    dice = np.random.default_rng(seed)
    t = np.arange(SECONDS, dtype=float)
    warm = 3.0 * (1 - np.exp(-t / 60))
    grown = np.floor(per_s * t / steps_mib) * steps_mib
    flicker = dice.choice([0.0, 0.5], SECONDS, p=[0.9, 0.1])
    return t.tolist(), (80.0 + warm + grown + flicker).tolist()


def test_theil_sen_is_the_median_of_all_slopes_and_does_not_mind_outliers() -> None:
    t = np.arange(9.0)
    y = 2.0 * t + 1.0
    y[4] = 1e6
    assert theil_sen(t, y) == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(5))
def test_flat_memory_stays_below_the_bar(seed: int) -> None:
    found = slope(*row(0.0, seed), seed)
    assert found.low <= found.estimate <= found.high < BAR


@pytest.mark.parametrize("times", [2, 4, 16])
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_of_twice_the_bar_is_found_and_its_size_told(seed: int, times: int) -> None:
    found = slope(*row(times * BAR, seed), seed)
    assert found.high > BAR, "it would have passed"
    assert found.low > BAR, "it could have been chance"
    assert found.estimate == pytest.approx(times * BAR, rel=0.25)


@pytest.mark.parametrize("seed", range(3))
def test_a_leak_below_the_bar_does_not_fail_a_run(seed: int) -> None:
    assert slope(*row(BAR / 3, seed), seed).high < BAR


def test_the_first_quarter_does_not_count() -> None:
    t = list(range(100))
    times, values = settled(t, [1000.0 - n if n < 25 else 5.0 for n in t])
    assert times[0] == 25
    assert set(values) == {5.0}


def test_bins_leave_out_stretches_without_samples() -> None:
    t = np.array([0.0, 1.0, 2.0, 9.0, 10.0])
    times, values = binned(t, t * 3, bins=5)
    assert times.tolist() == [0.5, 2.0, 9.5]
    assert values.tolist() == [1.5, 6.0, 28.5]


def test_drift_is_the_rise_of_the_quantile_over_the_run() -> None:
    dice = np.random.default_rng(3)
    t = np.arange(0, 1440, 0.1)
    flat = 0.05 + 0.01 * dice.random(len(t))
    assert abs(drift(t.tolist(), flat.tolist(), 0.99)) < 0.02
    assert drift(t.tolist(), (flat * (1 + t / 1440 * 0.5)).tolist(), 0.99) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ([16.0] * 100, True),
        ([16.0, 17.0] * 50, True),
        ([16.0 + n // 20 for n in range(100)], False),
        ([16.0] * 99 + [40.0], False),
        ([20.0] * 50 + [16.0] * 50, True),
    ],
)
def test_a_count_is_constant_when_it_ends_as_it_began(counts: list[float], holds: bool) -> None:
    assert constancy(list(range(100)), counts).holds is holds
