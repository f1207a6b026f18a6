"""Reads a CASE.toml: every table is understood, or refused with file, line, key and remedy."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from greenhearth.account.choices import ratio_factor
from greenhearth.account.scales import conditions_of, grades_in, trends_in
from greenhearth.account.tables import (
    Allocation,
    Case,
    CaseHead,
    ExpectedValue,
    QuantityEntry,
)
from greenhearth.factor_book import Factor, day_of
from greenhearth.factors import check_doubt, check_factor
from greenhearth.metrics import METRICS
from greenhearth.processes import Parameter, Process, find_process, known_processes, load_process
from greenhearth.quantities import UnitError, read_unit
from greenhearth.strict import Document

TOLERANCE = 1e-6
"""Relative difference within which an expected value counts as met, unless the case says otherwise."""

_MOST = 1e18
"""Above all the energy of the world in a year, 6e14 MJ, and below where sums overflow."""

_TABLES = (
    "case", "quantity", "factor", "factors", "parameters", "parameter", "allocation", "expect", "boundary",
    "conditions", "grade", "baseline",
)  # fmt: skip


def read_case(path: Path) -> Case:
    """Read a case; ConfigError names file, line, key and the nearest right name."""
    doc = Document(path)
    doc.only(*_TABLES)
    for name in _TABLES:
        if not isinstance(doc.data.get(name, {}), dict):
            raise doc.error(name, f"expected a table [{name}]")
    head = _head(doc)
    process = _process(doc, head)
    quantities = _quantities(doc)
    own = {**_parameters(doc), **_allocations(doc)}
    expected, tolerance = _expected(doc)
    factors = _factors(doc)
    case = Case(
        document=doc,
        head=head,
        process=process,
        quantities=quantities,
        factors={**factors, **ratio_factor(doc, head, factors)},
        factor_roles=_factor_roles(doc, process),
        parameters={**(process.parameters if process else {}), **own},
        values=_values(doc, process, own),
        expected=expected,
        tolerance=tolerance,
        boundary=_boundary(doc, process),
        conditions=conditions_of(doc, doc.data.get("conditions", {}), "conditions"),
        grades=grades_in(doc),
        trends=trends_in(doc),
        digest=digest(doc.data),
    )
    _check_names(doc, case, own)
    return case


def digest(data: dict[str, Any]) -> str:
    """Return the content-addressed name of a case: layout and comments do not count."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return "case-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _head(doc: Document) -> CaseHead:
    raw = doc.data.get("case", {})
    if isinstance(raw.get("date"), int | date):  # date = 2023, date = 2023-07-15
        raw["date"] = str(raw["date"])
    head = doc.table("case", CaseHead)
    for name in ("title", "source"):
        if not getattr(head, name).strip():
            raise doc.error(
                f"case.{name}", "is empty: an account says what it is of, and whose figures these are"
            )
    if head.period_h <= 0.0:
        raise doc.error("case.period_h", f"is {head.period_h:g}; the quantities cover some time, in hours")
    if head.batches is not None and head.batches < 1:
        raise doc.error("case.batches", "must be at least 1; leave it out where there are none")
    if head.process and head.product:
        raise doc.error("case.product", f"is said by the process '{head.process}'; take one of them out")
    try:
        day_of(head.date)
    except ValueError:
        why = f"'{head.date}' is no year or date (2023, 2023-07, 2023-07-15)"
        raise doc.error("case.date", why) from None
    return head


def _process(doc: Document, head: CaseHead) -> Process | None:
    if not head.process:
        return None
    try:
        return load_process(find_process(head.process))
    except LookupError:
        why = f"no process '{head.process}'"
        raise doc.error_naming("case.process", why, head.process, known_processes()) from None


def _quantities(doc: Document) -> dict[str, QuantityEntry]:
    for name, raw in doc.data.get("quantity", {}).items():
        _refuse_bare_numbers(doc, f"quantity.{name}", raw)
    found = doc.tables("quantity", QuantityEntry)
    for name, entry in found.items():
        _check_amount(doc, f"quantity.{name}", entry)
    if not found and not doc.data.get("grade") and not doc.data.get("baseline"):
        raise doc.error("quantity", "there is nothing to account for: write [quantity.NAME] tables")
    return found


