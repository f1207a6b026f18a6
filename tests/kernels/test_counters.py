"""Counters dip, roll over, jump and get exchanged; none of it becomes energy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.quality import Quality

from .conftest import METRICS

T0 = 1_700_006_400.0
KWH = METRICS.index("electricity_kwh")


def booked(bench, readings: list[int]) -> float:
    """Electricity of the last quarter hour after these readings of the work counter, one a second."""
    for k, value in enumerate(readings):
        scan = bench.scan(T0 + k, number=1, work=value)
    return scan.results[1].x[KWH]


def test_a_dip_to_zero_that_returns_books_only_the_true_energy(bench):
    assert booked(bench, [5000, 5010, 0, 0, 5040]) == pytest.approx(40.0)


def test_a_dip_is_marked_and_held(bench):
    booked(bench, [5000, 5010])
    block = bench.scan(T0 + 2, work=3).blocks[0]

    assert block.q[1] == Quality.UNCERTAIN_DIP


def test_a_reset_is_confirmed_by_readings_that_run_on(bench):
    for k, value in enumerate([5000, 5010, 0, 10, 20, 30, 40, 50]):
        scan = bench.scan(T0 + k, number=1, work=value)
        if value == 40:
            (event,) = [e for e in scan.events if e.what == "counter_reset"]

    assert event.subject == "furnace.work"
    assert scan.results[1].x[KWH] == pytest.approx(60.0)


def test_an_exchanged_meter_that_starts_high_is_not_booked_as_a_lifetime_of_energy(bench):
    assert booked(bench, [5000, 5010, 880_000, 880_010, 880_020, 880_030, 880_040, 880_050]) == pytest.approx(
        60.0
    )


def test_a_rollover_at_the_modulus_of_the_profile_goes_on(bench):
    assert booked(bench, [999_990, 999_995, 5, 15]) == pytest.approx(25.0)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 27), st.booleans()), min_size=1, max_size=40))
def test_spurious_readings_never_change_the_energy_between_good_ones(bench_engine, steps):
    bench = bench_engine()
    total = 50_000
    bench.scan(T0, number=1, work=total)
    for k, (step, spurious) in enumerate(steps, 1):
        total += step
        scan = bench.scan(T0 + 2 * k, work=total)
        if spurious:
            bench.scan(T0 + 2 * k + 1, work=0)

    assert scan.results[1].x[KWH] == pytest.approx(total - 50_000)
