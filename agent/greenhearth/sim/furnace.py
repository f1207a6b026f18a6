"""An electric arc furnace that makes 100 t heats of steel from scrap in about 42 minutes.

Heat balance: electrical and chemical energy in = enthalpy of the tapped steel + declared
losses. Chemical energy is that of natural gas, of injected carbon (70 % burnt to CO,
30 % to CO2) and of the iron that the rest of the oxygen burns, a part of the yield loss.
"""

from collections import deque
from random import Random
from typing import ClassVar, NamedTuple

from greenhearth.sim.grid import Balance, GridPlant, Node
from greenhearth.sim.noise import Wander

GAS_KWH_PER_NM3 = 9.97
CARBON_KWH_PER_KG = 4.52
"""0.7 x 2.55 (C to CO, 9.2 MJ/kg) + 0.3 x 9.1 (C to CO2, 32.8 MJ/kg)."""
IRON_KWH_PER_KG = 1.32
"""Fe to FeO: 266 kJ/mol over 55.85 g/mol."""
OXYGEN_PER_GAS = 2.05
OXYGEN_PER_CARBON_KG = 1.21
"""Nm3 per kg: (0.7 / 2 + 0.3) x 22.414 / 12.011."""
OXYGEN_PER_IRON_KG = 0.2007
"""Nm3 per kg: 22.414 / 2 / 55.85."""
LIQUIDUS_C, LIQUIDUS_KWH_PER_T = 1536.0, 367.4
"""Iron at its melting point: 1.323 MJ/kg above 25 degC."""
LIQUID_KWH_PER_T_K = 0.229
"""0.824 kJ/(kg K)."""
MUSHY_KWH_PER_T_K = 0.65
COOLING_KW = 2000.0
GAS_EFFICIENCY, BATH_EFFICIENCY = 0.50, 0.65
"""Shares of the burners' heat, and of the carbon's and iron's, that stay in the steel."""
GRADES = ("B500B", "S235JR", "S355J2", "C45E", "42CRMO4")
IDLE, CHARGE, BORE_IN, MELT, REFINE, TAP = range(6)
_IDLE_S, _CHARGE_S, _BORE_IN_S, _TAP_S = 60, 90, 90, 150
_RAMP_S = 10
_SLEW_KW = 13000.0
_MELTED = 0.86
"""Share of the tapping heat at which everything is liquid enough to refine."""
_START = [81234567.0, 4210033.0, 893112.0, 1254001.0, 4410220.0, 131055.0, 119876.0, 110034.0]


class Practice(NamedTuple):
    """What the furnace is asked to do in a phase; noise comes on top."""

    power_kw: float = 0.0
    gas_nm3_per_h: float = 0.0
    carbon_kg_per_h: float = 0.0
    iron_kg_per_h: float = 0.0
    lime_kg_per_h: float = 0.0


OFF = Practice()
PRACTICE = {
    BORE_IN: Practice(42000.0, 1300.0),
    MELT: Practice(65000.0, 1300.0, 1800.0, 4500.0, 7000.0),
    REFINE: Practice(47000.0, 0.0, 2600.0, 4500.0),
}


class Heat(NamedTuple):
    """One heat: what was put in and what it must become."""

    number: int
    charged_t: float
    yield_share: float
    arc_efficiency: float
    tap_c: float
    grade: str

    @property
    def steel_t(self) -> float:
        """Liquid steel that this charge yields [t]."""
        return self.charged_t * self.yield_share


class TappedHeat(NamedTuple):
    """What a finished heat was, for checking the counters against."""

    heat: Heat
    tap_c: float
    """Temperature at which it was really tapped [degC]."""


