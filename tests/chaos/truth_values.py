"""What the truth PLC shows at its k-th served read: pure, so that every stored value can be held against it.

Nothing here depends on time. A heat lasts HEAT_READS reads; in its first REST_FIRST and its last REST_LAST
all counters rest, so that reads that a kill loses cannot move an amount from one heat to the next: what
rose before the number changed belongs to the heat that ends, even if nobody saw it rise.
All amounts are exact in binary: sums of them have no rounding, and a total is right or wrong.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

HEAT_READS = 120
REST_FIRST, REST_LAST = 40, 8
"""A kill may lose what was read and not yet on the disk: some 10 reads, 40 if a machine stops for 1 s."""
WORKED_READS = HEAT_READS - REST_FIRST - REST_LAST
FIRST_HEAT = 1000
DIVISION_T = 0.125
"""What one step of the product counter weighs [t]."""
CHECKS = 12
"""Check words: hashes of (device, word, k) that no other read shows."""
REGISTERS = 24 + 2 * CHECKS

KG_CO2_PER_KWH = 0.5306
KG_CO2_PER_NM3 = 36.21e-3 * 56.1
"""Natural gas: GJ/Nm3 x kg/GJ."""


def digest(device: int, what: int, number: int) -> int:
    """Return 32 bits that look random and depend on nothing else."""
    return zlib.crc32(struct.pack(">IIQ", device, what, number)) ^ (number * 0x9E3779B1 & 0xFFFFFFFF)


@dataclass(frozen=True)
class HeatTotals:
    """What one whole heat takes and makes."""

    electricity_kwh: int
    gas_nm3: int
    product_t: float

    @property
    def co2_kg(self) -> float:
        """Direct and electricity."""
        return self.electricity_kwh * KG_CO2_PER_KWH + self.gas_nm3 * KG_CO2_PER_NM3


def steps_of(device: int, heat: int) -> tuple[int, int, int]:
    """Return what a heat's counters rise by in each worked read: kWh, Nm3, divisions of product."""
    return 40 + digest(device, 1, heat) % 20, 3 + digest(device, 2, heat) % 5, 2 + digest(device, 3, heat) % 3


def heat_totals(device: int, heat: int) -> HeatTotals:
    """Return the totals of a heat."""
    kwh, nm3, divisions = (WORKED_READS * step for step in steps_of(device, heat))
    return HeatTotals(kwh, nm3, divisions * DIVISION_T)


def heat_of(k: int) -> int:
    """Return the number of the heat that runs at read k."""
    return FIRST_HEAT + k // HEAT_READS


@dataclass
class Device:
    """One device; remembers only the counters at the beginning of each heat."""

    number: int
    _begins: list[tuple[int, int, int]] = field(default_factory=list)

    def _begin(self, index: int) -> tuple[int, int, int]:
        """Return the counters at the beginning of heat FIRST_HEAT + index."""
        while len(self._begins) <= index:
            done = len(self._begins)
            before = self._begins[-1] if done else (10_000_000 * self.number, 500_000, 80_000)
            steps = steps_of(self.number, FIRST_HEAT + done - 1) if done else (0, 0, 0)
            kwh, nm3, made = (b + WORKED_READS * s for b, s in zip(before, steps, strict=True))
            self._begins.append((kwh, nm3, made))
        return self._begins[index]

    def raw(self, k: int) -> tuple[int | float, ...]:
        """Return what stands in the registers at read k, in the order of FORMAT."""
        index, at = divmod(k, HEAT_READS)
        heat = FIRST_HEAT + index
        worked = min(max(at - REST_FIRST, 0), WORKED_READS)
        steps = steps_of(self.number, heat)
        kwh, nm3, made = (b + worked * s for b, s in zip(self._begin(index), steps, strict=True))
        melting = 0 < worked < WORKED_READS
        temperature = digest(self.number, 4, k) % 16_000
        power = float(digest(self.number, 5, k) % 90_000) if melting else 0.0
        flow = float(digest(self.number, 6, k) % 4_000) if melting else 0.0
        draught = digest(self.number, 7, k) / 1024.0
        checks = [digest(self.number, 100 + word, k) for word in range(CHECKS)]
        return (k, heat, int(melting), temperature, kwh, nm3, made, power, flow, draught, 0, *checks)

    def registers(self, k: int) -> bytes:
        """Return the registers at read k as they go on the wire."""
        return _FORMAT.pack(*self.raw(k))

    def values(self, k: int) -> dict[str, float]:
        """Return every series of a birth at read k, scaled, by the last part of its name."""
        raw = self.raw(k)
        named = {name: scale(raw[i]) for i, (name, scale) in enumerate(POINTS)}
        return named | {f"check_{word + 1:03d}": float(raw[11 + word]) for word in range(CHECKS)}


_FORMAT = struct.Struct(f">IIHhQIIffdI{CHECKS}I")
assert _FORMAT.size == 2 * REGISTERS

POINTS: list[tuple[str, Callable[[float], float]]] = [
    ("serving", float),
    ("heat_number", float),
    ("phase", float),
    ("bath_c", lambda raw: raw * 0.1),
    ("electricity", float),
    ("natural_gas", float),
    ("tapped", lambda raw: raw * DIVISION_T),
    ("active_power", float),
    ("natural_gas_nm3_per_h", float),
    ("draught", float),
]


def follows(device: Device, first: int, last: int) -> bool:
    """Tell whether no counter steps back between two reads; for the test of this file."""
    rows = [device.raw(k)[4:7] for k in range(first, last + 1)]
    return all(all(a <= b for a, b in zip(x, y, strict=True)) for x, y in pairwise(rows))
