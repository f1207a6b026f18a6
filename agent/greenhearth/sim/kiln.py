"""A rotary kiln that burns 5000 t of clinker a day with coal and an alternative fuel.

Heat: fuels x NCV = clinkering (1.76 GJ/t) + declared losses + what the kiln stores.
Mass: raw meal = clinker + CO2 of the carbonates + dust + what is inside the kiln.
"""

from random import Random
from typing import ClassVar

from greenhearth.sim.grid import Balance, GridPlant, Node, Values
from greenhearth.sim.noise import Wander

COAL_GJ_PER_T = 25.8
"""IPCC 2006 vol. 2 table 1.2, other bituminous coal, net."""
ALTERNATIVE_GJ_PER_T = 18.0
"""Refuse-derived fuel of this plant, net, as its laboratory would declare."""
CLINKERING_GJ_PER_T = 1.76
CO2_T_PER_T = 0.525
"""Process CO2 per t of clinker (IPCC 2006 default with the usual CaO content)."""
DUST_T_PER_T = 0.075
RAW_MEAL_T_PER_T = 1.0 + CO2_T_PER_T + DUST_T_PER_T
CLINKER_T_PER_H = 5000.0 / 24.0
HEAT_GJ_PER_T = 3.3
BURNING_C = 1450.0
_RESIDENCE_H = 1.0 / 3.0
_STORES_GJ_PER_K = 0.6
_LOSS_GJ_PER_H = (HEAT_GJ_PER_T - CLINKERING_GJ_PER_T) * CLINKER_T_PER_H
_LOSS_GJ_PER_H_K = 1.2
_CONTROL_GJ_PER_H_K = 2.0
_ALTERNATIVE_T_PER_H = 0.3 * HEAT_GJ_PER_T * CLINKER_T_PER_H / ALTERNATIVE_GJ_PER_T
_REACTIVE = 0.54
"""kvar per kW: a power factor of 0.88."""
DOSING, REFILLING = 1, 2
_START = [612345.0, 330101.0, 40211.25, 22010.5, 1534220.0, 958110.0]


