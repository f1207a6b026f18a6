"""Units of factors: ``tCO2/TJ(NCV)``, ``GJ/kNm3``, ``kg/t`` are read, compared and converted.

A unit is a numerator over a denominator, each of one kind (mass, CO2, carbon, energy, gas at
0 degC and 101.325 kPa, ...). A word after it names a substance (``tCO2/t clinker``) and does
not count. A count may stand before one: ``GJ/1000 Nm3``, ``10^4 t``. Equal kinds cancel: ``t/t``,
``kg/t`` and ``%`` are ratios; such a ratio also tells how much carbon or CO2 is in a mass. What was
measured on the gross (higher) calorific basis says ``(GCV)`` and converts to nothing net. Other
spellings: `greenhearth.unit_spellings`.
"""

import re
from dataclasses import dataclass
from functools import cache

from greenhearth.strict import nearest_name
from greenhearth.unit_spellings import AMBIGUOUS, GAS, plain_unit

_KINDS: dict[str, dict[str, float]] = {
    "mass": {"t": 1.0, "kg": 1e-3, "g": 1e-6, "mg": 1e-9, "Mg": 1.0, "kt": 1e3, "Gg": 1e3, "Mt": 1e6},
    "CO2": {"tCO2": 1.0, "kgCO2": 1e-3, "gCO2": 1e-6, "ktCO2": 1e3, "GgCO2": 1e3, "MtCO2": 1e6},
    "carbon": {"tC": 1.0, "kgC": 1e-3, "gC": 1e-6, "ktC": 1e3},
    "energy": {
        "GJ": 1.0, "J": 1e-9, "kJ": 1e-6, "MJ": 1e-3, "TJ": 1e3, "PJ": 1e6,
        "Wh": 3.6e-6, "kWh": 0.0036, "MWh": 3.6, "GWh": 3600.0, "TWh": 3.6e6,
        "kcal": 4.1868e-6, "Mcal": 4.1868e-3, "Gcal": 4.1868, "MMBtu": 1.05505585262, "toe": 41.868,
    },
    "gas": {
        "kNm3": 1.0, "Nm3": 1e-3, "MNm3": 1e3,
        "m3(15degC)": 0.27315 / 288.15, "m3(20degC)": 0.27315 / 293.15, "m3(25degC)": 0.27315 / 298.15,
    },
    "coal equivalent": {"tce": 1.0, "kgce": 1e-3, "gce": 1e-6},
    "charge": {"kAh": 1.0, "Ah": 1e-3},
    "volume": {"m3": 1.0, "L": 1e-3, "l": 1e-3},
    "substance": {"kmol": 1.0, "mol": 1e-3},
    "area": {"m2": 1.0},
    "time": {"min": 1.0, "s": 1.0 / 60.0, "h": 60.0, "d": 1440.0},
    "voltage": {"V": 1.0, "mV": 1e-3},
    "pressure": {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "bar": 1e5},
    "temperature": {"K": 1.0},
    "cell-days": {"cell-day": 1.0},
    "effect": {"min t/d": 1.0},
    "overvoltage": {"mV t": 1.0},
    "PFC slope": {"(kg CF4/t Al)/(AE-min/cell-day)": 1.0},
    "PFC overvoltage": {"(kg CF4/t Al)/(mV)": 1.0},
    "ratio": {"1": 1.0, "-": 1.0, "%": 0.01, "‰": 1e-3, "ppm": 1e-6},
}  # fmt: skip
"""Kind -> unit -> factor to the first unit of the kind. Gas at 15, 20 and 25 degC is (273.15 + t) / 273.15
as large as at 0 degC."""

