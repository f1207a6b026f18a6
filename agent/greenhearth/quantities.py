"""Units of factors: ``tCO2/TJ(NCV)``, ``GJ/kNm3``, ``kg/t`` are read, compared and converted.

A unit is a numerator over a denominator, each of one kind (mass, CO2, carbon, energy, gas at
0 degC and 101.325 kPa, ...). A word after it names a substance (``tCO2/t clinker``) and does
not count. Equal kinds cancel: ``t/t``, ``kg/t`` and ``%`` are ratios. What was measured on the
gross (higher) calorific basis says ``(GCV)`` and converts to nothing net.
"""

import re
from dataclasses import dataclass
from functools import cache

_KINDS: dict[str, dict[str, float]] = {
    "mass": {"t": 1.0, "kg": 1e-3, "g": 1e-6, "kt": 1e3, "Gg": 1e3, "Mt": 1e6},
    "CO2": {"tCO2": 1.0, "kgCO2": 1e-3, "gCO2": 1e-6, "ktCO2": 1e3},
    "carbon": {"tC": 1.0, "kgC": 1e-3},
    "energy": {
        "GJ": 1.0, "kJ": 1e-6, "MJ": 1e-3, "TJ": 1e3, "kWh": 0.0036, "MWh": 3.6, "GWh": 3600.0,
        "kcal": 4.1868e-6,
    },
    "gas": {
        "kNm3": 1.0, "Nm3": 1e-3, "10^4Nm3": 10.0,
        "m3(15degC)": 0.27315 / 288.15, "m3(20degC)": 0.27315 / 293.15, "m3(25degC)": 0.27315 / 298.15,
    },
    "coal equivalent": {"tce": 1.0, "kgce": 1e-3},
    "charge": {"kAh": 1.0, "Ah": 1e-3},
    "volume": {"m3": 1.0, "L": 1e-3},
    "substance": {"kmol": 1.0, "mol": 1e-3},
    "area": {"m2": 1.0},
    "time": {"min": 1.0, "s": 1.0 / 60.0, "h": 60.0},
    "voltage": {"V": 1.0, "mV": 1e-3},
    "pressure": {"Pa": 1.0, "kPa": 1e3},
    "temperature": {"K": 1.0},
    "cell-days": {"cell-day": 1.0},
    "effect": {"min t/d": 1.0},
    "overvoltage": {"mV t": 1.0},
    "PFC slope": {"(kg CF4/t Al)/(AE-min/cell-day)": 1.0},
    "PFC overvoltage": {"(kg CF4/t Al)/(mV)": 1.0},
    "ratio": {"1": 1.0, "-": 1.0, "%": 0.01},
}  # fmt: skip
"""Kind -> unit -> factor to the first unit of the kind. Gas at 15, 20 and 25 degC is (273.15 + t) / 273.15
as large as at 0 degC."""

_KIND_OF = {unit: (kind, factor) for kind, units in _KINDS.items() for unit, factor in units.items()}
_GROSS = re.compile(r"\((GCV|HHV|gross)\)", re.IGNORECASE)
_ASIDE = re.compile(r"\((NCV|LHV|net|=[^)]*)\)", re.IGNORECASE)


class UnitError(ValueError):
    """A unit that cannot be read, or that does not convert to the one that is needed."""


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, its standard uncertainty in that unit, and the name of its error."""

    value: float
    unit: str
    u: float = 0.0
    name: str = ""
    """Factor id or parameter name: quantities of the same name have the same error."""


@dataclass(frozen=True)
class Unit:
    """A unit as kinds: numerator, denominator (empty: none), and the factor to their first units."""

    over: str
    under: str
    factor: float
    gross: bool


@cache
def read_unit(text: str) -> Unit:
    """Read a unit; UnitError if a part of it is not known."""
    gross = bool(_GROSS.search(text))
    plain = _ASIDE.sub("", _GROSS.sub("", text)).removeprefix("+/-").strip()
    if plain in _KIND_OF:
        kind, factor = _KIND_OF[plain]
        return Unit("" if kind == "ratio" else kind, "", factor, gross)
    over, slash, under = plain.partition("/")
    if not slash:
        kind, factor = _part(over, text)
        return Unit(kind, "", factor, gross)
    (top, a), (bottom, b) = _part(over, text), _part(under, text)
    if top == bottom:
        top = bottom = ""
    return Unit(top, bottom, a / b, gross)


def _part(text: str, whole: str) -> tuple[str, float]:
    word = text.strip()
    first = word.split()[0] if word else ""
    for name in (word, first, first.removesuffix("e") if "CO2" in first else first):
        if name in _KIND_OF:
            return _KIND_OF[name]
    raise UnitError(f"unknown unit '{whole}': '{word}' is not known here")


def scale(unit: str, wanted: str) -> float:
    """Return the factor from one unit to another; UnitError if they are not of one kind."""
    have, want = read_unit(unit), read_unit(wanted)
    if have.gross != want.gross:
        raise UnitError(
            f"'{unit}' is on the gross calorific basis, '{wanted}' is net: convert it with the fuel's own "
            "ratio (natural gas about 0.90, hard coal 0.95) and say so in the source"
        )
    if (have.over, have.under) != (want.over, want.under):
        raise UnitError(f"'{unit}' does not convert to '{wanted}'")
    return have.factor / want.factor


def convert(quantity: Quantity, wanted: str) -> Quantity:
    """Return a quantity in another unit; UnitError if it does not convert."""
    factor = scale(quantity.unit, wanted)
    return Quantity(quantity.value * factor, wanted, quantity.u * factor, quantity.name)
