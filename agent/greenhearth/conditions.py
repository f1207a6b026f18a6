"""Conditions of a line: numbers that select a published scale or correct its limits.

A site declares them in ``[line.NAME.conditions]``. Standards correct their limits for altitude, ore
grade, moisture and the like, and keep scales apart by size; what a line does not declare is not
guessed: the figure then stands uncorrected and says so, or does not apply.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Condition(NamedTuple):
    """A condition: its unit, the range that is believed, and what it means."""

    unit: str
    low: float
    high: float
    meaning: str


_SHARE = (0.0, 100.0)
_YES_NO = ("(no or yes)", 0.0, 1.0)

CONDITIONS: dict[str, Condition] = {
    "capacity_t": Condition("t", 0.1, 1000.0, "nominal capacity of the furnace, a heat"),
    "capacity_t_per_d": Condition("t/d", 1.0, 10000.0, "design capacity of the production line"),
    "altitude_m": Condition("m", -500.0, 6000.0, "altitude of the plant"),
    "pressure_pa": Condition("Pa", 40000.0, 110000.0, "mean air pressure at the plant"),
    "clinker_ratio_percent": Condition("%", *_SHARE, "clinker in the cement"),
    "scrap_share_percent": Condition("%", *_SHARE, "scrap in the metallic charge, by tonnes as weighed"),
    "scrap_share_metallic_percent": Condition(
        "%", *_SHARE, "scrap in the metallic charge, by metallic content and without internal scrap"
    ),
    "internal_scrap_percent": Condition("%", *_SHARE, "internal scrap in the metallic charge, by tonnes"),
    "hot_metal_share_percent": Condition("%", *_SHARE, "hot metal in the metallic charge of an EAF"),
    "steel_class": Condition(
        "(class)", 0.0, 3.0, "main grades: 0 plain carbon, 1 quality carbon structural, 2 bearing, gear, "
        "hard wire or tool steel, 3 deep-drawing or pipeline steel",
    ),
    "stainless": Condition(*_YES_NO, "all of the steel made is stainless"),
    "quality_steel": Condition(*_YES_NO, "quality (1) or structural (0) steel, as LESS tells them apart"),
    "long_product": Condition(*_YES_NO, "long (1) or flat (0) product"),
    "fe_grade_percent": Condition("%", 20.0, 80.0, "iron in the burden of the blast furnace"),
    "ore_grade_percent": Condition("%", *_SHARE, "grade of the ore charged, as its standard counts it"),
    "rare_earth_ore_percent": Condition("%", *_SHARE, "rare-earth ore in the iron ores"),
    "vanadium_titanium_ore_percent": Condition("%", *_SHARE, "vanadium-titanium magnetite in the iron ores"),
    "laterite_ore_percent": Condition("%", *_SHARE, "laterite nickel ore in the iron ores"),
    "mixed_gas_share": Condition("1", 0.0, 1.0, "share of the time the coke oven is fired with mixed gas"),
    "volatile_percent": Condition("%", 5.0, 50.0, "volatile matter of the coal charged, dry basis"),
    "moisture_percent": Condition("%", 0.0, 50.0, "total moisture of the coal charged"),
    "wet_quench": Condition(*_YES_NO, "coke is quenched with water"),
    "oven_age_years": Condition("years", 0.0, 100.0, "age of the coke oven"),
    "glass_utilisation_factor": Condition("1", 0.5, 2.0, "coefficient a of GB 21340-2019 table 2"),
    "glass_thickness_factor": Condition("1", 0.5, 2.0, "coefficient b of GB 21340-2019 table 2"),
    "glass_iron_factor": Condition("1", 0.5, 2.0, "coefficient c of GB 21340-2019 table 2"),
    "glass_change_factor": Condition("1", 0.5, 2.0, "coefficient d of GB 21340-2019 table 2"),
    "import_year": Condition("year", 2026.0, 2100.0, "year of import into the EU, for mark-ups"),
}  # fmt: skip
"""Every condition that a line may declare."""


def out_of_range(conditions: Mapping[str, float]) -> dict[str, str]:
    """Return for each condition that cannot be believed the sentence that says why."""
    return {
        name: f"{value:g} is not in {known.low:g} to {known.high:g} {known.unit} ({known.meaning})"
        for name, value in conditions.items()
        if (known := CONDITIONS.get(name)) and not known.low <= value <= known.high
    }
