"""What a long row of samples says: Theil-Sen slopes with a bound, drift, and what stayed the same. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]

DISCARDED = 0.25
"""Of every run, from its begin: caches fill, arenas grow to their size."""
BINS = 120
"""Medians of this many equal stretches stand for the samples: what flickers within one is no growth."""
BLOCKS = 10
"""The bootstrap moves tenths of a run as a whole: memory grows in steps, neighbours are alike."""
ROUNDS = 1000


@dataclass(frozen=True)
class Slope:
    """A slope with the bounds between which it lies with 95 %."""

    estimate: float
    low: float
    high: float


def settled(t: Sequence[float], *rows: Sequence[float]) -> tuple[F8, ...]:
    """Return times and values without the first quarter of the run."""
    times = np.asarray(t, float)
    keep = times >= times[0] + DISCARDED * (times[-1] - times[0])
    return tuple(np.asarray(row, float)[keep] for row in (times, *rows))


def binned(t: F8, y: F8, bins: int = BINS) -> tuple[F8, F8]:
    """Return the medians of equal stretches of time; a stretch without samples is left out."""
    edges = np.linspace(t[0], t[-1], bins + 1)[1:-1]
    number = np.searchsorted(edges, t, side="right")
    full = np.unique(number)
    return (
        np.array([np.median(t[number == n]) for n in full]),
        np.array([np.median(y[number == n]) for n in full]),
    )


def theil_sen(t: F8, y: F8) -> float:
    """Return the median of the slopes between all pairs of points."""
    first, second = np.triu_indices(len(t), 1)
    return float(np.median((y[second] - y[first]) / (t[second] - t[first])))


def slope(t: Sequence[float], y: Sequence[float], seed: int, bins: int = BINS) -> Slope:
    """Return the slope of y [unit] over t [s] in units per second, with a bootstrap by blocks."""
    times, values = binned(*settled(t, y), bins)
    estimate = theil_sen(times, values)
    line = estimate * (times - times[0]) + float(np.median(values - estimate * (times - times[0])))
    rest, n = values - line, len(values)
    dice, length = np.random.default_rng(seed), max(1, n // BLOCKS)
    begins = dice.integers(0, n - length + 1, (ROUNDS, -(-n // length)))
    found = np.sort([theil_sen(times, line + _blocks(rest, row, length)) for row in begins])
    return Slope(estimate, float(found[int(0.025 * ROUNDS)]), float(found[int(0.975 * ROUNDS)]))


def _blocks(rest: F8, begins: NDArray[np.int64], length: int) -> F8:
    return np.concatenate([rest[begin : begin + length] for begin in begins])[: len(rest)]


def share(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of all values do not exceed (nearest rank); NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def drift(t: Sequence[float], y: Sequence[float], part: float, stretches: int = 18) -> float:
    """Return by which share the `part` quantile of y has risen from the begin to the end of what counts."""
    times, values = settled(t, y)
    number = np.minimum((times - times[0]) / (times[-1] - times[0]) * stretches, stretches - 1).astype(int)
    quantiles = np.array([share(values[number == n].tolist(), part) for n in range(stretches)])
    whole = np.isfinite(quantiles)
    at = np.arange(stretches, dtype=float)[whole]
    return theil_sen(at, quantiles[whole]) * stretches / float(np.median(quantiles[whole]))


@dataclass(frozen=True)
class Constancy:
    """Of a count such as open files: what it was in the first and in the last third, and its peak."""

    first: float
    last: float
    peak: float

    @property
    def holds(self) -> bool:
        """Whether it ended no higher than it began, and rose only for moments and by a handful."""
        return self.last <= self.first and self.peak <= self.first + 10


def constancy(t: Sequence[float], y: Sequence[float]) -> Constancy:
    """Look whether a count stays what it is after the first quarter of a run."""
    _, values = settled(t, y)
    third = max(1, len(values) // 3)
    return Constancy(float(np.median(values[:third])), float(np.median(values[-third:])), float(values.max()))
