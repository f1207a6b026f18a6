"""A line that makes what a case declares, behind a line controller.

Every counter rises by exactly the declared amount in a period; how within it, `pace` says.
"""

from dataclasses import dataclass

import numpy as np

from greenhearth.sim.cases import LineCase, Stream
from greenhearth.sim.grid import Values
from greenhearth.sim.pace import F8, Batches, Pace, Steady

NS_PER_H = 3.6e12
START_PERIODS = 7.3
"""Where counters stand at the start: what so many periods make."""


@dataclass(frozen=True)
class Made:
    """What a line has really made since the start of the simulation, up to the end of a cycle."""

    hours: float
    batches: int
    """Whole batches; 0 on a line without."""
    amounts: dict[str, tuple[float, str]]
    """Role or derived stream -> amount and unit, as the case declares them."""


class CaseLine:
    """One case as a plant; time only goes forward."""

    def __init__(self, line: LineCase, blank: Values, seed: int = 1, start_ns: int = 0) -> None:
        self.line = line
        self.pace = pace_of(line, seed)
        self._start_ns = self._t_ns = start_ns
        self._blank = blank
        self._shown = [(k, one) for k, one in enumerate(line.streams) if one.channel]

    def advance(self, t_ns: int) -> None:
        """Move on to a time [Unix ns]."""
        self._t_ns = max(self._t_ns, t_ns)

    @property
    def hours(self) -> float:
        """Time since the start [h]."""
        return (self._t_ns - self._start_ns) / NS_PER_H

    def values(self) -> Values:
        """Return every value of the line controller by name; NaN where nothing is connected."""
        h = self.hours
        done, flow = self.pace.done(h) + START_PERIODS, self.pace.flow(h)
        values = dict(self._blank)
        values["batch_number"], values["phase"] = self.pace.batch(h)
        for k, one in self._shown:
            amount = one.declared * one.scale
            values[one.channel] = float(amount * (flow[k] if one.is_rate else done[k]))
            if one.rate_channel:
                values[one.rate_channel] = float(one.declared * one.rate_scale * flow[k])
        return values

    def made(self) -> Made:
        """Return what has been made up to the end of the last cycle."""
        cycle = self.pace.cycle(self.hours)
        amounts = self.amounts(self.pace.done(cycle.hours))
        return Made(cycle.hours, cycle.batches, amounts)

    def amounts(self, done: F8) -> dict[str, tuple[float, str]]:
        """Return the amounts of so many periods [n]."""
        pairs = zip(self.line.streams, np.asarray(done).tolist(), strict=True)
        return {one.role: (one.declared * share, one.unit) for one, share in pairs}


def pace_of(line: LineCase, seed: int, restless: float = 1.0) -> Pace:
    """Return how a line's amounts spread over time."""
    if line.batches:
        return Batches([one.part for one in line.streams], line.period_h, line.batches)
    return Steady(len(line.streams), line.period_h, f"{line.name}-{seed}", restless)


def peak_per_h(line: LineCase, stream: Stream) -> float:
    """Return the most that a stream's channel rises in an hour, with room for a surprise."""
    mean = stream.declared * stream.scale / line.period_h
    if not line.batches:
        return 2.0 * mean
    pace = Batches([stream.part], line.period_h, line.batches)
    return 2.0 * stream.declared * stream.scale * pace.peak()
