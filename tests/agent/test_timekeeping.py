"""Which count of time a start goes on with, and what a step means for stamps, eras and doubt."""

import time

import pytest

from greenhearth.clock import NEVER_SET_NS, NS, Clock, CountOfTime, Stamper
from greenhearth_agent.timekeeping import LONGEST_OFF_NS, Rejoin, Timekeeping, read_era, rejoin

NOW = 1_790_000_000 * NS
GAP = 31 * NS


def clock_at(t_ns: int) -> Clock:
    return Clock(t_ns, time.monotonic_ns(), 1e-9, follows=True)


@pytest.mark.parametrize("step_s", [3600, -3600, 1, -1])
def test_on_the_same_boot_the_monotonic_clock_tells_the_step(step_s: int) -> None:
    saved, now = CountOfTime("boot", 5 * NS), CountOfTime("boot", (5 + step_s) * NS)

    assert rejoin(saved, now, NOW - 9 * NS, clock_at(NOW), GAP) == Rejoin(step_s * NS)


def test_a_small_difference_on_the_same_boot_is_no_step() -> None:
    saved, now = CountOfTime("boot", 5 * NS), CountOfTime("boot", 5 * NS + NS // 3)

    assert rejoin(saved, now, NOW - 9 * NS, clock_at(NOW), GAP) == Rejoin()


@pytest.mark.parametrize("newest", [NOW + 60 * NS, NOW - LONGEST_OFF_NS - NS, NEVER_SET_NS - NS])
def test_after_a_boot_a_state_from_an_unbelievable_time_is_put_just_before_now(newest: int) -> None:
    clock = clock_at(NOW)
    how = rejoin(CountOfTime("one"), CountOfTime("two"), newest, clock, GAP)

    assert how.unsure
    assert newest + how.step_ns == clock.now_ns() - GAP


def test_after_a_boot_an_ordinary_pause_is_no_step() -> None:
    assert rejoin(CountOfTime("one"), CountOfTime("two"), NOW - 3600 * NS, clock_at(NOW), GAP) == Rejoin()


def test_an_empty_state_has_nothing_to_carry_over() -> None:
    assert rejoin(CountOfTime(), CountOfTime("two"), 0, clock_at(NOW), GAP) == Rejoin()


def test_only_a_step_back_begins_an_era_and_it_is_on_the_disk(tmp_path) -> None:
    clock = clock_at(NOW)
    keeping = Timekeeping(clock, Stamper(clock), tmp_path / "era")
    event = keeping.follow(3600 * NS, flagged=True)
    forward = keeping.stamper.stamp()
    keeping.follow(-7200 * NS, flagged=False)

    assert event.detail == "by +3600.0 s"
    assert (keeping.era, read_era(tmp_path / "era", 99)) == (1, 1)
    assert keeping.stamper.stamp() < forward
    assert (keeping.in_doubt(0), keeping.in_doubt(0)) == (True, False), "the next readings only"
    assert len(keeping.problems()) == 1


def test_a_clock_that_nobody_set_is_told_and_marks_all_readings() -> None:
    clock = clock_at(50 * 86_400 * NS)
    keeping = Timekeeping(clock, Stamper(clock))

    assert keeping.in_doubt(0)
    assert keeping.in_doubt(0)
    assert "shows 1970-02-20: nobody has set it" in keeping.problems()[0]


def test_an_era_that_cannot_be_read_is_replaced_by_one_that_was_never_used(tmp_path) -> None:
    (tmp_path / "era").write_text("garbage")

    assert read_era(tmp_path / "era", 1_790_000_000) == 1_790_000_000
    assert read_era(tmp_path / "none", 1_790_000_000) == 0


def test_a_start_behind_its_own_stamps_begins_an_era() -> None:
    clock = clock_at(NOW)
    behind, ahead = Timekeeping(clock, Stamper(clock, NOW + NS)), Timekeeping(clock, Stamper(clock, NOW - NS))

    assert (behind.went_back(), ahead.went_back()) == (True, False)
    assert (behind.era, ahead.era) == (1, 0)
    assert behind.stamper.stamp() < NOW + NS
