"""A line of 240 aluminium cells at 400 kA, with restless voltages and anode effects.

Metal follows Faraday's law with a current efficiency of 0.94; the rectifiers' AC power is
the line's DC power over their efficiency of 0.98.
"""

from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from greenhearth.sim.grid import Balance, GridPlant, Node
from greenhearth.sim.noise import Wander

CELLS = 240
OUT_OF_CIRCUIT = 3
LINE_KA = 400.0
CELL_V = 4.15
CURRENT_EFFICIENCY = 0.94
RECTIFIER_EFFICIENCY = 0.98
KG_PER_KAH = 26.9815385 / (3.0 * 96485.33212) * 3600.0
"""Faraday's law for Al(3+): 0.33557 kg per kAh and cell."""
ANODE_EFFECTS_PER_POT_DAY = 0.3
_TAP_LAG_H = 1.0
_NOISE_V, _NOISE_TAU_S = 0.025, 40.0
_CELL_NAMES = [f"cell_voltage_v_{n:03d}" for n in range(1, CELLS + 1)]
_START = [912345678.0, 68421.5]


class Potline(GridPlant):
    """The line in normal operation."""

    rate_names: ClassVar[list[str]] = [
        "ac_power_kw", "metal_tapped_t_per_h", "metal_made_t_per_h", "dc_power_kw", "charge_kah_per_h",
    ]  # fmt: skip
    counter_names: ClassVar[list[str]] = [
        "ac_energy_kwh", "metal_tapped_t", "metal_made_t", "dc_energy_kwh", "charge_kah",
    ]  # fmt: skip
    gauge_names: ClassVar[list[str]] = ["line_current_ka", "line_voltage_v", "metal_inside_t", *_CELL_NAMES]
    state_names: ClassVar[list[str]] = ["anode_effects"]

    def __init__(self, seed: int = 1, start_ns: int = 0) -> None:
        rng = Random(f"potline-{seed}")
        self._many = np.random.default_rng(rng.randrange(1 << 32))
        self._current = Wander(rng, 0.6, 60.0)
        self._crews = Wander(rng, 0.02, 300.0)
        self._in_circuit = np.ones(CELLS, dtype=bool)
        self._in_circuit[rng.sample(range(CELLS), OUT_OF_CIRCUIT)] = False
        self._usual_v = CELL_V + 0.05 * self._many.standard_normal(CELLS)
        self._noise_v = _NOISE_V * self._many.standard_normal(CELLS)
        self._effect_v = np.zeros(CELLS)
        self._effect_s = np.zeros(CELLS, dtype=np.int64)
        self.cells = CELLS - OUT_OF_CIRCUIT
        self._pad_t_per_h = self.cells * LINE_KA * KG_PER_KAH * CURRENT_EFFICIENCY / 1000.0
        self._metal_inside_t = self._metal_net = 0.0
        self._effects = 1042
        self._begin(start_ns, [*_START, 0.0, 0.0, 0.0])
        self._first = self._left

    def _node(self) -> Node:
        current = LINE_KA + self._current.step()
        cells_v = self._cells_v()
        line_v = float(np.nansum(cells_v))
        dc_kw = current * line_v
        made = self.cells * current * KG_PER_KAH * CURRENT_EFFICIENCY / 1000.0
        tapped = self._tapped_t_per_h(made)
        self._metal_inside_t += (self._metal_net + made - tapped) * self.step_s / 7200.0
        self._metal_net = made - tapped
        return Node(
            [dc_kw / RECTIFIER_EFFICIENCY, tapped, made, dc_kw, current],
            [current, line_v, self._metal_inside_t, *cells_v.tolist()],
            [self._effects],
        )

    def _tapped_t_per_h(self, made_t_per_h: float) -> float:
        """Return what the crews, who go from cell to cell, draw: the mean of the last hour or so."""
        self._pad_t_per_h += (made_t_per_h - self._pad_t_per_h) * self.step_s / 3600.0 / _TAP_LAG_H
        return self._pad_t_per_h * (1.0 + self._crews.step())

    def _cells_v(self) -> NDArray[np.float64]:
        """Return the voltage of every cell [V]; NaN for those out of circuit."""
        keep = np.exp(-self.step_s / _NOISE_TAU_S)
        kick = _NOISE_V * (1.0 - keep**2) ** 0.5
        self._noise_v = keep * self._noise_v + kick * self._many.standard_normal(CELLS)
        self._anode_effects()
        cells_v = self._usual_v + self._noise_v
        cells_v = np.where(self._effect_s > 0, self._effect_v + 20.0 * self._noise_v, cells_v)
        return np.where(self._in_circuit, cells_v, np.nan)

    def _anode_effects(self) -> None:
        """Let a few cells begin an anode effect of 25..35 V for one to three minutes."""
        self._effect_s = np.maximum(self._effect_s - 1, 0)
        chance = ANODE_EFFECTS_PER_POT_DAY / 86400.0 * self.step_s
        struck = (self._many.random(CELLS) < chance) & self._in_circuit & (self._effect_s == 0)
        n = int(struck.sum())
        if n:
            self._effects += n
            self._effect_s[struck] = self._many.integers(60, 181, n)
            self._effect_v[struck] = self._many.uniform(26.0, 34.0, n)

    def balance(self) -> list[Balance]:
        """Return the metal balance [t], by Faraday, and the electrical balance [kWh]."""
        came = self.since_start()
        faraday_t = came["charge_kah"] * self.cells * KG_PER_KAH * CURRENT_EFFICIENCY / 1000.0
        inside = self._left.gauges[2] - self._first.gauges[2]
        lost = came["ac_energy_kwh"] * (1.0 - RECTIFIER_EFFICIENCY)
        return [
            Balance("metal", "t", {"faraday": faraday_t}, {"tapped": came["metal_tapped_t"]}, inside),
            Balance(
                "electricity", "kWh", {"ac": came["ac_energy_kwh"]},
                {"dc": came["dc_energy_kwh"], "rectifiers": lost}, 0.0,
            ),
        ]  # fmt: skip
