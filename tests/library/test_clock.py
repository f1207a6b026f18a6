"""One clock for all processes."""

import time

import pytest

from greenhearth.clock import Clock, Stamper


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