class Furnace(GridPlant):
    """The furnace; its first moment lies a few minutes before a tap."""

    rate_names: ClassVar[list[str]] = [
        "active_power_kw", "oxygen_flow_nm3_per_h", "natural_gas_flow_nm3_per_h", "injected_carbon_kg_per_h",
        "lime_kg_per_h", "electrode_kg_per_h", "charged_t_per_h", "tapped_t_per_h",
        "steel_heat_kw", "lost_heat_kw", "slag_and_dust_t_per_h",
    ]  # fmt: skip
    counter_names: ClassVar[list[str]] = [
        "active_energy_kwh", "oxygen_nm3", "natural_gas_nm3", "injected_carbon_kg",
        "lime_kg", "electrode_kg", "charged_t", "tapped_t", "steel_heat_kwh", "lost_heat_kwh",
        "slag_and_dust_t",
    ]  # fmt: skip
    gauge_names: ClassVar[list[str]] = ["bath_temperature_c", "bath_heat_kwh", "metal_inside_t"]
    state_names: ClassVar[list[str]] = ["heat_number", "phase", "status_bits", "grade_text"]

    def __init__(self, seed: int = 1, start_ns: int = 0) -> None:
        self._rng = Random(f"furnace-{seed}")
        self._arc = Wander(self._rng, 1600.0, 12.0)
        self._oxygen = Wander(self._rng, 0.02, 30.0)
        self._power_kw = self._bath_kwh = self._metal_t = 0.0
        self._before = (0.0, 0.0)
        self._heat = self._charge(48211 + seed % 1000)
        self._enter(CHARGE)
        self.tapped: deque[TappedHeat] = deque(maxlen=64)
        while not (self._phase == REFINE and self._age_s >= 150):
            self._node()
        self._begin(start_ns, [*_START, 0.0, 0.0, 0.0])
        self._first = self._left

    def _charge(self, number: int) -> Heat:
        draw = self._rng.uniform
        return Heat(
            number=number,
            charged_t=draw(107.5, 109.9),
            yield_share=draw(0.917, 0.926),
            arc_efficiency=draw(0.790, 0.812),
            tap_c=draw(1612.0, 1628.0),
            grade=self._rng.choice(GRADES),
        )

    def _enter(self, phase: int) -> None:
        self._phase, self._age_s = phase, 0

    def _node(self) -> Node:
        self._age_s += 1
        self._next_phase()
        flows = self._flows()
        into_kw, lost_kw = self._heats(flows)
        out_kw = flows[7] * self._tap_kwh_per_t() if self._phase == TAP else 0.0
        slag_t = flows[6] * (1.0 - self._heat.yield_share)
        self._store(into_kw - out_kw, flows[6] - slag_t - flows[7])
        status = int(self._power_kw > 0) + 2 * (self._phase == CHARGE)
        return Node(
            [*flows, out_kw, lost_kw, slag_t],
            [self._lance_c(), self._bath_kwh, self._metal_t],
            [self._heat.number, self._phase, status, self._heat.grade],
        )

    def _next_phase(self) -> None:
        age, done = self._age_s, self._bath_kwh / (self._heat.steel_t * steel_kwh_per_t(self._heat.tap_c))
        self._ready = self._phase == REFINE and done >= 1.0
        if self._phase == IDLE and age >= _IDLE_S:
            self._heat = self._charge(self._heat.number + 1)
            self._enter(CHARGE)
        elif self._phase == CHARGE and age >= _CHARGE_S:
            self._enter(BORE_IN)
        elif self._phase == BORE_IN and age >= _BORE_IN_S:
            self._enter(MELT)
        elif self._phase == MELT and done >= _MELTED:
            self._enter(REFINE)
        elif self._ready and self._power_kw == 0.0:
            self.tapped.append(TappedHeat(self._heat, steel_c(self._bath_kwh / self._metal_t)))
            self._enter(TAP)
        elif self._phase == TAP and age >= _TAP_S:
            self._enter(IDLE)

    def _flows(self) -> list[float]:
        """Return the first eight rates, in the order of `rate_names`."""
        asked = OFF if self._ready else PRACTICE.get(self._phase, OFF)
        self._slew(asked.power_kw + self._arc.step() if asked.power_kw else 0.0)
        oxygen = (
            asked.gas_nm3_per_h * OXYGEN_PER_GAS
            + asked.carbon_kg_per_h * OXYGEN_PER_CARBON_KG
            + asked.iron_kg_per_h * OXYGEN_PER_IRON_KG
        ) * (1.0 + self._oxygen.step())
        electrode_kg = self._power_kw * 0.0034
        charged = _pour(self._heat.charged_t, self._age_s, _CHARGE_S) if self._phase == CHARGE else 0.0
        tapped = _pour(self._heat.steel_t, self._age_s, _TAP_S) if self._phase == TAP else 0.0
        return [
            self._power_kw, oxygen, asked.gas_nm3_per_h, asked.carbon_kg_per_h,
            asked.lime_kg_per_h, electrode_kg, charged, tapped,
        ]  # fmt: skip

    def _slew(self, target_kw: float) -> None:
        step = min(_SLEW_KW, max(-_SLEW_KW, target_kw - self._power_kw))
        self._power_kw = max(0.0, self._power_kw + step)

    def _heats(self, flows: list[float]) -> tuple[float, float]:
        """Return the heat that goes into the steel and the heat that is lost [kW]."""
        power, oxygen, gas, carbon = flows[:4]
        burners = gas * GAS_KWH_PER_NM3
        bath = carbon * CARBON_KWH_PER_KG + iron_kg(oxygen, gas, carbon) * IRON_KWH_PER_KG
        cooling = COOLING_KW if power else 0.0
        into = power * self._heat.arc_efficiency + burners * GAS_EFFICIENCY + bath * BATH_EFFICIENCY - cooling
        return into, power + burners + bath - into

    def _store(self, heat_kw: float, metal_t_per_h: float) -> None:
        self._bath_kwh += (self._before[0] + heat_kw) * self.step_s / 7200.0
        self._metal_t += (self._before[1] + metal_t_per_h) * self.step_s / 7200.0
        self._before = (heat_kw, metal_t_per_h)

    def _tap_kwh_per_t(self) -> float:
        """Return the heat in a tonne of the steel that is being tapped: all of it equally hot."""
        return steel_kwh_per_t(self.tapped[-1].tap_c)

    def _lance_c(self) -> float:
        """Return what the lance reads; NaN while none is in."""
        dipped = self._phase == REFINE and self._age_s % 120 >= 95
        return steel_c(self._bath_kwh / self._metal_t) if dipped else float("nan")

    def balance(self) -> list[Balance]:
        """Return the heat balance [kWh] and the metal balance [t] since the start."""
        came = self.since_start()
        iron = iron_kg(came["oxygen_nm3"], came["natural_gas_nm3"], came["injected_carbon_kg"])
        stored = [b - a for a, b in zip(self._first.gauges, self._left.gauges, strict=True)]
        heat_in = {
            "electricity": came["active_energy_kwh"],
            "natural_gas": came["natural_gas_nm3"] * GAS_KWH_PER_NM3,
            "carbon": came["injected_carbon_kg"] * CARBON_KWH_PER_KG,
            "iron": iron * IRON_KWH_PER_KG,
        }
        heat_out = {"steel": came["steel_heat_kwh"], "lost": came["lost_heat_kwh"]}
        metal_out = {"steel": came["tapped_t"], "slag_and_dust": came["slag_and_dust_t"]}
        return [
            Balance("heat", "kWh", heat_in, heat_out, stored[1]),
            Balance("metal", "t", {"scrap": came["charged_t"]}, metal_out, stored[2]),
        ]