def _refuse_bare_numbers(doc: Document, key: str, raw: Any) -> None:
    """Refuse a number as an argument, before it is refused as 'not a string'."""
    flows = raw.get("flows") if isinstance(raw, dict) else None
    for k, flow in enumerate(flows if isinstance(flows, list) else []):
        use = flow.get("use") if isinstance(flow, dict) else None
        for arg, value in use.items() if isinstance(use, dict) else ():
            if isinstance(value, int | float):
                why = f"{arg} = {value} is a number without a source: name it in [factor.NAME] "
                raise doc.error(f"{key}.flows[{k}]", f"{why}(value, unit, source) and write {arg} = 'NAME'")


def _check_amount(doc: Document, key: str, entry: QuantityEntry) -> None:
    ways = [entry.amount is not None, entry.purchased is not None, entry.rate_per_h is not None]
    if sum(ways) != 1:
        raise doc.error(
            key, "needs one of 'amount', 'purchased' (with stocks) or 'rate_per_h' (with 'hours')"
        )
    if (entry.rate_per_h is None) != (entry.hours is None):
        raise doc.error(key, "'rate_per_h' and 'hours' belong together")
    if entry.purchased is None and (entry.sold or entry.opening or entry.closing):
        raise doc.error(key, "'sold', 'opening' and 'closing' belong to 'purchased'")
    for name in ("amount", "purchased", "opening", "closing", "sold", "rate_per_h", "hours"):
        if abs(getattr(entry, name) or 0.0) > _MOST:
            raise doc.error(f"{key}.{name}", f"is beyond anything that is weighed or metered ({_MOST:g})")
    for name in ("purchased", "sold", "opening", "closing", "rate_per_h", "hours"):
        if (getattr(entry, name) or 0.0) < 0.0:
            raise doc.error(f"{key}.{name}", "must not be negative")
    if entry.uncertainty_percent is not None and not 0.0 <= entry.uncertainty_percent <= 100.0:
        raise doc.error(f"{key}.uncertainty_percent", "must be from 0 to 100 (expanded, k = 2)")
    if isinstance(entry.share, float):
        if not 0.0 <= entry.share <= 1.0:
            raise doc.error(f"{key}.share", f"is {entry.share:g}; a fraction from 0 to 1 is meant")
        if entry.share != 1.0 and not entry.share_source:
            raise doc.error(f"{key}.share", "needs 'share_source': by which rule does this part belong here?")


def _factors(doc: Document) -> dict[str, Factor]:
    raw = doc.data.get("factor", {})
    for name, table in raw.items() if isinstance(raw, dict) else ():
        if isinstance(table, dict):
            table.setdefault("valid_from", "undated")
            if not table.get("source"):
                raise doc.error(
                    f"factor.{name}", "has no source: say where the value comes from (source = '...')"
                )
    found = doc.tables("factor", Factor)
    for name, factor in found.items():
        check_factor(doc, f"factor.{name}", factor)
        _check_unit(doc, f"factor.{name}.unit", factor.unit)
    return found


def _check_unit(doc: Document, key: str, unit: str) -> None:
    try:
        read_unit(unit)
    except UnitError as error:
        raise doc.error(key, str(error)) from None


def _factor_roles(doc: Document, process: Process | None) -> dict[str, str]:
    for name, value in doc.data.get("factors", {}).items():
        if not isinstance(value, str):
            why = f"values of this case stand in [factor.{name}]; [factors] says which factor a role takes"
            raise doc.error(f"factors.{name}", why)
    given = doc.convert(doc.data.get("factors", {}), dict[str, str], "factors")
    known = process.factor_roles if process else {}
    for name in given:
        if name not in known:
            whose = f"the process '{process.id}'" if process else "a case without a process"
            raise doc.error(f"factors.{name}", f"{whose} has no such factor role", known)
    own = {name: name for name in doc.data.get("factor", {}) if name in known}
    for name in own:
        if given.get(name, name) != name:
            why = f"is given in [factor.{name}], and [factors] chooses '{given[name]}': take one of them out"
            raise doc.error(f"factors.{name}", why)
    return {**known, **given, **own}


