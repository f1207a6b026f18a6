"""Corrections that standards make to their limits, by id: formula, clause and the conditions they need.

The coefficients were read in a transcription of each standard with page and clause, not in the
standards themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

Conditions = Mapping[str, float]
Formula = Callable[[float, str, Conditions], float]

ALTITUDE_M = 1500.0
"""Above it GB 16780 corrects for the thin air."""

PRESSURE_AT_ALTITUDE_PA = 84556.0
"""Standard atmosphere at 1500 m (ISO 2533); stands for the altitude where a line declares none."""


class OutsideTableError(ValueError):
    """A condition for which the standard gives no correction; says which and the range."""


@dataclass(frozen=True, slots=True)
class Correction:
    """How one condition changes a limit: ``apply(limit, level, conditions)`` in the limit's unit."""

    title: str
    formula: str
    source: str
    """Standard, clause or table."""
    needs: tuple[str, ...]
    """Conditions without which it is not made."""
    apply: Formula


def per_point(name: str, coefficient: float, base: float = 0.0) -> Formula:
    """Add `coefficient` per unit of the condition above `base`."""
    return lambda limit, level, given: limit + coefficient * (given[name] - base)


def times(name: str) -> Formula:
    """Multiply by the condition itself."""
    return lambda limit, level, given: limit * given[name]


def altitude_factor(pressure_pa: float) -> float:
    """Return the factor of GB 16780-2021, 5.3 formula (1), for a plant above 1500 m at this pressure [Pa]."""
    return 1.179 - 0.211 * pressure_pa / 101325.0


def _altitude(limit: float, level: str, given: Conditions) -> float:
    altitude = given.get("altitude_m")
    high = given["pressure_pa"] < PRESSURE_AT_ALTITUDE_PA if altitude is None else altitude > ALTITUDE_M
    return limit * altitude_factor(given["pressure_pa"]) if high else limit


_PER_CLINKER_POINT = {"1": 1.10, "2": 1.15, "3": 1.20}


def _clinker_ratio(limit: float, level: str, given: Conditions) -> float:
    return limit + _PER_CLINKER_POINT[level] * (given["clinker_ratio_percent"] - 75.0)


def _fe_grade(limit: float, level: str, given: Conditions) -> float:
    return limit + 3.61 * min(5.0, max(0.0, 62.0 - given["fe_grade_percent"]))


def by_class(name: str, additions: Mapping[int, float]) -> Formula:
    """Add what the class of the condition costs; a class that is not listed costs nothing."""
    return lambda limit, level, given: limit + additions.get(round(given[name]), 0.0)


def _stainless(limit: float, level: str, given: Conditions) -> float:
    return 1.10 * limit if given["stainless"] else limit


def _wet_quench(limit: float, level: str, given: Conditions) -> float:
    return limit + 46.46 * given["wet_quench"]


def _oven_age(limit: float, level: str, given: Conditions) -> float:
    age = given["oven_age_years"]
    return limit + (5.50 if age > 25.0 else 2.50 if age > 15.0 else 0.0)


def interpolated(name: str, points: tuple[tuple[float, float], ...]) -> Formula:
    """Add what a table gives for the condition, linear between its points; OutsideTableError beyond them."""

    def apply(limit: float, level: str, given: Conditions) -> float:
        x = given[name]
        for (x1, y1), (x2, y2) in pairwise(points):
            if x1 <= x <= x2:
                return limit + y1 + (x - x1) * (y2 - y1) / (x2 - x1)
        raise OutsideTableError(
            f"its table for {name} runs from {points[0][0]:g} to {points[-1][0]:g}, this line has {x:g}"
        )

    return apply


def _mark_up(limit: float, level: str, given: Conditions) -> float:
    return limit * {2026: 1.10, 2027: 1.20}.get(round(given["import_year"]), 1.30)


_VOLATILE_TOP = (
    (21.0, -8.30), (22.0, -4.20), (23.0, 0.0), (24.0, 4.25), (25.0, 8.55), (26.0, 11.00), (27.0, 14.08),
    (28.0, 18.71),
)  # fmt: skip
_VOLATILE_STAMP = (
    (25.0, 0.0), (26.0, 3.20), (27.0, 6.44), (28.0, 11.40), (29.0, 14.65), (30.0, 17.93), (31.0, 21.23),
    (32.0, 24.50),
)  # fmt: skip

_COKING, _STEEL, _ALLOY = "GB 21342-2025, 5.3", "GB 21256-2025", "GB 21341-2022, 4 table 1"


def _linear(title: str, source: str, name: str, coefficient: float, base: float = 0.0) -> Correction:
    formula = f"L {coefficient:+g} x ({name} - {base:g})" if base else f"L {coefficient:+g} x {name}"
    return Correction(title, formula, source, (name,), per_point(name, coefficient, base))


def _glass(letter: str, what: str, name: str) -> Correction:
    source = f"GB 21340-2019, 4 table 2, coefficient {letter}"
    return Correction(what, f"L x {letter}", source, (name,), times(name))


def _ores(clause: str, coefficients: tuple[float, float, float]) -> list[Correction]:
    names = ("rare_earth_ore_percent", "vanadium_titanium_ore_percent", "laterite_ore_percent")
    titles = ("rare-earth ore", "vanadium-titanium magnetite", "laterite nickel ore")
    return [
        _linear(title, f"{_STEEL}, {clause}", name, coefficient)
        for title, name, coefficient in zip(titles, names, coefficients, strict=True)
    ]


