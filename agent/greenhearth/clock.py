"""Time for plants and daemons: a wall anchor plus the monotonic clock, at any speed.

``t = t_anchor + (monotonic - monotonic_anchor) x speed``. A stepped wall clock cannot
reorder readings. CLOCK_MONOTONIC is common to all processes of a machine, so a
simulator, an agent and a gateway that are given the same three numbers share one clock.
"""

import time
from dataclasses import dataclass

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that is shared by passing its text."""

    t_anchor_ns: int
    monotonic_anchor_ns: int
    speed: float = 1.0

    @classmethod
    def real(cls) -> "Clock":
        """Anchor to the wall clock, once, at speed 1."""
        return cls(time.time_ns(), time.monotonic_ns())

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

    def wall_s(self, clock_s: float) -> float:
        """Return how many seconds of a person's life `clock_s` of this clock last."""
        return clock_s / self.speed


class Stamper:
    """Strictly increasing timestamps, whatever the clock behind them does."""

    def __init__(self, clock: Clock, last_ns: int = 0) -> None:
        self.clock = clock
        self.last_ns = last_ns

    def stamp(self) -> int:
        """Return a time later than every stamp before it [Unix ns]."""
        self.last_ns = max(self.clock.now_ns(), self.last_ns + 1)
        return self.last_ns
