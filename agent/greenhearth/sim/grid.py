"""A plant on a fixed time grid: rates are straight lines between nodes, counters their exact integrals.

Because the counter is the analytical integral of the very line that a reader samples, no
choice of reading times can make the two disagree by more than the reader's own error.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from greenhearth.clock import NS

Values = dict[str, float | str]
"""A plant's values by name, in the units of the names; NaN: there is no value now."""


class Node(NamedTuple):
    """The plant at one moment of the grid."""

    rates: Sequence[float]
    """Per hour; each has a counter."""
    gauges: Sequence[float]
    """Read along a straight line between nodes; no counter."""
    states: Sequence[float | str]
    """Hold from their node to the next."""


class Balance(NamedTuple):
    """What went in and what came out since the start, in one unit."""

    name: str
    unit: str
    put_in: dict[str, float]
    came_out: dict[str, float]
    stored: float
    """Increase of what is inside."""

    def gap(self) -> float:
        """Return (in - out - stored) / in: 0 when the balance closes."""
        total = sum(self.put_in.values())
        return (total - sum(self.came_out.values()) - self.stored) / total if total else 0.0


class GridPlant(ABC):
    """A plant that moves in steps of `step_s` and can be read at any time.

    Not safe for threads; time only goes forward (an earlier time reads as the latest).
    """

    rate_names: ClassVar[list[str]]
    counter_names: ClassVar[list[str]]
    gauge_names: ClassVar[list[str]]
    state_names: ClassVar[list[str]]
    step_s: ClassVar[float] = 1.0

    def _begin(self, start_ns: int, counters: Sequence[float]) -> None:
        """Put the first two nodes on the grid; `counters` are the readings at the start."""
        self._left, self._right = self._node(), self._node()
        self._step_ns = round(self.step_s * NS)
        self._left_ns = start_ns
        self.t_ns = start_ns
        self._start = list(counters)
        self._totals = [0.0] * len(self._start)

    @abstractmethod
    def _node(self) -> Node:
        """Move the physics on by one step and return the plant as it is then."""

    @abstractmethod
    def balance(self) -> list[Balance]:
        """Return the mass and heat balances since the start, at the last grid node."""

    def advance(self, t_ns: int) -> None:
        """Move on to a time [Unix ns]; cheap when called often, linear in the time passed."""
        while t_ns >= self._left_ns + self._step_ns:
            self._roll()
        self.t_ns = max(self.t_ns, t_ns)

    def _roll(self) -> None:
        half_h = self.step_s / 7200.0
        pairs = zip(self._totals, self._left.rates, self._right.rates, strict=True)
        self._totals = [total + (a + b) * half_h for total, a, b in pairs]
        self._left = self._right
        self._left_ns += self._step_ns
        self._right = self._node()

    def values(self) -> Values:
        """Return every value at the time advanced to."""
        share = (self.t_ns - self._left_ns) / self._step_ns
        values: Values = dict(zip(self.state_names, self._left.states, strict=True))
        values.update(
            zip(self.gauge_names, _between(self._left.gauges, self._right.gauges, share), strict=True)
        )
        values.update(zip(self.rate_names, _between(self._left.rates, self._right.rates, share), strict=True))
        values.update(zip(self.counter_names, self._counted(share), strict=True))
        return values

    def _counted(self, share: float) -> list[float]:
        hours = share * self.step_s / 3600.0
        return [
            start + total + (a + (b - a) * share / 2.0) * hours
            for start, total, a, b in zip(
                self._start, self._totals, self._left.rates, self._right.rates, strict=True
            )
        ]

    def since_start(self) -> dict[str, float]:
        """Return every counter's rise since the start, at the last grid node."""
        return dict(zip(self.counter_names, self._totals, strict=True))


def _between(a: Sequence[float], b: Sequence[float], share: float) -> list[float]:
    return [x + (y - x) * share for x, y in zip(a, b, strict=True)]
