"""Time for plants and daemons: a wall anchor plus the monotonic clock, at any speed.

``t = t_anchor + (monotonic - monotonic_anchor) x speed``. A stepped wall clock cannot
reorder readings: the real clock runs on the monotonic one until its owner sees that the wall
has gone elsewhere (`step_ns`) and follows it (`follow`). CLOCK_MONOTONIC is common to all
processes of a machine, so a simulator, an agent and a gateway that are given the same three
numbers share one clock; a shared clock never steps.
"""

import time
from dataclasses import dataclass

import msgspec

NS = 1_000_000_000

STEP_NS = NS // 2
"""What differs by less is left to NTP, which slews such differences away."""

NEVER_SET_NS = 1_262_304_000 * NS
"""2010-01-01. Boxes without a battery begin at 1970 or 2000: a date before this was never set."""

_EARLIEST_NS = 40 * 86_400 * NS
"""Dates in January 1970 are told 40 days later, so that what began hours ago also has a time above 0."""

_SURE_NS = 20_000_000
"""Two clocks that were read further apart than this cannot be compared: the machine was busy."""


@dataclass(slots=True)
class Clock:
    """A clock that is shared by passing its text."""

    t_anchor_ns: int
    monotonic_anchor_ns: int
    speed: float = 1.0
    follows: bool = False
    """Whether the wall's clock is behind it, which may be stepped."""

    @classmethod
    def real(cls) -> "Clock":
        """Anchor to the wall clock at speed 1; it can be asked whether that was stepped since."""
        return cls(_wall_ns(), time.monotonic_ns(), follows=True)

    @classmethod
    def fast(cls, speed: float, start_ns: int) -> "Clock":
        """Start at `start_ns` (Unix ns) and run `speed` times as fast as the wall."""
        return cls(start_ns, time.monotonic_ns(), speed)

    @classmethod
    def from_text(cls, text: str) -> "Clock":
        """Read what :meth:`to_text` wrote; ValueError says what is wrong with it."""
        parts = text.split(",")
        if len(parts) != 3:
            raise ValueError(f"clock {text!r}: expected 't_anchor_ns,monotonic_ns,speed'")
        return cls(int(parts[0]), int(parts[1]), float(parts[2]))

    def to_text(self) -> str:
        """Write the three numbers that make another process share this clock."""
        return f"{self.t_anchor_ns},{self.monotonic_anchor_ns},{self.speed!r}"

    def at(self, monotonic_ns: int) -> int:
        """Return the time [Unix ns] of a monotonic reading."""
        passed = monotonic_ns - self.monotonic_anchor_ns
        if self.speed == 1.0:
            return self.t_anchor_ns + passed
        return self.t_anchor_ns + round(passed * self.speed)

    def now_ns(self) -> int:
        """Return the time now [Unix ns]."""
        return self.at(time.monotonic_ns())

    def step_ns(self) -> int:
        """Return by how much the wall was stepped since it was last followed [ns]; 0: not noticeably."""
        if not self.follows:
            return 0
        before = time.monotonic_ns()
        wall = _wall_ns()
        after = time.monotonic_ns()
        step = wall - self.at(after)
        return step if after - before <= _SURE_NS and abs(step) > STEP_NS else 0

    def follow(self, step_ns: int) -> None:
        """Go on where the wall went; one attribute is written, so that other threads may read."""
        self.t_anchor_ns += step_ns

    @property
    def set(self) -> bool:
        """Whether it shows a date that somebody, or NTP, may have set."""
        return not self.follows or self.now_ns() >= NEVER_SET_NS

    def wall_s(self, clock_s: float) -> float:
        """Return how many seconds of a person's life `clock_s` of this clock last."""
        return clock_s / self.speed


class CountOfTime(msgspec.Struct):
    """Which count of time a state belongs to: one clock on one boot of the machine, and its steps."""

    boot: str = ""
    offset_ns: int = 0
    """What the clock shows minus the machine's monotonic clock."""
    epoch: int = 0
    steps_ns: int = 0
    """Sum of the clock's steps since this epoch began."""


class Stamper:
    """Strictly increasing timestamps, whatever the clock behind them does."""

    def __init__(self, clock: Clock, last_ns: int = 0) -> None:
        self.clock = clock
        self.last_ns = last_ns

    def stamp(self) -> int:
        """Return a time later than every stamp before it [Unix ns]."""
        self.last_ns = max(self.clock.now_ns(), self.last_ns + 1)
        return self.last_ns

    def restart(self) -> None:
        """Forget the stamps so far: the clock was stepped, and another count of time begins."""
        self.last_ns = self.clock.now_ns() - 1


def boot_offset_ns(clock: Clock) -> int:
    """Return what the clock shows minus the machine's monotonic clock: it changes with steps only."""
    now = time.monotonic_ns()
    return clock.at(now) - now


def _wall_ns() -> int:
    wall = time.time_ns()
    return wall if wall >= _EARLIEST_NS else _EARLIEST_NS + wall % _EARLIEST_NS
