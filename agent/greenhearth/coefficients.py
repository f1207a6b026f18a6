"""What one unit of a stream causes of one output, with the errors it carries."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Coefficient:
    """What one unit of a stream causes of one output, and which errors that has."""

    output: str
    value: float
    parts: tuple[tuple[str, float], ...] = ()
    """(name of a factor or parameter, signed d(value)/d(x) * u(x)): the same name is the same error."""

    @property
    def u(self) -> float:
        """Return the standard uncertainty of the value."""
        return math.hypot(*(part for _, part in self.parts))

    def times(self, factor: float) -> "Coefficient":
        """Return the coefficient per another unit of the stream."""
        return Coefficient(self.output, self.value * factor, tuple((n, p * factor) for n, p in self.parts))
