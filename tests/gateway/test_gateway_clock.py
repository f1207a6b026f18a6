"""Steps of clocks and the gateway: age, alarms, trends and retention do not follow them."""

import time

from hypothesis import given
from hypothesis import strategies as st

from greenhearth.clock import NS, Clock
from greenhearth_gateway.alarms.state import AlarmState, Limits, Sample, step
from greenhearth_gateway.clock_watch import ClockWatch
from greenhearth_gateway.freshness import Lateness
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.store.embedded import straight

LIMITS = Limits(high=100.0, deadband=10.0, on_delay_ns=30 * NS, off_delay_ns=20 * NS)
T0 = 1_790_000_000 * NS
COURSE = st.lists(
    st.tuples(
        st.integers(1, 70),
        st.sampled_from([80.0, 95.0, 120.0, None]),
        st.sampled_from([0, 0, 40, -40, 3600, -3600]),
    ),
    max_size=40,
)


@given(COURSE)
def test_no_step_of_an_agents_clock_raises_or_releases_an_alarm(course) -> None:
    plain, stepped, passed, steps = AlarmState(), AlarmState(), 0, 0
    for seconds, value, by_s in course:
        passed, steps = passed + seconds * NS, steps + by_s * NS
        plain = step(LIMITS, plain, Sample(T0 + passed, value, 7))
        stepped = step(LIMITS, stepped, Sample(T0 + passed + steps, value, 7, steps))
        assert (stepped.state, stepped.above_ns, stepped.below_ns) == (
            plain.state,
            plain.above_ns,
            plain.below_ns,
        )


def test_a_record_that_was_held_up_is_as_old_as_it_is_late_whatever_the_clocks_say() -> None:
    one, skew = Lateness(), 86_400 * NS
    assert one.moment(7, skew + 100 * NS, 101 * NS) == 101 * NS, "the first one shows how late they come"
    assert one.moment(7, skew + 101 * NS, 122 * NS) == 102 * NS, "20 s later than the others"
    assert one.moment(8, 500 * NS, 130 * NS) == 130 * NS, "a new start counts anew"


def test_a_trend_after_a_step_back_is_one_course_of_time() -> None:
    places = [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]
    assert straight(places, [10, 20, 30, 15, 25]) == [0, 3, 4]
    assert straight(places, [10, 20, 30, 40, 50]) == [0, 1, 2, 3, 4]


def test_a_step_is_told_and_stops_deletions(monkeypatch) -> None:
    problems, off, real = Problems(), [0], time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + off[0])
    watch = ClockWatch(Clock.real(), problems)
    watch.look()
    assert (watch.trusted(), problems.sentences()) == (True, [])
    off[0] = 10 * 365 * 86_400 * NS
    watch.look()
    assert not watch.trusted()
    assert "was stepped by +315360000.0 s" in problems.sentences()[0]


def test_a_gateway_that_boots_in_1970_deletes_nothing_and_says_so(monkeypatch) -> None:
    problems = Problems()
    monkeypatch.setattr(time, "time_ns", lambda: 100 * NS)
    watch = ClockWatch(Clock.real(), problems)
    watch.look()
    assert not watch.trusted()
    assert "nobody has set it" in problems.sentences()[0]


def test_a_clock_ten_years_ahead_deletes_only_what_is_old_beside_the_newest_data(
    tmp_path, make, agent
) -> None:
    day = 86_400 * NS
    desk = make.Desk(tmp_path, retention_days=1.0).open()
    desk.writer._retention = type(desk.writer._retention)(
        Clock(make.T0 + 3650 * day, time.monotonic_ns()), 1.0
    )
    birth = agent.birth()
    old = [agent.record(t_ns=make.T0 - 2 * day + n) for n in range(3)]
    unset = [agent.record(t_ns=50 * day + n) for n in range(3)]
    young = [agent.record(t_ns=make.T0 + n) for n in range(3)]
    back = [agent.record(t_ns=make.T0 - 3650 * day + n) for n in range(3)]
    desk.writer.write([agent.frame(birth), agent.frame(*old, *unset, *young, *back, agent.record())])
    desk.writer.forget_old()
    left = {row[0] for row in desk.rows("SELECT t_ns FROM items WHERE leaf = 'records'")}
    assert left >= {one.t_ns for one in [*unset, *young, *back]}, "what came with or after young data stays"
    assert not left & {one.t_ns for one in old}
    desk.close()
