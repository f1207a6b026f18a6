"""BASELINE.toml: what is explained by what, which period by which, and what happened between."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from greenhearth.baseline_table import begins_ends
from greenhearth.strict import Document


class Span(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """From the beginning of `from` to the end of `to`: a year, a month, a day or a moment (UTC)."""

    from_: str = msgspec.field(name="from")
    to: str


class Coefficients(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A declared model: energy = intercept + sum of slope x driver (``[baseline.coefficients]``)."""

    intercept: float
    slopes: dict[str, float]
    source: str


class BaselineHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The table ``[baseline]``."""

    title: str
    energy: str
    """Column with the energy used in the period of the row."""
    unit: str
    drivers: list[str]
    """Columns that explain the energy: tonnes, degree days, heats ..."""
    time: str = "time"
    """Column with the time of a row: YYYY, YYYY-MM, YYYY-MM-DD or a moment."""
    baseline_period: Span | None = None
    reporting_period: Span | None = None
    confidence: float = 0.95
    r2_min: float = 0.75
    p_max: float = 0.05
    range_margin_percent: float = 0.0
    """How far beyond the baseline's range a driver may lie [% of the range's width]."""
    coefficients: Coefficients | None = None


class EventPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A non-routine event: ``[[event]]``, with `amount` or with ``exclude = true``."""

    from_: str = msgspec.field(name="from")
    to: str
    author: str
    reason: str
    amount: float | None = None
    """Energy to add to what is expected, over the whole event [unit of the energy]."""
    exclude: bool = False
    """Leave the rows of the event out."""


@dataclass(frozen=True)
class Period:
    """Two moments; the second is the first that no longer belongs to it."""

    start: datetime
    end: datetime

    def has(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to the period."""
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Event:
    """A non-routine event with its period."""

    period: Period
    part: EventPart
    key: str


@dataclass(frozen=True)
class Case:
    """A baseline file that has been accepted."""

    doc: Document
    head: BaselineHead
    baseline: Period | None
    reporting: Period | None
    events: list[Event]


def load_case(path: Path) -> Case:
    """Read a BASELINE.toml; ConfigError names the file, line and key of what does not fit."""
    doc = Document(path)
    doc.only("baseline", "event")
    head = doc.table("baseline", BaselineHead)
    _check_head(doc, head)
    baseline = _period(doc, head.baseline_period, "baseline.baseline_period")
    reporting = _period(doc, head.reporting_period, "baseline.reporting_period")
    if baseline and reporting and baseline.start < reporting.end and reporting.start < baseline.end:
        raise doc.error(
            "baseline.reporting_period", "overlaps the baseline period: it would be compared with itself"
        )
    parts = doc.convert(doc.data.get("event", []), list[EventPart], "event")
    return Case(
        doc, head, baseline, reporting, [_event(doc, one, f"event[{k}]") for k, one in enumerate(parts)]
    )


def _check_head(doc: Document, head: BaselineHead) -> None:
    for name in ("title", "energy", "unit", "time"):
        if not getattr(head, name).strip():
            raise doc.error(f"baseline.{name}", "is empty")
    if not head.drivers or len({head.energy, head.time, *head.drivers}) != 2 + len(head.drivers):
        raise doc.error(
            "baseline.drivers", "names at least one column, none twice, neither the energy nor the time"
        )
    for name in ("confidence", "r2_min", "p_max"):
        if not 0.0 < getattr(head, name) < 1.0:
            raise doc.error(f"baseline.{name}", f"is {getattr(head, name):g}, but must lie between 0 and 1")
    if head.range_margin_percent < 0.0:
        raise doc.error("baseline.range_margin_percent", "is negative")
    if head.coefficients is not None:
        _check_declared(doc, head, head.coefficients)
    elif head.baseline_period is None:
        raise doc.error(
            "baseline", "the key 'baseline_period' is missing (or declare [baseline.coefficients])"
        )


def _check_declared(doc: Document, head: BaselineHead, given: Coefficients) -> None:
    if head.baseline_period is not None:
        raise doc.error(
            "baseline.baseline_period", "a baseline is fitted or declared, not both: take one of them out"
        )
    if head.reporting_period is None:
        raise doc.error(
            "baseline", "the key 'reporting_period' is missing: a declared baseline alone says nothing"
        )
    if not given.source.strip():
        raise doc.error(
            "baseline.coefficients.source", "is empty: who determined these coefficients, from what?"
        )
    for name in given.slopes:
        if name not in head.drivers:
            raise doc.error(f"baseline.coefficients.slopes.{name}", "is not one of the drivers", head.drivers)
    for name in head.drivers:
        if name not in given.slopes:
            raise doc.error("baseline.coefficients.slopes", f"has no slope for the driver '{name}'")


def _event(doc: Document, part: EventPart, key: str) -> Event:
    for name in ("author", "reason"):
        if not getattr(part, name).strip():
            raise doc.error(
                f"{key}.{name}", "is empty: a non-routine event is somebody's decision, and has a reason"
            )
    if (part.amount is None) == (not part.exclude):
        raise doc.error(key, "needs either 'amount' (energy to add to what is expected) or 'exclude = true'")
    period = _period(doc, Span(from_=part.from_, to=part.to), key)
    assert period is not None
    return Event(period, part, key)


def _period(doc: Document, span: Span | None, key: str) -> Period | None:
    if span is None:
        return None
    start, end = begins_ends(span.from_), begins_ends(span.to)
    for name, text, found in (("from", span.from_, start), ("to", span.to, end)):
        if found is None:
            raise doc.error(
                f"{key}.{name}", f"'{text}' is no time; write 2025, 2025-03, 2025-03-31 or 2025-03-31T06:00"
            )
    assert start is not None
    assert end is not None
    if end[1] <= start[0]:
        raise doc.error(key, f"ends ({span.to}) before it begins ({span.from_})")
    return Period(start[0], end[1])
