"""A plant on the shared clock, and the values that somebody has forced on it."""

from typing import Protocol

from greenhearth.clock import Clock
from greenhearth.sim.grid import Values
from greenhearth.strict import nearest_name


class Plant(Protocol):
    """What a controller needs of a plant (or of a replayed file)."""

    def advance(self, t_ns: int) -> None:
        """Move on to a time [Unix ns]."""

    def values(self) -> Values:
        """Return every value by name."""


class Live:
    """A plant as its controllers see it: now, with forced values on top."""

    def __init__(self, name: str, plant: Plant, clock: Clock) -> None:
        self.name = name
        self.plant = plant
        self.clock = clock
        self.forced: Values = {}

    def read(self) -> Values:
        """Return every value as it is now."""
        self.advance()
        return self.plant.values() | self.forced

    def advance(self) -> None:
        """Let the plant catch up with the clock."""
        self.plant.advance(self.clock.now_ns())

    def force(self, value: str, to: str) -> None:
        """Show `to` from the next read on, whatever the plant does; LookupError, ValueError."""
        now = self.plant.values().get(value)
        if now is None:
            near = nearest_name(value, self.plant.values())
            hint = f"; did you mean '{near}'?" if near else ""
            raise LookupError(f"{self.name} has no value '{value}'{hint}")
        self.forced[value] = to if isinstance(now, str) else float(to)
