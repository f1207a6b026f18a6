"""The inventory of a case: metrics with their uncertainty, what the interval is made of, and the trail.

The figures come out of the compiled kernel that also runs live (`evaluate_amounts`). As JSON
(``greenhearth account CASE.toml --json``) an inventory is an object with

    case, factor_set, title, source, process, product, period_h, batches   names and what it is of
    totals       output -> {value, unit}: everything summed over the trail
    metrics      name -> {value, unit, uncertainty (expanded, k = 2), why, causes [{name, percent}]}
    trail        list of `TrailLine`: amount, arguments with source, clause and catalogue id, result
    factors      id -> {value, unit, source, clause, valid_from, verified, ...}: what `factor_set` names
    expected     list of {name, unit, value (published), found, difference (relative), tolerance, met}
    warnings     list of sentences

to which the command adds `benchmarks` (see `greenhearth_gateway.benchmarks.Comparison`), `grades`
and `baselines`. Figures that cannot be had are null, with the reason beside them.
"""

import math
from typing import Any

import msgspec
import numpy as np

from greenhearth.account.expect import Expected, check_expected, value_of
from greenhearth.account.streams import Stream, catalogue_for, output_unit, sources_of, streams_of
from greenhearth.account.tables import Case
from greenhearth.account.trail import TrailLine, lacks_market, sums_of, totals_of, trail_of
from greenhearth.factor_book import Factor, day_of, described, holds_on
from greenhearth.factors import set_name
from greenhearth.metrics import DIVIDED_BY, METRIC_UNITS, METRICS, PER_CHARGE, PER_PRODUCT, PLAIN, WEIGHTS
from greenhearth.processes import OUTPUTS
from greenhearth.weights import Evaluated, contributions, evaluate_amounts


class Amount(msgspec.Struct):
    """A total with its unit."""

    value: float
    unit: str


class Cause(msgspec.Struct):
    """One source of error: a factor, a parameter or a meter, and its share of the variance [%]."""

    name: str
    percent: float


class Metric(msgspec.Struct):
    """One metric of the account."""

    value: float | None
    unit: str
    uncertainty: float | None
    """Expanded (k = 2), from the uncertainties that are stated; None where none is."""
    why: str = ""
    """Why there is no value."""
    causes: list[Cause] = []


class Inventory(msgspec.Struct, kw_only=True):
    """What a case comes to; see the module for its JSON form."""

    case: str
    factor_set: str
    title: str
    source: str
    process: str
    product: str
    period_h: float
    batches: int | None
    totals: dict[str, Amount]
    metrics: dict[str, Metric]
    trail: list[TrailLine]
    factors: dict[str, Factor]
    expected: list[Expected]
    warnings: list[str]


def take_inventory(case: Case) -> Inventory:
    """Return the inventory of a case; ConfigError for what does not fit together."""
    sources = sources_of(case, catalogue_for(case))
    streams = streams_of(case, sources)
    trail = trail_of(streams, sources)
    totals = totals_of(trail)
    found = Inventory(
        case=case.digest,
        factor_set=set_name(sources.used),
        title=case.head.title,
        source=case.head.source,
        process=case.head.process,
        product=case.process.product if case.process else case.head.product,
        period_h=case.head.period_h,
        batches=case.head.batches,
        totals=_totals(totals),
        metrics=_metrics(streams, totals),
        trail=trail,
        factors=dict(sorted(sources.used.items())),
        expected=[],
        warnings=_warnings(case, streams, sources.used),
    )
    found.expected = check_expected(case, lambda name: value_of(found, name))
    return found


def _totals(totals: dict[str, float]) -> dict[str, Amount]:
    plain = {name: Amount(value, output_unit(name)) for name, value in totals.items()}
    return {**plain, **{name: Amount(*pair) for name, pair in sums_of(totals).items() if pair[0]}}