def _under(prefix: str, found: list[Correction]) -> dict[str, Correction]:
    return dict(
        zip((f"{prefix}_{what}" for what in ("rare_earth", "vanadium", "laterite")), found, strict=True)
    )


CORRECTIONS: dict[str, Correction] = {
    "gb16780.clinker_ratio": Correction(
        "clinker in the cement", "L + 1.10 / 1.15 / 1.20 (level 1 / 2 / 3) x (clinker_ratio_percent - 75)",
        "GB 16780-2021, 5.4", ("clinker_ratio_percent",), _clinker_ratio,
    ),
    "gb16780.altitude": Correction(
        "altitude above 1500 m", "L x (1.179 - 0.211 x pressure_pa / 101325)",
        "GB 16780-2021, 5.3 formula (1)", ("pressure_pa",), _altitude,
    ),
    "gb21342.gas_top": _linear("mixed gas", f"{_COKING} table 2, top charging", "mixed_gas_share", 8.0),
    "gb21342.gas_stamp": _linear("mixed gas", f"{_COKING} table 2, stamp charging", "mixed_gas_share", 12.0),
    "gb21342.volatile_top": Correction(
        "volatile matter", "L + table over volatile_percent, 0 at 23", f"{_COKING} table 2, top charging",
        ("volatile_percent",), interpolated("volatile_percent", _VOLATILE_TOP),
    ),
    "gb21342.volatile_stamp": Correction(
        "volatile matter", "L + table over volatile_percent, 0 at 25", f"{_COKING} table 2, stamp charging",
        ("volatile_percent",), interpolated("volatile_percent", _VOLATILE_STAMP),
    ),
    "gb21342.moisture_top": _linear(
        "moisture", f"{_COKING} table 2, top charging", "moisture_percent", 3.67, 10.0
    ),
    "gb21342.moisture_stamp": _linear(
        "moisture", f"{_COKING} table 2, stamp charging", "moisture_percent", 3.71, 10.5
    ),
    "gb21342.wet_quench": Correction(
        "wet quenching", "L + 46.46 with wet quenching", f"{_COKING} table 2, level 3 only",
        ("wet_quench",), _wet_quench,
    ),
    "gb21342.oven_age": Correction(
        "age of the oven", "L + 2.50 above 15 to 25 years, + 5.50 above 25",
        f"{_COKING} table 2, levels 1 and 3", ("oven_age_years",), _oven_age,
    ),
    **_under("gb21256.sinter", _ores("4.1 and 4.2", (0.15, 0.2, 1.2))),
    **_under("gb21256.bf", _ores("4.3", (0.3, 0.45, 0.5))),
    "gb21256.fe_grade": Correction(
        "iron in the burden", "L + 3.61 x (62 - fe_grade_percent), at most 5 points, never below L",
        f"{_STEEL}, 4.3", ("fe_grade_percent",), _fe_grade,
    ),
    "gb21256.converter_scrap": _linear("scrap share", f"{_STEEL}, 4.4", "scrap_share_percent", 0.23),
    "gb21256.converter_steel": Correction(
        "class of steel", "L + 0.8 / 1.2 / 1.5 (steel_class 1 / 2 / 3)", f"{_STEEL}, 4.4",
        ("steel_class",), by_class("steel_class", {1: 0.8, 2: 1.2, 3: 1.5}),
    ),
    "gb21256.eaf_stainless": Correction(
        "stainless steel", "1.10 x L", f"{_STEEL}, 4.5", ("stainless",), _stainless
    ),
    "gb21256.eaf_hot_metal": _linear("hot metal", f"{_STEEL}, 4.5", "hot_metal_share_percent", -0.8),
    "gb21256.eaf_steel": Correction(
        "class of steel", "L + 8 / 15 (steel_class 1 / 2)", f"{_STEEL}, 4.5",
        ("steel_class",), by_class("steel_class", {1: 8.0, 2: 15.0}),
    ),
    "gb21341.fesi_grade": _linear("ore grade", _ALLOY, "ore_grade_percent", -40.0, 98.0),
    "gb21341.hcfemn_grade": _linear("ore grade", _ALLOY, "ore_grade_percent", -50.0, 39.0),
    "gb21341.simn_grade": _linear("ore grade", _ALLOY, "ore_grade_percent", -100.0, 36.0),
    "gb21341.hcfecr_grade": _linear(
        "ore grade", f"{_ALLOY}, chromium to iron of at least 2.2", "ore_grade_percent", -80.0, 40.0
    ),
    "gb21340.utilisation": _glass("a", "use of the capacity", "glass_utilisation_factor"),
    "gb21340.thickness": _glass("b", "thickness", "glass_thickness_factor"),
    "gb21340.iron": _glass("c", "iron in the glass", "glass_iron_factor"),
    "gb21340.change": _glass("d", "change of the line", "glass_change_factor"),
    "eu2621.mark_up": Correction(
        "mark-up of CBAM defaults", "L x 1.10 in 2026, 1.20 in 2027, 1.30 from 2028",
        "Implementing Regulation (EU) 2025/2621, Annex I", ("import_year",), _mark_up,
    ),
    "eu2621.mark_up_fertiliser": Correction(
        "mark-up of CBAM defaults", "L x 1.01", "Implementing Regulation (EU) 2025/2621, Annex I",
        ("import_year",), lambda limit, level, given: 1.01 * limit,
    ),
}  # fmt: skip
"""Every correction that a figure of the catalogue may name."""
