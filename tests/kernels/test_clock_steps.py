"""Steps of the clock under the kernels: totals and durations are those of the time that passed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.clock import NS
from greenhearth.engine import Engine
from greenhearth.quality import Validity
from greenhearth.wire import Event, Record

from .conftest import BLOCKS, METRICS, REGISTERS, Bench

T0 = 1_700_006_400
"""A whole hour."""

KWH = METRICS.index("electricity_kwh")
YEAR_S = 365 * 86_400
EARLIEST_NS = 40 * 86_400 * NS
"""No clock of the product shows less (`clock._wall_ns`); six steps of ten years back would."""
STEPS_S = st.one_of(
    st.just(0.0), st.floats(-90, 90), st.floats(-7200, 7200), st.sampled_from([YEAR_S * 10.0, -YEAR_S * 10.0])
)
COURSE = st.lists(st.tuples(st.floats(0.2, 29.0), STEPS_S), min_size=3, max_size=60)


@dataclass
class Stepped:
    """A bench whose clock is stepped; it is fed by the time that really passed."""

    bench: Bench
    offset_ns: int = 0
    events: list[Event] = field(default_factory=list)

    def scan(self, passed_s: float, **values: float) -> None:
        t_ns = T0 * NS + round(passed_s * NS) + self.offset_ns
        for name, value in values.items():
            self.bench.put(*REGISTERS[name], value)
        times = np.full(2, t_ns, np.int64)
        self.events += self.bench.engine.update(t_ns, self.bench.words, times, self.bench.q).events
        self.t_ns = t_ns

    def step(self, by_s: float) -> None:
        by_ns = round(by_s * NS)
        self.offset_ns += by_ns
        self.events += self.bench.engine.shift(self.t_ns, self.t_ns + by_ns, by_ns)
        self.t_ns += by_ns

    def told(self, window: str) -> float:
        """Energy of the finished windows of the furnace."""
        mine = [e for e in self.events if (e.window, e.subject) == (window, "furnace")]
        return sum(e.metrics["electricity_kwh"].value or 0.0 for e in mine)


def run(bench: Bench, course: list[tuple[float, float]], steps: bool) -> Stepped:
    one, passed, work = Stepped(bench), 0.0, 1000.0
    one.scan(0.0, number=1, work=work, power=36_000.0, made=0)
    for k, (seconds, by_s) in enumerate(course):
        passed += seconds
        work += 10 * (k % 7)
        one.scan(passed, work=work, power=36_000.0 + 1000 * (k % 5), made=100 * k)
        if steps and abs(by_s) > 0.5 and one.t_ns + by_s * NS > EARLIEST_NS:
            one.step(by_s)
    return one


@settings(max_examples=60, deadline=None)
@given(COURSE)
def test_random_steps_change_no_total_and_no_duration(bench_engine: Callable[[], Bench], course) -> None:
    plain, stepped = run(bench_engine(), course, False), run(bench_engine(), course, True)
    a, b = plain.bench.engine._state, stepped.bench.engine._state

    assert b.sum_a[0].tolist() == a.sum_a[0].tolist(), "the running batch"
    assert b.sum_a[2:].ravel().tolist() == pytest.approx(a.sum_a[2:].ravel().tolist()), (
        "the last hour and day"
    )
    assert stepped.t_ns - b.batch_start[0] == plain.t_ns - a.batch_start[0], "the duration of the batch"
    for r, window in enumerate(("15min", "1h", "24h")):
        mine = plain.bench.engine.model.index("furnace", "work")
        whole = a.tumble_a[r, mine] + plain.told(window)
        assert b.tumble_a[r, mine] + stepped.told(window) == pytest.approx(whole), window


def test_a_step_over_an_hour_ends_the_running_windows_as_partial(bench):
    stepped = run(bench, [(10.0, 0.0)] * 30 + [(10.0, 3600.0)], True)

    told = [(e.window, e.validity, (e.end_ns // NS) - T0) for e in stepped.events if e.subject == "furnace"]

    assert told == [("15min", Validity.PARTIAL, 900), ("1h", Validity.PARTIAL, 3600)]


def test_after_a_small_step_back_the_running_window_is_waited_for(bench):
    stepped = run(bench, [(29.0, 0.0)] * 31 + [(5.0, -20.0)], True)
    first = [e for e in stepped.events if e.window == "15min" and e.subject == "furnace"]
    for k in range(40):
        stepped.scan(904.0 + 25.0 * (k + 1))
    all_told = [e for e in stepped.events if e.window == "15min" and e.subject == "furnace"]

    assert [e.end_ns // NS - T0 for e in first] == [900]
    assert [e.end_ns // NS - T0 for e in all_told] == [900, 1800]


def test_a_step_forward_hides_no_step_of_a_bounded_counter(bench):
    bench.engine._streams.max_per_h[:] = 36_000.0
    stepped = run(bench, [(1.0, 0.0)] * 3, False)
    stepped.step(600.0)  # a machine that slept: its monotonic clock stood still, the meter did not
    stepped.scan(4.0, work=1000 + 6000)

    assert stepped.bench.engine.totals()["furnace.work"] == 7000.0


def test_a_state_from_an_unknown_time_goes_on_and_integrates_nothing_over_it(bench):
    stepped = run(bench, [(10.0, 0.0)] * 10, False)
    engine = Engine(bench.engine.model, BLOCKS)
    engine.restore(bench.engine.snapshot())
    before = engine._state.sum_a[0].copy()
    boot = 41 * 86_400
    by_ns = boot * NS - 60 * NS - stepped.t_ns
    engine.shift(stepped.t_ns, boot * NS, by_ns, unsure=True)
    after = Bench(engine)
    after.words[:] = bench.words
    after.scan(boot + 1.0, work=50_000.0)
    rise = engine._state.sum_a[0] - before
    model = engine.model

    assert rise[model.index("furnace", "work")] == 50_000.0 - 1000.0 - 10 * sum(k % 7 for k in range(10))
    assert rise[model.index("furnace", "power")] == 0.0


def test_records_after_a_step_are_replayed_across_it(bench):
    bench.engine.time.epoch = 5
    copy = Engine(bench.engine.model, BLOCKS)
    copy.time.epoch = 5
    t = T0 * NS
    for k in range(6):
        if k == 3:
            bench.engine.shift(t, t - 3600 * NS, -3600 * NS)
            t -= 3600 * NS
        t += NS
        scan = bench.scan(t / NS, work=1000 + 10 * k, power=36_000.0, number=1)
        steps = bench.engine.time.steps_ns
        copy.apply(Record(5, k + 1, t, 1, scan.blocks, scan.results, steps_ns=steps))

    assert copy._state.sum_a.tolist() == bench.engine._state.sum_a.tolist()
    assert copy.snapshot() == bench.engine.snapshot()