def _metrics(streams: list[Stream], totals: dict[str, float]) -> dict[str, Metric]:
    """Return the metrics that some quantity has to do with."""
    weights = [stream.weight() for stream in streams]
    amounts = np.array([[stream.amount for stream in streams]], np.float64).reshape(1, len(streams))
    evaluated = evaluate_amounts(weights, amounts)
    stated = any(w.u or w.also or any(f.parts for f in w.flows) for w in weights)
    found: dict[str, Metric] = {}
    for k, name in enumerate(METRICS):
        touched = any(w and o in totals for w, o in zip(WEIGHTS[k], OUTPUTS, strict=True))
        if touched:
            found[name] = _metric(k, evaluated, totals, stated)
            shares = contributions(weights, amounts[0], name) if found[name].uncertainty else {}
            found[name].causes = [Cause(one, percent) for one, percent in shares.items()]
    return found


def _metric(k: int, evaluated: Evaluated, totals: dict[str, float], stated: bool) -> Metric:
    if lacks_market(METRICS[k], totals):
        why = "the electricity is stated by place only: state co2_electricity_market_kg too"
        return Metric(None, METRIC_UNITS[k], None, why)
    value, u = float(evaluated.x[0, 0, k]), float(evaluated.u[0, 0, k])
    if math.isfinite(value):
        return Metric(value, METRIC_UNITS[k], u if stated else None)
    return Metric(None, METRIC_UNITS[k], None, why_none(DIVIDED_BY[k], totals))


def why_none(divided: int, totals: dict[str, float]) -> str:
    """Return why a ratio has no value."""
    name, what = {PER_PRODUCT: ("product_t", "product"), PER_CHARGE: ("charge_t", "charge")}.get(
        divided, ("", "amount")
    )
    if divided == PLAIN:
        return "an amount is not known"
    if name not in totals:
        return f"no quantity is a {what}: give one the method '{what}'"
    return f"the {what} is {totals[name]:g} t: there is nothing to divide by"


def _warnings(case: Case, streams: list[Stream], used: dict[str, Factor]) -> list[str]:
    found = [
        f"the factor '{name}' was recollected, not read in a source: replace it before a report"
        for name, factor in sorted(used.items())
        if not factor.verified
    ]
    silent = [s.name for s in streams if s.entry.uncertainty_percent is None and s.amount]
    if silent:
        names = ", ".join(silent[:6]) + (f" and {len(silent) - 6} more" if len(silent) > 6 else "")
        found.append(f"no uncertainty is stated for {names}: the intervals hold only what is stated")
    idle = [name for name in case.factors if name not in used]
    if idle:
        found.append(f"declared, but used nowhere: {', '.join(idle)}")
    found += [
        f"'{s.name}' is {s.amount:g} {s.entry.unit}: what is negative is taken off every total it is part of"
        for s in streams
        if s.amount < 0.0 and s.entry.purchased is None and _is_energy(s)
    ]
    found += _out_of_date(case, used)
    found += [
        f"'{s.name}' comes to {s.amount:g} {s.entry.unit}: less than nothing, by its purchases and stocks"
        for s in streams
        if s.amount < 0.0 and s.entry.purchased is not None
    ]
    return found + [
        f"'{stream.name}' causes nothing: it has no flows"
        for stream in streams
        if not any(flow.coefficients for flow in stream.flows)
    ]


def _is_energy(stream: Stream) -> bool:
    """Tell whether a quantity is energy, which nobody uses less than none of; carbon may leave."""
    outputs = {c.output for flow in stream.flows for c in flow.coefficients}
    return not outputs.isdisjoint(("fuel_kwh", "heat_kwh", "electricity_kwh"))


def _out_of_date(case: Case, used: dict[str, Factor]) -> list[str]:
    """Name the factors that do not hold for the day of the data."""
    day = day_of(case.head.date) if case.head.date else None
    return [
        f"the factor '{name}' holds from {described(factor)}, the data are of {case.head.date}"
        for name, factor in sorted(used.items())
        if day and not holds_on(factor, day)
    ]


def to_builtins(inventory: Inventory) -> dict[str, Any]:
    """Return the JSON form of an inventory."""
    plain: dict[str, Any] = msgspec.to_builtins(inventory)
    return plain
