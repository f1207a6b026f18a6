"""How fast an agent's backlog drains, from its health messages and from what comes in by lane; pure."""

from collections import deque
from dataclasses import dataclass, field

from greenhearth.wire import Lane

SPAN_S = 30.0
"""Rates are means over this time of the wall: long enough for a steady figure, short enough to steer by."""
FEWEST_S = 3.0
MOST_SAMPLES = 120

Sample = tuple[float, int, int, int]
"""Monotonic seconds; items waiting; items that came live, and as backlog, since the start."""


@dataclass(slots=True)
class Backlog:
    """The waiting items of one agent over the last half minute."""

    live: int = 0
    late: int = 0
    _samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES))

    def came(self, lane: Lane, items: int = 1) -> None:
        """Count items that were stored."""
        if lane == "live":
            self.live += items
        else:
            self.late += items

    def heard(self, now: float, waiting: int) -> None:
        """Take what a health message says waits."""
        self._samples.append((now, waiting, self.live, self.late))
        while self._samples and now - self._samples[0][0] > SPAN_S:
            self._samples.popleft()

    def live_per_s(self) -> float:
        """Return items a second of the wall that came by the live lane."""
        return self._rate(2)

    def late_per_s(self) -> float:
        """Return items a second of the wall that came by the backlog lane."""
        return self._rate(3)

    def drained_per_s(self) -> float:
        """Return by how many items a second the backlog shrinks; below zero while it grows."""
        return -self._rate(1)

    def drain_s(self, waiting: int) -> float | None:
        """Return how long the backlog lasts at this rate [s]; None while it does not shrink."""
        if waiting == 0:
            return 0.0
        rate = self.drained_per_s()
        return waiting / rate if rate > 0 else None

    def _rate(self, of: int) -> float:
        if len(self._samples) < 2:
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        passed = last[0] - first[0]
        return (last[of] - first[of]) / passed if passed >= FEWEST_S else 0.0
