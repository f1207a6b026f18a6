"""How the amounts of a period spread over time: a steady line, or batch by batch.

Both are closed formulas, so that a line can be read at any time and at any speed without having
been computed in between, and what is done after a whole period is exactly the whole.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]

IDLE, CHARGE, RUN, DISCHARGE = range(4)
"""Phases of a batch, as the line controller codes them."""

PARTS = {"charge": (0.10, 0.32), "run": (0.28, 0.80), "discharge": (0.74, 0.92)}
"""Kind of stream -> where in its batch it flows. Nothing flows in the first tenth and in the last
twelfth, so that a scan every twentieth of a batch finds each batch closed."""

FIRST_BATCH = 1001
THROUGHPUT = ((0.02, 0.8), (0.01, 0.27))
"""Amplitude (relative) and length [h] of the waves in which a whole line wanders."""
RIPPLE, RIPPLE_S = 0.003, (40.0, 80.0)
"""Amplitude and length of each stream's own wave: 0.01 % of a quarter of an hour."""
BATCH_SIZES = 0.03


class Cycle(NamedTuple):
    """The last moment up to which what went in has also come out."""

    hours: float
    batches: int


class Pace(Protocol):
    """How far the streams of a line have got."""

    def done(self, h: float) -> F8:
        """Return the periods' worth of every stream [n] that has passed after `h` hours."""

    def flow(self, h: float) -> F8:
        """Return its derivative [n], per hour."""

    def batch(self, h: float) -> tuple[int, int]:
        """Return number and phase of the running batch; zeros where there are none."""

    def cycle(self, h: float) -> Cycle:
        """Return the last moment that is worth an account."""


class Steady:
    """A continuous line: one wander of throughput, and a small ripple of every stream.

    Args:
        n: number of streams.
        period_h: time of the declared amounts; all waves fit into it.
        seed: another seed, other phases.
        restless: size of the waves; 1.0 as above.
    """

    def __init__(self, n: int, period_h: float, seed: str, restless: float = 1.0) -> None:
        rng = Random(seed)
        self.period_h = period_h
        waves = [[(restless * a, _fitting(h, period_h)) for _ in range(n)] for a, h in THROUGHPUT]
        lengths = [_fitting(rng.uniform(*RIPPLE_S) / 3600.0, period_h) for _ in range(n)]
        waves.append([(restless * RIPPLE, w) for w in lengths])
        together = [[rng.uniform(0.0, math.tau)] * n for _ in THROUGHPUT]
        alone = [rng.uniform(0.0, math.tau) for _ in range(n)]
        pairs = np.array(waves, np.float64).reshape(len(waves), n, 2)
        self._a, self._w = pairs[:, :, 0], pairs[:, :, 1]
        self._phi = np.array([*together, alone], np.float64).reshape(len(waves), n)

    def done(self, h: float) -> F8:
        """Return the periods' worth of every stream [n] that has passed after `h` hours."""
        waves = self._a / self._w * (np.cos(self._phi) - np.cos(self._w * h + self._phi))
        return np.asarray((h + waves.sum(axis=0)) / self.period_h)

    def flow(self, h: float) -> F8:
        """Return its derivative [n], per hour."""
        return np.asarray((1.0 + (self._a * np.sin(self._w * h + self._phi)).sum(axis=0)) / self.period_h)

    def batch(self, h: float) -> tuple[int, int]:
        """Return zeros: there are no batches."""
        return 0, 0

    def cycle(self, h: float) -> Cycle:
        """Return now: a continuous line can be accounted for at any time."""
        return Cycle(h, 0)


def _fitting(length_h: float, period_h: float) -> float:
    """Return the angular frequency [1/h] of a wave of about this length that fits into the period."""
    return math.tau * max(1, round(period_h / length_h)) / period_h


class Batches:
    """A line of batches: charged first, energy in the middle, product at the end.

    Args:
        parts: for every stream one of `PARTS`.
        period_h: time of the declared amounts.
        number: batches of a period; they differ by a few percent in size.
    """

    def __init__(self, parts: Sequence[str], period_h: float, number: int) -> None:
        self.period_h, self.number = period_h, number
        self.length_h = period_h / number
        ends = np.array([PARTS[part] for part in parts], np.float64).reshape(len(parts), 2)
        self._first, self._width = ends[:, 0], ends[:, 1] - ends[:, 0]
        self._sizes = 1.0 + BATCH_SIZES * np.sin(math.tau * (np.arange(number) + 0.3) / number)
        if number == 1:
            self._sizes[:] = 1.0
        self._before = np.concatenate([[0.0], np.cumsum(self._sizes)])

    def _at(self, h: float) -> tuple[int, float]:
        """Return how many batches have ended, and how far the running one is (0..1)."""
        n = math.floor(h / self.length_h)
        return n, h / self.length_h - n

    def done(self, h: float) -> F8:
        """Return the periods' worth of every stream [n] that has passed after `h` hours."""
        n, u = self._at(h)
        periods, b = divmod(n, self.number)
        v = np.clip((u - self._first) / self._width, 0.0, 1.0)
        return np.asarray(
            periods + (self._before[b] + self._sizes[b] * v * v * (3.0 - 2.0 * v)) / self.number
        )

    def flow(self, h: float) -> F8:
        """Return its derivative [n], per hour."""
        n, u = self._at(h)
        v = np.clip((u - self._first) / self._width, 0.0, 1.0)
        size = self._sizes[n % self.number]
        return np.asarray(size * 6.0 * v * (1.0 - v) / (self._width * self.period_h))

    def batch(self, h: float) -> tuple[int, int]:
        """Return number and phase of the running batch."""
        n, u = self._at(h)
        phases = ((PARTS["charge"], CHARGE), (PARTS["run"], RUN), (PARTS["discharge"], DISCHARGE))
        running = [phase for (first, last), phase in phases if first <= u < last]
        return FIRST_BATCH + n, running[-1] if running else IDLE

    def cycle(self, h: float) -> Cycle:
        """Return the end of the last batch that has ended."""
        n, _ = self._at(h)
        return Cycle(n * self.length_h, n)

    def peak(self) -> float:
        """Return the largest flow of any stream, in periods' worth per hour."""
        return float((1.0 + BATCH_SIZES) * 1.5 / (self._width.min(initial=1.0) * self.period_h))
