"""The tables of a CASE.toml: what a person may declare for an account."""

from dataclasses import dataclass

import msgspec

from greenhearth.factor_book import Factor
from greenhearth.processes import Flow, Parameter, Process
from greenhearth.strict import Document


class CaseHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The table ``[case]``."""

    title: str
    source: str
    """Where the quantities come from: a report, a bill, a book of the plant."""
    process: str = ""
    """A process of the shelf; empty where every quantity has flows of its own."""
    product: str = ""
    """What is made; only without a process, which says it itself."""
    period_h: float = 1.0
    """Time that the quantities cover [h]."""
    batches: int | None = None
    date: str = ""
    """Day, month or year of the data, for factors that have versions; empty: today."""
    gwp: str = ""
    """Set of global warming potentials where a flow names none: AR4, AR5, AR6; empty: as the methods say."""
    carbon_to_co2: float | str = ""
    """tCO2/tC where a flow names none: 3.664, 3.6667 or "44/12"; empty: as the methods say."""
    note: str = ""


class QuantityEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[quantity.NAME]``: what was consumed, made or sent away.

    The amount is given by `amount`; or by what was bought, sold and in store
    (purchased - sold + opening - closing); or by a rate per hour and hours.
    """

    unit: str
    amount: float | None = None
    purchased: float | None = None
    sold: float = 0.0
    opening: float = 0.0
    closing: float = 0.0
    rate_per_h: float | None = None
    hours: float | None = None
    uncertainty_percent: float | None = None
    """Expanded (k = 2); None: not stated."""
    meter: str = ""
    """Quantities with the same meter share its error."""
    source: str = ""
    share: float | str = 1.0
    """Part of the amount that belongs to this product: a number with `share_source`, or the name of an
    allocation, a factor or a parameter."""
    share_source: str = ""
    flows: list[Flow] | None = None
    """Instead of those that the process has for this role."""
    note: str = ""


class Allocation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[allocation.NAME]``: the share of one of several joint products.

    share = amount x weight of `to` / sum of amount x weight; weights are 1 / molar mass, prices,
    calorific values ...; without weights the amounts themselves count (by mass).
    """

    to: str
    amounts: dict[str, float]
    weights: dict[str, float] = {}
    uncertainty_percent: float = 0.0
    source: str

    def share(self) -> float:
        """Return the share of `to`."""
        parts = {name: amount * self.weights.get(name, 1.0) for name, amount in self.amounts.items()}
        return parts[self.to] / sum(parts.values())


class ExpectedValue(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A published value: ``NAME = { value = ..., unit = ..., tolerance = ... }``, or the bare number."""

    value: float
    unit: str = ""
    """Empty: the unit of what is named."""
    tolerance: float | None = None
    """Relative."""
    tolerance_abs: float | None = None
    """In `unit`; instead of the relative one."""


class Grade(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[grade.NAME]``: a value held against a published ladder of levels or classes."""

    ladder: str
    value: float | None = None
    """In the unit of the ladder; or a metric of this account in `metric`."""
    metric: str = ""
    conditions: dict[str, float] = {}
    """Beside those of the case."""
    expect: dict[str, float | str] = {}
    """``level`` -> name of the level that is reached; name of a level -> its limit after corrections."""
    tolerance: float = 1e-6
    source: str = ""


class Trend(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[baseline.NAME]``: energy of several periods against a declared straight line (CUSUM)."""

    unit: str
    intercept: float
    slope: float
    energy: list[float]
    driver: list[float]
    source: str
    expect_cusum: list[float] = []
    tolerance_abs: float = 1e-9
    """Of `expect_cusum`, in `unit`."""


@dataclass(frozen=True)
class Case:
    """A case that has been accepted as far as its form goes."""

    document: Document
    head: CaseHead
    process: Process | None
    quantities: dict[str, QuantityEntry]
    factors: dict[str, Factor]
    """Factors of this case only, by id."""
    factor_roles: dict[str, str]
    parameters: dict[str, Parameter]
    """Of the process, of this case, and its allocations."""
    values: dict[str, float]
    expected: dict[str, ExpectedValue]
    tolerance: float
    boundary: dict[str, str]
    """Metric -> what it covers: the process's, or the case's where it says so."""
    conditions: dict[str, float]
    """For scales and their corrections, see `greenhearth.conditions`."""
    grades: dict[str, Grade]
    trends: dict[str, Trend]
    digest: str
    """Content-addressed name of the case."""
