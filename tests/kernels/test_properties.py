"""What must hold for every history: windows add up, nothing comes from nothing, plain Python agrees."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.quality import Quality
from greenhearth.wire import Event

from .conftest import METRICS, Bench

T0 = 1_700_006_400.0
"""A whole hour."""

KWH = METRICS.index("electricity_kwh")
STEPS = st.lists(
    st.tuples(st.floats(0.5, 900.0), st.integers(0, 12), st.booleans()), min_size=2, max_size=60
)  # seconds to the next scan, kWh a second, whether the scan fails


def run(bench: Bench, steps: list[tuple[float, int, bool]]) -> tuple[list[Event], float, float]:
    """Run scans with a counter that rises; return events, energy [kWh] by plain Python, and the end.

    The last scan is good: the counter knows what failed scans did not tell.
    """
    t, total = T0, 50_000.0
    bench.scan(t, number=1, work=total)
    events = []
    for seconds, rate, fails in [*steps, (1.0, 0, False)]:
        t += seconds
        total += math.floor(rate * seconds)
        bench.q[0] = int(Quality.TIMEOUT) if fails else 0
        events += bench.scan(t, work=total).events
    return events, total - 50_000.0, t


def energy(events: list[Event], window: str) -> float:
    """Sum of the electricity of the finished windows of one kind."""
    mine = [e for e in events if e.window == window and e.subject == "furnace"]
    return sum(e.metrics["electricity_kwh"].value or 0.0 for e in mine)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_quarters_hours_and_days_add_up_to_the_same_whole(bench_engine: Callable[[], Bench], steps) -> None:
    bench = bench_engine()
    events, plain, end = run(bench, steps)
    events += bench.scan(end + 86_400.0 + 3600.0, number=1).events

    for window in ("15min", "1h", "24h"):
        assert energy(events, window) == pytest.approx(plain, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_the_running_batch_has_the_energy_that_plain_python_finds(
    bench_engine: Callable[[], Bench], steps
) -> None:
    bench = bench_engine()
    _, plain, end = run(bench, steps)
    running = bench.scan(end + 1.0).results[0]

    assert running.x[KWH] == pytest.approx(plain, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.5, 600.0), min_size=1, max_size=40))
def test_no_power_and_no_count_is_no_energy(bench_engine: Callable[[], Bench], gaps: list[float]) -> None:
    bench = bench_engine()
    t = T0
    bench.scan(t, number=1, work=123, power=0.0)
    for gap in gaps:
        t += gap
        scan = bench.scan(t)

    assert all(result.x[KWH] == 0.0 for result in scan.results)
    assert bench.engine._state.sum_a[:, 2].tolist() == [0.0] * 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=60))
def test_failed_scans_change_the_coverage_of_power_and_never_its_mean(
    bench_engine: Callable[[], Bench], fails: list[bool]
) -> None:
    bench = bench_engine()
    t = T0
    bench.scan(t, number=1, power=36_000.0)
    for failed in fails:
        t += 20.0
        bench.q[0] = int(Quality.CRC) if failed else 0
        bench.scan(t)
    covered, booked = bench.engine._state.sum_c[0, 2], bench.engine._state.sum_a[0, 2]

    assert booked == pytest.approx(36_000.0 * covered / 3.6e12)
    assert covered <= 20e9 * len(fails)