_KIND_OF = {unit: (kind, factor) for kind, units in _KINDS.items() for unit, factor in units.items()}
_GROSS = re.compile(r"\(?\b(GCV|HHV|PCS|gross|higher)\b\)?", re.IGNORECASE)
_ASIDE = re.compile(r"\((NCV|LHV|PCI|net|=[^)]*)\)", re.IGNORECASE)
_COUNT = re.compile(r"(\d+(?:\.\d+)?)(?:\^(\d+))?\s*[*x·]?\s*(?=[^\W\d])")
"""A count before a unit: ``1000 Nm3``, ``10^4 t``."""
_SUBSTANCE = re.compile(
    r"(kt|Mt|kg|t|g|Nm3)"
    r"(?:Al|CF4|C2F6|SF6|NF3|N2O|CH4|NH3|H2|Cl2|NaOH|CaO|MgO|CaCO3|MgCO3|Fe|Cu|Zn|steel|clinker|cement)"
)
"""A unit with its substance written together: ``tAl``, ``kgCF4``."""
_PER_MASS = (("CO2", "mass"), ("carbon", "mass"))
_NET = (
    "convert it to net with the fuel's own ratio (natural gas about 0.90, hard coal 0.95), and say so in "
    "the source"
)
_EXAMPLES = "t, kg, kNm3, m3(20degC), kWh, MWh, GJ, TJ, tCO2, tC, tCO2/TJ, tCO2/MWh, kgCO2/kWh, GJ/t, tC/t, %"


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
    plain = plain_unit(_ASIDE.sub("", _GROSS.sub("", text)).removeprefix("+/-"))
    if plain in _KIND_OF:
        kind, factor = _KIND_OF[plain]
        return Unit("" if kind == "ratio" else kind, "", factor, gross)
    over, slash, under = plain.partition("/")
    if not slash:
        kind, factor = _part(over, text)
        return Unit("" if kind == "ratio" else kind, "", factor, gross)
    (top, a), (bottom, b) = _part(over, text), _part(under, text)
    if top == bottom:
        top = bottom = ""
    return Unit(top, bottom, a / b, gross)


def _part(text: str, whole: str) -> tuple[str, float]:
    """Return kind and factor of one side; a word after the unit names a substance."""
    word = text.strip()
    word = word[1:-1].strip() if word[:1] == "(" and word[-1:] == ")" else word
    count = _COUNT.match(word)
    many = float(count[1]) ** float(count[2] or 1.0) if count else 1.0
    if many <= 0.0:
        raise UnitError(f"unknown unit '{whole}': a count of 0 is none")
    words = word[count.end() if count else 0 :].split() or [""]
    together = _SUBSTANCE.fullmatch(words[0])
    for name in (" ".join(words), "".join(words[:2]), words[0], together[1] if together else ""):
        if name in _KIND_OF:
            kind, factor = _KIND_OF[name]
            return kind, many * factor
    raise UnitError(f"unknown unit '{whole}': {_remedy(words[0])}")


def _remedy(word: str) -> str:
    """Return what to write instead of a word that is no unit."""
    if word in AMBIGUOUS:
        return AMBIGUOUS[word]
    near = nearest_name(word, _KIND_OF)
    return f"'{word}' is not known here" + (
        f"; did you mean '{near}'?" if near else f"; write {_EXAMPLES} ..."
    )


def scale(unit: str, wanted: str) -> float:
    """Return the factor from one unit to another; UnitError if they are not of one kind."""
    have, want = read_unit(unit), read_unit(wanted)
    if have.gross != want.gross:
        one, other = (unit, wanted) if have.gross else (wanted, unit)
        raise UnitError(f"'{one}' is on the gross calorific basis, '{other}' is net: {_NET}")
    kinds, wants = (have.over, have.under), (want.over, want.under)
    if kinds != wants and not (kinds == ("", "") and wants in _PER_MASS):
        raise UnitError(f"'{unit}' does not convert to '{wanted}'{why_not(unit, wanted)}")
    return have.factor / want.factor


def why_not(unit: str, wanted: str) -> str:
    """Return the remedy for two units that people take for one another; empty if there is none."""
    have, want = read_unit(unit), read_unit(wanted)
    kinds = {have.over, have.under} ^ {want.over, want.under}
    if have.gross and not want.gross:
        return f": {_NET}"
    if kinds == {"volume", "gas"}:
        return f": {GAS}"
    if kinds == {"volume", "mass"}:
        return ": multiply the volume by its density, and say so in the source"
    if kinds == {"CO2", "mass"} and "CO2" in (want.over, want.under):
        return f": say of what, as in '{wanted}'"
    if have.over == want.over == "CO2" and want.under == "energy":
        return ": for CO2 per amount there are the methods 'combustion_mass' and 'process'"
    if (have.over, have.under) == ("energy", ""):
        return ": for amounts of heat there are 'combustion_heat', 'heat' and 'upstream'"
    if kinds == {"CO2", "carbon"}:
        return ": carbon and CO2 differ by 44/12"
    if kinds == {"coal equivalent", "energy"}:
        return ": 1 kgce is 29.3076 MJ"
    return ""


def convert(quantity: Quantity, wanted: str) -> Quantity:
    """Return a quantity in another unit; UnitError if it does not convert."""
    factor = scale(quantity.unit, wanted)
    return Quantity(quantity.value * factor, wanted, quantity.u * factor, quantity.name)
