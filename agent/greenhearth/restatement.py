"""A restatement as data: old figure, new figure, difference, and what each changed factor moves."""

import msgspec


class Side(msgspec.Struct, frozen=True):
    """One factor as a restatement names it."""

    id: str
    value: float
    unit: str
    source: str
    valid_from: str
    known_since: str = ""


class Change(msgspec.Struct, frozen=True):
    """One factor that differs between the stored and the restated figure."""

    name: str
    old: Side
    new: Side
    roles: tuple[str, ...] = ()

    def text(self) -> str:
        """Return what changed, for people: ``grid.cn.national 0.5568 -> 0.5306 kgCO2/kWh``."""
        return f"{self.name} {self.old.value:.12g} -> {self.new.value:.12g} {self.new.unit}"


class Figure(msgspec.Struct, frozen=True):
    """One figure, old and new; the causes add up to the difference."""

    unit: str
    old: float
    new: float
    difference: float
    by_cause: dict[str, float]
    uncertainty: float | None = None
    """Expanded (k = 2), of the new figure; none where the factors change within the period."""


class RestatedWindow(msgspec.Struct, frozen=True):
    """One stored batch or window beside what it is with the new factors."""

    window: str
    batch: str
    start_ns: int
    end_ns: int
    validity: int
    old_set: str
    new_set: str
    figures: dict[str, Figure]


class Period(msgspec.Struct, frozen=True):
    """Sums over all restated windows of one length; per tonne: sum over sum."""

    window: str
    windows: int
    product_t: float
    figures: dict[str, Figure]


class Checked(msgspec.Struct):
    """How many stored windows could be restated, and why the others could not."""

    stored: int = 0
    restated: int = 0
    readings_gone: int = 0
    """No readings are left that reach over the window."""
    differ: int = 0
    """The stored readings and the old factors do not give the stored figure."""
    set_unknown: int = 0
    """Neither a birth nor the catalogue tells which factors the stored set has."""
    examples: list[str] = []
    """The first of those that could not, in words."""


class Restatement(msgspec.Struct, frozen=True):
    """One line restated."""

    line: str
    title: str
    known_at: str
    old_sets: list[str]
    new_sets: list[str]
    changes: list[Change]
    explanations: list[str]
    """One sentence per changed factor, on the total of the period."""
    periods: list[Period]
    checked: Checked
    windows: list[RestatedWindow]