def _parameters(doc: Document) -> dict[str, Parameter]:
    found = doc.tables("parameter", Parameter)
    for name, parameter in found.items():
        if not (parameter.unit and parameter.source):
            raise doc.error(f"parameter.{name}", "needs a unit and a source")
        _check_unit(doc, f"parameter.{name}.unit", parameter.unit)
        check_doubt(doc, f"parameter.{name}", parameter.uncertainty_percent)
    return found


def _allocations(doc: Document) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name, one in doc.tables("allocation", Allocation).items():
        _check_allocation(doc, f"allocation.{name}", one)
        found[name] = Parameter(
            default=one.share(), unit="1", source=one.source, uncertainty_percent=one.uncertainty_percent
        )
    return found


def _check_allocation(doc: Document, key: str, one: Allocation) -> None:
    if one.to not in one.amounts:
        raise doc.error_naming(f"{key}.to", f"'{one.to}' is none of the amounts", one.to, one.amounts)
    for name in one.weights:
        if name not in one.amounts:
            raise doc.error(f"{key}.weights.{name}", "has no amount", one.amounts)
    if one.weights and set(one.weights) != set(one.amounts):
        missing = ", ".join(sorted(set(one.amounts) - set(one.weights)))
        raise doc.error(f"{key}.weights", f"has none for {missing}: give all of them, or none (by mass)")
    if min(one.amounts.values()) < 0.0 or min(one.weights.values(), default=0.0) < 0.0:
        raise doc.error(key, "amounts and weights must not be negative")
    if not any(amount * one.weights.get(name, 1.0) for name, amount in one.amounts.items()):
        raise doc.error(key, "all parts are zero: there is nothing to share by")
    if not one.source:
        raise doc.error(f"{key}.source", "is empty: which rule shares it this way?")


def _values(doc: Document, process: Process | None, own: dict[str, Parameter]) -> dict[str, float]:
    given = doc.convert(doc.data.get("parameters", {}), dict[str, float], "parameters")
    known = process.parameters if process else {}
    for name in given:
        if name in own:
            raise doc.error(
                f"parameters.{name}", f"is a parameter of this case: set its default in [parameter.{name}]"
            )
        if name not in known:
            whose = f"the process '{process.id}'" if process else "a case without a process"
            raise doc.error(f"parameters.{name}", f"{whose} has no such parameter", known)
    return given


def _expected(doc: Document) -> tuple[dict[str, ExpectedValue], float]:
    raw = dict(doc.data.get("expect", {}))
    tolerance = doc.convert(raw.pop("tolerance", TOLERANCE), float, "expect.tolerance")
    found: dict[str, ExpectedValue] = {}
    for name, value in _flat(raw).items():
        key = f"expect.{name}"
        bare = isinstance(value, int | float) and not isinstance(value, bool)
        if not bare and not isinstance(value, dict):
            raise doc.error(key, "a number is expected, or { value = ..., unit = '...', tolerance = ... }")
        found[name] = doc.convert({"value": float(value)} if bare else value, ExpectedValue, key)
    return found, tolerance


def _flat(raw: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the parts of dotted names: ``quantity.coke.co2_fuel_kg``."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if isinstance(value, dict) and "value" not in value:
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _boundary(doc: Document, process: Process | None) -> dict[str, str]:
    given = doc.convert(doc.data.get("boundary", {}), dict[str, str], "boundary")
    for name in given:
        if name not in METRICS:
            raise doc.error(f"boundary.{name}", f"no metric '{name}'", METRICS)
    return {**(process.boundary if process else {}), **given}


def _check_names(doc: Document, case: Case, own: dict[str, Parameter]) -> None:
    """Refuse a name that means two things."""
    known = case.process.parameters if case.process else {}
    for name in own:
        if name in known or name in case.factors or name in case.factor_roles:
            raise doc.error(f"parameter.{name}", "is already the name of another parameter or factor")
    for name in case.factors:
        if name in known:
            why = "is the name of a parameter of the process: set it in [parameters]"
            raise doc.error(f"factor.{name}", why)
