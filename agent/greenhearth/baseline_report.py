"""A baseline file and its CSV worked out: the model, its tests, the saving, and who decided what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from greenhearth import baseline, savings
from greenhearth.baseline import F8, BaselineError, Model
from greenhearth.baseline_file import Case, Event, Period, load_case
from greenhearth.baseline_table import Columns, Row, Table, read_table

_MAX_UNUSED = 100
"""So many lines that cannot be used are named; all are counted."""


class BaselineReport(msgspec.Struct, kw_only=True):
    """What is known after a run; energies in `unit`, None where there is nothing to say."""

    title: str
    energy: str
    unit: str
    confidence: float
    model: dict[str, Any]
    statistics: dict[str, Any] | None
    """None: the model is declared."""
    checks: list[dict[str, Any]]
    valid: bool
    warnings: list[str]
    reporting: dict[str, Any] | None
    """None: no reporting period is given."""
    periods: list[dict[str, Any]]
    events: list[dict[str, Any]]
    not_used: int
    not_used_lines: list[dict[str, Any]]


def run_baseline(toml: Path, data: Path) -> BaselineReport:
    """Work out a baseline file with its CSV; ConfigError says what is refused, and where."""
    case = load_case(toml)
    head = case.head
    table = read_table(data, Columns(head.time, head.energy, head.drivers))
    rows = _rows_of(table, case.reporting)
    _check_events(case, table, rows)
    model = _model(case, table)
    checks = baseline.checks_of(model, head.r2_min, head.p_max)
    found = _saving(case, model, rows) if case.reporting else None
    if found is not None and model.statistics is not None:
        margin = head.range_margin_percent / 100.0
        checks.append(savings.range_check(model, _drivers(rows, case), found.counts, margin))
    unused = [fault for time, fault in table.unused if _concerns(case, time)]
    return BaselineReport(
        title=head.title,
        energy=head.energy,
        unit=head.unit,
        confidence=head.confidence,
        model=_model_facts(case, model),
        statistics=_statistics_facts(model),
        checks=[_plain(vars(check)) for check in checks],
        valid=all(check.passed for check in checks),
        warnings=_warnings(model, found),
        reporting=_saving_facts(found) if found else None,
        periods=_period_facts(rows, found) if found else [],
        events=[_event_facts(event) for event in case.events],
        not_used=len(unused),
        not_used_lines=[vars(fault) for fault in unused[:_MAX_UNUSED]],
    )


def _rows_of(table: Table, period: Period | None) -> list[Row]:
    return [row for row in table.rows if period and period.has(row.time)]


def _concerns(case: Case, time: Any) -> bool:
    """A line without a readable time may have belonged to either period."""
    return time is None or any(p and p.has(time) for p in (case.baseline, case.reporting))


def _excluded(case: Case, row: Row) -> bool:
    return any(event.part.exclude and event.period.has(row.time) for event in case.events)


def _drivers(rows: list[Row], case: Case) -> F8:
    return np.array([row.drivers for row in rows], np.float64).reshape(len(rows), len(case.head.drivers))


def _energy(rows: list[Row]) -> F8:
    return np.array([row.energy for row in rows], np.float64)


def _model(case: Case, table: Table) -> Model:
    head, given = case.head, case.head.coefficients
    if given is not None:
        return baseline.declared(head.drivers, given.intercept, [given.slopes[name] for name in head.drivers])
    rows = [row for row in _rows_of(table, case.baseline) if not _excluded(case, row)]
    try:
        return baseline.fit(head.drivers, _drivers(rows, case), _energy(rows))
    except BaselineError as error:
        raise case.doc.error("baseline.baseline_period", str(error)) from error


def _check_events(case: Case, table: Table, rows: list[Row]) -> None:
    """Refuse an event that changes nothing: most likely its dates are wrong."""
    for event in case.events:
        excludes = event.part.exclude
        candidates = [*rows, *_rows_of(table, case.baseline)] if excludes else rows
        touched = [row for row in candidates if event.period.has(row.time)]
        if not touched or not (excludes or any(not _excluded(case, row) for row in touched)):
            where = "of either period" if excludes else "of the reporting period that counts"
            raise case.doc.error(event.key, f"covers no usable line {where}: check its dates")


def _saving(case: Case, model: Model, rows: list[Row]) -> savings.Saving:
    counts = np.array([not _excluded(case, row) for row in rows], np.bool_)
    if not counts.any():
        raise case.doc.error("baseline.reporting_period", "has no usable line in the data: check its dates")
    added = np.zeros(len(rows))
    for event in case.events:
        if event.part.amount is not None:
            inside = np.array([event.period.has(row.time) for row in rows], np.bool_)
            added += savings.spread(event.part.amount, inside & counts)
    return savings.save(model, _drivers(rows, case), _energy(rows), case.head.confidence, added, counts)


def _model_facts(case: Case, model: Model) -> dict[str, Any]:
    given = case.head.coefficients
    return {
        "kind": "declared" if given else "fitted",
        "intercept": float(model.coefficients[0]),
        "slopes": dict(zip(model.drivers, model.coefficients[1:].tolist(), strict=True)),
        "source": given.source if given else "ordinary least squares over the baseline period",
    }


def _statistics_facts(model: Model) -> dict[str, Any] | None:
    known = model.statistics
    if known is None:
        return None
    facts = {name: value for name, value in vars(known).items() if not isinstance(value, np.ndarray)}
    columns = zip(
        ["intercept", *model.drivers],
        *(v.tolist() for v in (model.coefficients, known.standard_errors, known.t, known.t_p)),
        strict=True,
    )
    facts["coefficients"] = {
        name: _plain({"value": value, "standard_error": error, "t": t, "p": p})
        for name, value, error, t, p in columns
    }
    ranges = zip(model.drivers, known.low.tolist(), known.high.tolist(), known.vif.tolist(), strict=True)
    facts["drivers"] = {name: {"low": low, "high": high, "vif": vif} for name, low, high, vif in ranges}
    return _plain(facts)


def _warnings(model: Model, found: savings.Saving | None) -> list[str]:
    said, known = [], model.statistics
    if known is not None and known.autocorrelation > 2.0 / known.points**0.5 and 1.0 - known.r2 > 1e-12:
        r = known.autocorrelation
        wider = ((1.0 + r) / (1.0 - r)) ** 0.5
        said.append(
            f"each residual resembles the one before it (r = {r:.2f}): p values and the interval are too "
            f"good, the interval by about {wider:.1f} times; take longer periods or add a driver"
        )
    if found is not None and found.interval is not None and abs(found.saving) < found.interval:
        said.append("the saving is smaller than its interval: it cannot be told from none")
    if known is None:
        said.append("a declared baseline has no statistics: its saving has no interval")
    return said


def _saving_facts(found: savings.Saving) -> dict[str, Any]:
    expected = found.expected_total + found.adjustment_total
    return {
        "periods": found.counted,
        "excluded": len(found.difference) - found.counted,
        "outside_range": sum(map(bool, found.outside)),
        "actual": found.actual_total,
        "expected": found.expected_total,
        "adjustments": found.adjustment_total,
        "saving": found.saving,
        "interval": found.interval,
        "saving_percent": 100.0 * found.saving / expected if expected > 0.0 else None,
        "cusum": float(found.cusum[-1]),
    }


def _period_facts(rows: list[Row], found: savings.Saving) -> list[dict[str, Any]]:
    columns = (found.expected, found.adjustments, found.difference, found.cusum, found.counts)
    lists = [column.tolist() for column in columns]
    return [
        {
            "time": row.text,
            "actual": row.energy,
            "expected": expected,
            "adjustment": adjustment,
            "saving": -difference if counted else None,
            "cusum": cusum,
            "counted": counted,
            "outside": outside,
        }
        for row, expected, adjustment, difference, cusum, counted, outside in zip(
            rows, *lists, found.outside, strict=True
        )
    ]


def _event_facts(event: Event) -> dict[str, Any]:
    part = event.part
    return {
        "from": part.from_,
        "to": part.to,
        "adjustment": part.amount,
        "excluded": part.exclude,
        "author": part.author,
        "reason": part.reason,
    }


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same facts with None for what is no finite number (a perfect fit has an infinite F)."""
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in facts.items()}
