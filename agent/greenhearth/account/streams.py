"""Declared quantities as streams: amounts in the unit they are counted in, and what one unit causes."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from greenhearth.account.choices import choices_of, of_own_flows
from greenhearth.account.tables import Case, QuantityEntry
from greenhearth.coefficients import Coefficient
from greenhearth.error_sources import StreamWeight
from greenhearth.factor_book import Factor, FactorBook, day_of
from greenhearth.factors import load_factors, same_unit
from greenhearth.flows import FlowError, Sources, arguments, flow_coefficients
from greenhearth.methods import METHODS, resolve
from greenhearth.processes import Flow, Process, ProcessRole, check_flow, increment_unit
from greenhearth.quantities import Quantity, UnitError, read_unit, scale
from greenhearth.strict import ConfigError

OUTPUT_UNITS = {"_t": "t", "_kwh": "kWh", "kgce": "kgce"}
"""Ending of an output's name -> its unit; ``co2_..._kg`` is kgCO2, any other ``_kg`` is kg."""

_OF_PRODUCT = ("product_t", "product_estimate_t", "charge_t")


def output_unit(output: str) -> str:
    """Return the unit of an output of the factor matrix."""
    if output.startswith("co2_"):
        return "kgCO2"
    return next((unit for end, unit in OUTPUT_UNITS.items() if output.endswith(end)), "kg")


@dataclass(frozen=True)
class FlowResult:
    """One flow of one quantity, with everything that goes into it."""

    flow: Flow
    unit: str
    """Unit that the method (or the process) counts in."""
    factor: float
    """Unit of the quantity in `unit`."""
    coefficients: list[Coefficient]
    """Per `unit`."""
    arguments: dict[str, Quantity] = field(default_factory=dict)
    """In the units of the method."""
    given: dict[str, Quantity] = field(default_factory=dict)
    """As they were written down."""


@dataclass(frozen=True)
class Stream:
    """One declared quantity."""

    name: str
    entry: QuantityEntry
    amount: float
    """In the unit of the entry."""
    share: Quantity
    flows: list[FlowResult]

    def weight(self) -> StreamWeight:
        """Return what the kernel needs: per unit of the entry, its share already taken."""
        return StreamWeight(
            flows=[c.times(f.factor * self.share.value) for f in self.flows for c in f.coefficients],
            u=(self.entry.uncertainty_percent or 0.0) / 200.0,
            meter=self.entry.meter,
            name=self.name,
            also=((self.share.name, self.share.u / self.share.value),) if self.share.u else (),
        )


def catalogue_for(case: Case) -> FactorBook:
    """Return the catalogue as it holds for the data of a case, with the case's own factors."""
    book = load_factors(at=day_of(case.head.date) if case.head.date else None)
    for name in case.factors:
        if name in book:
            why = "is an id of the catalogue; call yours something else"
            raise case.document.error(f"factor.{name}", why)
    return FactorBook({**book.entries, **case.factors}, book.versions, book.at, book.known_at)


def sources_of(case: Case, catalogue: Mapping[str, Factor]) -> Sources:
    """Return where the names in the flows of a case lead."""
    doc = case.document
    for role, chosen in case.factor_roles.items():
        if chosen not in catalogue and chosen not in case.factor_roles:
            names = [*catalogue]
            raise doc.error_naming(f"factors.{role}", f"no factor '{chosen}'", chosen, names)
    _check_multiplied(case, catalogue)
    instead = choices_of(doc, case.head, catalogue)
    given = {*case.factors, *doc.data.get("factors", {})}
    roles = {
        role: chosen if role in given else instead.get(chosen, chosen)
        for role, chosen in case.factor_roles.items()
    }
    return Sources(catalogue, roles, case.parameters, case.values, instead)


def _check_multiplied(case: Case, catalogue: Mapping[str, Factor]) -> None:
    """Refuse a factor in another unit where the process multiplies it as it stands."""
    process = case.process
    if process is None:
        return
    flows = [flow for role in {**process.roles, **process.derived}.values() for flow in role.flows]
    multiplied = {name for flow in flows for name in flow.factors}
    for name in [role for role in process.factor_roles if role in multiplied]:
        usual, chosen = (
            Sources(catalogue, roles).chosen(name) for roles in (process.factor_roles, case.factor_roles)
        )
        one, other = catalogue.get(usual), catalogue.get(chosen)
        if one and other and not same_unit(one.unit, other.unit):
            why = f"'{chosen}' is in {other.unit}; this role needs {one.unit}: convert the value"
            raise case.document.error(f"factors.{name}", why)


def _check_product(flow: Flow, unit: str, given: Mapping[str, Quantity]) -> None:
    """Refuse `multiply` where the units say that it must be another (UnitError).

    Amount and factors are numbers times units; where those come to the kind of the output, the
    scale between them is `multiply`, and nothing else.
    """
    units = [read_unit(one) for one in (unit, *(q.unit for q in given.values()))]
    over = Counter(one.over for one in units if one.over)
    under = Counter(one.under for one in units if one.under)
    wanted = read_unit(output_unit(flow.output))
    if under - over or list((over - under).elements()) != [wanted.over]:
        return
    needed = math.prod(one.factor for one in units) / wanted.factor
    if not math.isclose(abs(flow.multiply), needed, rel_tol=1e-9):
        said = " x ".join([unit, *(q.unit for q in given.values())])
        why = f"{said} is {needed:g} times {output_unit(flow.output)}: write multiply = {needed:g}"
        raise UnitError(f"{flow.output} with multiply = {flow.multiply:g}: {why}")


