"""One clock for all processes."""

import time

import pytest

from greenhearth.clock import NS, Clock, Stamper


def test_a_clock_that_was_passed_as_text_is_the_same_clock():
    clock = Clock.fast(60.0, 1_700_000_000_000_000_000)
    other = Clock.from_text(clock.to_text())
    moment = time.monotonic_ns()

    assert other.at(moment) == clock.at(moment)


def test_a_fast_clock_runs_at_its_speed():
    clock = Clock.fast(60.0, 0)

    assert clock.at(clock.monotonic_anchor_ns + 1_000_000_000) == 60_000_000_000
    assert clock.wall_s(60.0) == 1.0


def test_stamps_increase_strictly_even_when_the_clock_stands_still():
    stamper = Stamper(Clock(1000, time.monotonic_ns(), 0.0))

    assert [stamper.stamp() for _ in range(3)] == [1000, 1001, 1002]


def test_a_text_that_is_no_clock_says_so():
    with pytest.raises(ValueError, match="expected"):
        Clock.from_text("12")


@pytest.fixture
def walls(monkeypatch):
    """The wall's clock, steady until a test steps it: a list with how far it is off [ns]."""
    off = [0]
    real, began = time.monotonic_ns, 1_790_000_000 * NS - time.monotonic_ns()
    monkeypatch.setattr(time, "time_ns", lambda: began + real() + off[0])
    return off


@pytest.mark.parametrize("step_s", [1, -1, 3600, -3600, 315_360_000, -315_360_000])
def test_a_step_is_seen_once_and_followed(walls, step_s):
    clock = Clock.real()
    walls[0] += step_s * NS
    seen = clock.step_ns()

    assert seen == pytest.approx(step_s * NS, abs=NS // 10)
    clock.follow(seen)
    assert clock.step_ns() == 0
    assert clock.now_ns() == pytest.approx(time.time_ns(), abs=NS // 10)


def test_small_differences_are_left_to_ntp_until_they_have_grown(walls):
    clock = Clock.real()
    walls[0] += 400_000_000
    assert clock.step_ns() == 0
    walls[0] += 400_000_000
    assert clock.step_ns() == pytest.approx(800_000_000, abs=NS // 10)


def test_a_shared_clock_never_steps(walls):
    clock = Clock.from_text(Clock.real().to_text())
    walls[0] += 3600 * NS

    assert clock.step_ns() == 0
    assert clock.set


def test_a_clock_in_1970_is_not_set_and_leaves_room_for_what_began_before(walls):
    walls[0] = 100 * NS - time.time_ns()
    clock = Clock.real()

    assert not clock.set
    assert clock.now_ns() > 40 * 86_400 * NS
