"""What a daemon tells of itself in numbers: families of samples, and a histogram of durations.

Names follow the conventions of Prometheus: base units, ``_total`` for what only grows.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of durations: an fsync takes 0.1 to 10 ms on a sound disk, seconds on a dying one."""


@dataclass(slots=True)
class Durations:
    """How often something took how long; one thread observes, any may read."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[int]:
        """Return how many took at most each bound, and last how many there were."""
        total, found = 0, []
        for count in self.counts:
            total += count
            found.append(total)
        return found


@dataclass(frozen=True, slots=True)
class Sample:
    """One value under its labels."""

    labels: Mapping[str, str]
    value: float | Durations


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name; they bear the same labels."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    samples: tuple[Sample, ...]


def counter(name: str, text: str, value: float, **labels: str) -> Family:
    """Return what only grows as a family of one sample."""
    return Family(name, text, "counter", (Sample(labels, value),))


def gauge(name: str, text: str, value: float | None, **labels: str) -> Family:
    """Return what rises and falls as a family of one sample; without a value it has none."""
    return Family(name, text, "gauge", (Sample(labels, value),) if value is not None else ())


def histogram(name: str, text: str, value: Durations) -> Family:
    """Return durations as a family."""
    return Family(name, text, "histogram", (Sample({}, value),))


def table(kind: Literal["counter", "gauge"], name: str, text: str, samples: list[Sample]) -> Family:
    """Return a family of many samples; call with no samples where there are none yet."""
    return Family(name, text, kind, tuple(samples))