class Kiln(GridPlant):
    """The kiln in steady operation."""

    rate_names: ClassVar[list[str]] = [
        "active_power_kw", "reactive_power_kvar", "coal_flow_t_per_h", "alternative_fuel_flow_t_per_h",
        "raw_meal_flow_t_per_h", "clinker_flow_t_per_h", "lost_heat_gj_per_h",
    ]  # fmt: skip
    counter_names: ClassVar[list[str]] = [
        "active_energy_kwh", "reactive_energy_kvarh", "coal_fed_t", "alternative_fuel_fed_t",
        "raw_meal_t", "clinker_t", "lost_heat_gj",
    ]  # fmt: skip
    gauge_names: ClassVar[list[str]] = ["burning_zone_c", "inside_c", "meal_inside_t", "voltage_v"]
    state_names: ClassVar[list[str]] = ["coal_state", "alternative_fuel_state"]

    def __init__(self, seed: int = 1, start_ns: int = 0) -> None:
        self._rng = Random(f"kiln-{seed}")
        self._meal = Wander(self._rng, 0.008, 600.0)
        self._coal = Wander(self._rng, 0.006, 60.0)
        self._alternative = Wander(self._rng, 0.03, 120.0)
        self._drive = Wander(self._rng, 60.0, 45.0)
        self._voltage = Wander(self._rng, 1.5, 90.0)
        self._meal_inside_t = RAW_MEAL_T_PER_T * CLINKER_T_PER_H * _RESIDENCE_H
        self._inside_c = BURNING_C
        self._meal_net = self._heat_net = 0.0
        self._blind_s = 0
        self._second = self._rng.randrange(720)
        self._begin(start_ns, [*_START, 0.0])
        self._first = self._left

    def _node(self) -> Node:
        self._second += 1
        meal = RAW_MEAL_T_PER_T * CLINKER_T_PER_H * (1.0 + self._meal.step())
        clinker = self._meal_inside_t / _RESIDENCE_H / RAW_MEAL_T_PER_T
        coal, alternative = self._fuels(clinker)
        lost = _LOSS_GJ_PER_H + _LOSS_GJ_PER_H_K * (self._inside_c - BURNING_C)
        fuel = coal * COAL_GJ_PER_T + alternative * ALTERNATIVE_GJ_PER_T
        self._store(meal - clinker * RAW_MEAL_T_PER_T, fuel - clinker * CLINKERING_GJ_PER_T - lost)
        power = 5950.0 + 0.25 * (meal - RAW_MEAL_T_PER_T * CLINKER_T_PER_H) + self._drive.step()
        return Node(
            [power, power * _REACTIVE, coal, alternative, meal, clinker, lost],
            [self._pyrometer_c(), self._inside_c, self._meal_inside_t, 400.0 + self._voltage.step()],
            [self._feeder_state(0), self._feeder_state(310)],
        )

    def _fuels(self, clinker_t_per_h: float) -> tuple[float, float]:
        """Return coal and alternative fuel [t/h]: coal makes up what the burning zone lacks."""
        alternative = _ALTERNATIVE_T_PER_H * (1.0 + self._alternative.step())
        wanted = HEAT_GJ_PER_T * clinker_t_per_h + _CONTROL_GJ_PER_H_K * (BURNING_C - self._inside_c)
        coal = (wanted - alternative * ALTERNATIVE_GJ_PER_T) / COAL_GJ_PER_T
        return coal * (1.0 + self._coal.step()), alternative

    def _store(self, meal_t_per_h: float, heat_gj_per_h: float) -> None:
        half_h = self.step_s / 7200.0
        self._meal_inside_t += (self._meal_net + meal_t_per_h) * half_h
        self._inside_c += (self._heat_net + heat_gj_per_h) * half_h / _STORES_GJ_PER_K
        self._meal_net, self._heat_net = meal_t_per_h, heat_gj_per_h

    def _pyrometer_c(self) -> float:
        """Return what the pyrometer sees; NaN while dust blinds it, every ten minutes or so."""
        if self._blind_s == 0 and self._rng.random() < 1.0 / 600.0:
            self._blind_s = self._rng.randint(5, 20)
        self._blind_s = max(0, self._blind_s - 1)
        return float("nan") if self._blind_s else self._inside_c + self._rng.gauss(0.0, 1.5)

    def _feeder_state(self, shift_s: int) -> int:
        return REFILLING if (self._second + shift_s) % 720 < 60 else DOSING

    def values(self) -> Values:
        """Return every value, with those that the drive's meter derives."""
        values = super().values()
        kw, kvar, volt = (float(values[n]) for n in ("active_power_kw", "reactive_power_kvar", "voltage_v"))
        kva = (kw**2 + kvar**2) ** 0.5
        values.update(
            apparent_power_kva=kva,
            power_factor=kw / kva,
            frequency_hz=50.0,
            current_a=kva * 1000.0 / (3.0 * volt),
            nothing=0.0,
        )
        return values

    def balance(self) -> list[Balance]:
        """Return the heat balance [GJ] and the mass balance [t] since the start."""
        came = self.since_start()
        clinker = came["clinker_t"]
        stored_k = self._left.gauges[1] - self._first.gauges[1]
        fuels = {
            "coal": came["coal_fed_t"] * COAL_GJ_PER_T,
            "alternative_fuel": came["alternative_fuel_fed_t"] * ALTERNATIVE_GJ_PER_T,
        }
        used = {"clinkering": clinker * CLINKERING_GJ_PER_T, "lost": came["lost_heat_gj"]}
        made = {"clinker": clinker, "co2": clinker * CO2_T_PER_T, "dust": clinker * DUST_T_PER_T}
        inside = self._left.gauges[2] - self._first.gauges[2]
        return [
            Balance("heat", "GJ", fuels, used, stored_k * _STORES_GJ_PER_K),
            Balance("mass", "t", {"raw_meal": came["raw_meal_t"]}, made, inside),
        ]