def streams_of(case: Case, sources: Sources) -> list[Stream]:
    """Return the streams of a case; ConfigError for whatever does not fit."""
    streams = [_stream(case, sources, name, entry) for name, entry in case.quantities.items()]
    _check_required(case)
    return streams


def _check_required(case: Case) -> None:
    """Refuse a case that leaves out what its process needs: nothing is taken for zero."""
    for name, role in case.process.roles.items() if case.process else ():
        if role.required and role.kind in ("counter", "rate") and role.flows and name not in case.quantities:
            what = f"{role.meaning}, {increment_unit(role)}"
            why = f"is missing: '{case.head.process}' needs it ({what}); write amount = 0.0 if there was none"
            raise case.document.error(f"quantity.{name}", why)


def _stream(case: Case, sources: Sources, name: str, entry: QuantityEntry) -> Stream:
    doc, key = case.document, f"quantity.{name}"
    try:
        read_unit(entry.unit)
    except UnitError as error:
        raise doc.error(f"{key}.unit", str(error)) from error
    amount = amount_of(entry)
    role = _role(case, name)
    flows = _flows(case, sources, name, entry, role)
    outputs = {c.output for f in flows for c in f.coefficients if c.value}
    if amount < 0.0 and outputs.intersection(_OF_PRODUCT):
        raise doc.error(
            key, f"a product of {amount:g} {entry.unit} cannot be: product and charge are never negative"
        )
    return Stream(name, entry, amount, _share(case, sources, key, entry), flows)


def amount_of(entry: QuantityEntry) -> float:
    """Return the amount: as given, from purchases and stocks, or from a rate and hours."""
    if entry.rate_per_h is not None and entry.hours is not None:
        return entry.rate_per_h * entry.hours
    if entry.purchased is not None:
        return entry.purchased - entry.sold + entry.opening - entry.closing
    return entry.amount or 0.0


def _role(case: Case, name: str) -> ProcessRole | None:
    doc, key, process = case.document, f"quantity.{name}", case.process
    if process is None:
        if case.quantities[name].flows is None:
            raise doc.error(key, "needs 'flows' (what it causes), or the case a 'process' that has this role")
        return None
    role = {**process.roles, **process.derived}.get(name)
    if role is None and case.quantities[name].flows is None:
        why = f"the process '{process.id}' has no role '{name}'; a quantity of its own needs 'flows'"
        raise doc.error(key, why, _amount_roles(process))
    if role is not None and role.kind not in ("counter", "rate"):
        raise doc.error(key, f"is a {role.kind} in '{process.id}': it has no amount", _amount_roles(process))
    return role


def _amount_roles(process: Process) -> list[str]:
    return [n for n, r in {**process.roles, **process.derived}.items() if r.kind in ("counter", "rate")]


def _share(case: Case, sources: Sources, key: str, entry: QuantityEntry) -> Quantity:
    if isinstance(entry.share, float):
        return Quantity(entry.share, "1", 0.0, "share")
    try:
        found = sources.quantity(entry.share)
        share = replace(found, value=found.value * scale(found.unit, "1"), u=found.u * scale(found.unit, "1"))
    except (FlowError, UnitError) as error:
        raise case.document.error(f"{key}.share", str(error)) from error
    if not 0.0 < share.value <= 1.0:
        raise case.document.error(
            f"{key}.share", f"is {share.value:g}; a fraction above 0 and up to 1 is meant"
        )
    return share


def _flows(
    case: Case, sources: Sources, name: str, entry: QuantityEntry, role: ProcessRole | None
) -> list[FlowResult]:
    doc, found = case.document, list[FlowResult]()
    own = entry.flows is not None
    if own:
        sources = replace(sources, instead=of_own_flows(sources.instead))
    flows = entry.flows if entry.flows is not None else role.flows if role else []
    for k, flow in enumerate(flows):
        key = f"quantity.{name}.flows[{k}]" if own else f"quantity.{name}"
        try:
            if own:
                check_flow(doc, key, flow, entry.unit)
            found.append(_flow(flow, entry.unit, sources, None if own or not role else increment_unit(role)))
        except ConfigError:
            raise
        except (FlowError, UnitError) as error:
            raise doc.error(key, str(error)) from error
    return found


def _flow(flow: Flow, unit: str, sources: Sources, role_unit: str | None) -> FlowResult:
    """Return one flow; `role_unit` is the unit of the process's role, None for a flow of the case."""
    if role_unit is not None:
        scale(unit, role_unit)  # a role's quantity is in the kind of unit that the role has
    if flow.method:
        method = METHODS[flow.method]
        own = method.stream_unit(unit)
        given = arguments(flow, sources)
        coefficients = flow_coefficients(flow, own, sources)
        return FlowResult(flow, own, scale(unit, own), coefficients, resolve(method, own, given), given)
    wanted = role_unit or _stated_unit(flow, unit)
    names = [*flow.factors, *flow.parameters]
    given = {name: sources.quantity(sources.instead.get(name, name)) for name in names}
    if given:
        _check_product(flow, wanted, given)
    return FlowResult(
        flow, wanted, scale(unit, wanted), flow_coefficients(flow, wanted, sources), given, given
    )


def _stated_unit(flow: Flow, unit: str) -> str:
    """Return the unit in which a flow without a method takes its amount.

    An output alone is a stated figure and is converted to the output's own unit; with factors the
    amount is multiplied as it stands.
    """
    if flow.factors or flow.parameters or flow.multiply != 1.0:
        return unit
    wanted = output_unit(flow.output)
    scale(unit, wanted)
    return wanted
