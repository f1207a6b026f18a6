"""Noise with a memory, so that a plant is restless but smooth from second to second."""

import math
from random import Random


class Wander:
    """An Ornstein-Uhlenbeck process around zero.

    Args:
        rng: source of randomness; the same seed gives the same path.
        sigma: standard deviation of the process [unit of the quantity].
        tau_s: correlation time [s].
        step_s: time between two calls of :meth:`step` [s].
    """

    def __init__(self, rng: Random, sigma: float, tau_s: float, step_s: float = 1.0) -> None:
        self._rng = rng
        self._keep = math.exp(-step_s / tau_s)
        self._kick = sigma * math.sqrt(1.0 - self._keep**2)
        self.value = rng.gauss(0.0, sigma)

    def step(self) -> float:
        """Move on by one step and return the value."""
        self.value = self._keep * self.value + self._kick * self._rng.gauss(0.0, 1.0)
        return self.value
