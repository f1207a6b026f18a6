"""A potline that makes what a case declares: the case's derived streams come out of its cells.

The charge through the cells (``cell_kah``) gives the current and the number of cells; minutes of
anode effect (``ae_product``, ``ae_minutes`` or ``ae_overvoltage_product``) give effects, equally
many every hour and each on another cell.
"""

import math
from typing import NamedTuple

import numpy as np

from greenhearth.sim.case_plant import CaseLine, Made, pace_of
from greenhearth.sim.cases import LineCase
from greenhearth.sim.grid import Values
from greenhearth.sim.pace import F8

MOST_CELLS = 300
USUAL_KA = 400.0
"""Current of a modern cell: sets how many cells carry a case's charge. Assumption."""
AL_T_PER_KAH = 26.9815385 / (3.0 * 96485.33212) * 3.6
"""Faraday's law for Al(3+)."""
RECTIFIERS = 0.98
EFFECT_V = 30.0
"""Voltage of a cell in anode effect, unless the case's overvoltage says otherwise."""
EFFECT_MIN = 2.0
"""Usual length of an anode effect; the real one follows from the case's minutes."""
RESTLESS = 0.05
"""A line's current wanders by 0.1 %: anode effects are counted in metal made meanwhile."""


class Effects(NamedTuple):
    """Anode effects of one hour."""

    number: int
    minutes: float
    """Of each."""
    volts: float


class CasePotline(CaseLine):
    """One potline case as a plant."""

    def __init__(self, line: LineCase, blank: Values, seed: int = 1, start_ns: int = 0) -> None:
        super().__init__(line, blank, seed, start_ns)
        self.pace = pace_of(line, seed, RESTLESS)
        charge = line.stream("cell_kah")
        if charge is None:
            why = "is missing: a potline's case declares the charge through its cells"
            raise line.case.document.error("quantity.cell_kah", why)
        self._charge_at = line.streams.index(charge)
        self._kah = charge.declared * charge.scale
        self.cells = min(MOST_CELLS, max(1, round(self._kah / line.period_h / USUAL_KA)))
        self.slot_h = line.period_h / max(1, round(line.period_h))
        self.effects = self._effects()
        self._usual_v = self._usual_volts()
        self._names = [f"cell_voltage_v_{n:03d}" for n in range(1, self.cells + 1)]
        self._numbers = np.arange(self.cells)

    def values(self) -> Values:
        """Return every value of the line controller by name."""
        values = super().values()
        current = self._kah / self.cells * float(self.pace.flow(self.hours)[self._charge_at])
        values[self.line.channels["line_current"]] = current
        values.update(zip(self._names, self._volts(self.hours).tolist(), strict=True))
        return values

    def made(self) -> Made:
        """Return what has been made in whole hours: every hour has the same anode effects."""
        slots = math.floor(self.hours / self.slot_h + 1e-9)
        return Made(slots * self.slot_h, 0, self.amounts(self.pace.done(slots * self.slot_h)))

    def _amount(self, role: str) -> float | None:
        stream = self.line.stream(role)
        return stream.declared * stream.scale if stream else None

    def _effects(self) -> Effects:
        """Return the anode effects of one hour that add up to what the case declares."""
        line = self.line
        ka = self._kah / self.cells / line.period_h
        t_per_day = 24.0 * AL_T_PER_KAH * ka * line.parameter("current_efficiency", 1.0)
        normal = line.parameter("normal_cell_voltage_v", 0.0)
        product, over = self._amount("ae_product"), self._amount("ae_overvoltage_product")
        minutes = self._amount("ae_minutes") or (product / t_per_day if product else 0.0)
        volts = EFFECT_V
        if over and minutes:
            volts = normal + over / 1000.0 / t_per_day / (minutes / 1440.0)
        elif over:
            minutes = 1440.0 * over / 1000.0 / t_per_day / (volts - normal)
        hourly = minutes * self.slot_h / line.period_h
        number = max(1, round(hourly / EFFECT_MIN)) if hourly else 0
        return Effects(number, hourly / max(1, number), volts)

    def _usual_volts(self) -> float:
        energy = self._amount("ac_energy")
        volts = RECTIFIERS * energy / self._kah if energy and self._kah else 4.2
        return min(max(volts, 3.0), 6.0)

    def _volts(self, h: float) -> F8:
        """Return the voltage of every cell [V]."""
        n = self._numbers
        volts = self._usual_v + 0.05 * np.sin(2.4 * n) + 0.02 * np.sin(math.tau * 60.0 * h + n)
        volts[self.in_effect(h)] = self.effects.volts
        return np.asarray(volts)

    def in_effect(self, h: float) -> list[int]:
        """Return the cells that are in anode effect, counted from 0."""
        slot = math.floor(h / self.slot_h)
        found = []
        for k in range(self.effects.number):
            length = self.effects.minutes / 60.0
            begins = (slot + 0.2 + 0.7 * k / self.effects.number) * self.slot_h
            if begins <= h < begins + length:
                found.append((37 * (slot * self.effects.number + k)) % self.cells)
        return found