def steel_kwh_per_t(bath_c: float) -> float:
    """Return the enthalpy of liquid steel above 25 degC [kWh/t]."""
    slope = LIQUID_KWH_PER_T_K if bath_c >= LIQUIDUS_C else MUSHY_KWH_PER_T_K
    return LIQUIDUS_KWH_PER_T + (bath_c - LIQUIDUS_C) * slope


def steel_c(kwh_per_t: float) -> float:
    """Return the temperature of steel with this enthalpy [degC]."""
    slope = LIQUID_KWH_PER_T_K if kwh_per_t >= LIQUIDUS_KWH_PER_T else MUSHY_KWH_PER_T_K
    return LIQUIDUS_C + (kwh_per_t - LIQUIDUS_KWH_PER_T) / slope


def iron_kg(oxygen_nm3: float, gas_nm3: float, carbon_kg: float) -> float:
    """Return the iron burnt by the oxygen that gas and carbon leave over [kg]."""
    rest = oxygen_nm3 - gas_nm3 * OXYGEN_PER_GAS - carbon_kg * OXYGEN_PER_CARBON_KG
    return rest / OXYGEN_PER_IRON_KG


def _pour(total_t: float, age_s: int, length_s: int) -> float:
    """Return the rate [t/h] that pours exactly `total_t` in `length_s`, with ramps at both ends."""
    peak = total_t / (length_s - _RAMP_S) * 3600.0
    return peak * min(1.0, age_s / _RAMP_S, (length_s - age_s) / _RAMP_S)
