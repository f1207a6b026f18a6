"""Green twins as they are declared: per tonne of product, the streams of a green process.

``firmware_configs/twins/*.toml``: the same product as the line makes, as another process, each
amount with its source. What is declared must make exactly the one tonne it is declared for.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from greenhearth.error_sources import StreamWeight
from greenhearth.factors import Factor, load_factors
from greenhearth.flows import FlowError, Sources, flow_coefficients
from greenhearth.processes import (
    Process,
    ProcessRole,
    find_process,
    increment_unit,
    known_processes,
    load_process,
)
from greenhearth.quantities import UnitError, scale
from greenhearth.shelf import configs_root
from greenhearth.strict import Document

GRID_ROLES = ("grid", "contract")
"""Factor roles that a twin takes from the line it stands beside."""

_SAME_PRODUCT = 1e-9
"""Relative: a twin that makes another amount would be compared with another product."""


class TwinHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ``[twin]`` table."""

    process: str
    """The process of the lines it is a twin of."""
    green: str
    """The process whose flows it has."""
    title: str
    source: str
    note: str = ""
    """What is the same and what is not."""


class PerTonne(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[per_tonne.ROLE]``: amount of a stream of the green process per tonne of the line's product."""

    amount: float
    unit: str
    source: str
    uncertainty_percent: float = 0.0
    """Expanded (k = 2)."""


class Twin(TwinHead, kw_only=True):
    """A twin with everything it declares."""

    id: str
    green_process: Process
    """As it stood on the shelf when the twin was loaded: figures do not change under a running agent."""
    per_tonne: dict[str, PerTonne]
    factors: dict[str, str] = {}
    """Factor role of the green process -> catalogue id."""
    parameters: dict[str, float] = {}


def load_twin(path: Path, catalogue: Mapping[str, Factor] | None = None) -> Twin:
    """Read a twin file; ConfigError names file, line, key and the nearest right name.

    `catalogue` is the one its factors must be in; the shelf's where not given.
    """
    doc = Document(path)
    doc.only("twin", "per_tonne", "factors", "parameters")
    head = doc.table("twin", TwinHead)
    for key, name in (("process", head.process), ("green", head.green)):
        if name not in known_processes():
            raise doc.error_naming(f"twin.{key}", f"no process '{name}'", name, known_processes())
    if not head.source:
        raise doc.error("twin.source", "is empty: say where the amounts come from")
    green = load_process(find_process(head.green))
    twin = Twin(
        **msgspec.structs.asdict(head),
        id=path.stem,
        green_process=green,
        per_tonne=doc.tables("per_tonne", PerTonne),
        factors=doc.convert(doc.data.get("factors", {}), dict[str, str], "factors"),
        parameters=doc.convert(doc.data.get("parameters", {}), dict[str, float], "parameters"),
    )
    _check(doc, twin, green)
    _check_product(doc, twin, green, load_factors() if catalogue is None else catalogue)
    return twin


def twins_of(process: str, root: Path | None = None) -> tuple[Twin, ...]:
    """Return the twins on the shelf for lines of a process, in the order of their files."""
    return _twins_in((root or configs_root()) / "twins", process)


@cache
def _twins_in(folder: Path, process: str) -> tuple[Twin, ...]:
    paths = sorted(folder.glob(f"{process}*.toml"))
    catalogue = load_factors() if paths else {}
    twins = [load_twin(path, catalogue) for path in paths]
    return tuple(twin for twin in twins if twin.process == process)


def twin_sources(twin: Twin, grid: Mapping[str, str], catalogue: Mapping[str, Factor]) -> Sources:
    """Return where the names in the green process's flows lead; `grid` is the line's own choice."""
    green = twin.green_process
    own = {role: chosen for role, chosen in grid.items() if role in GRID_ROLES and role in green.factor_roles}
    roles = {**green.factor_roles, **twin.factors, **own}
    return Sources(catalogue, roles, green.parameters, twin.parameters)


def twin_weights(twin: Twin, sources: Sources) -> list[StreamWeight]:
    """Return what one unit of each declared stream is, in the order of ``per_tonne``.

    FlowError when a factor is missing or does not fit; `sources` then knows every factor used.
    """
    return [_weight(twin.green_process, name, one, sources) for name, one in twin.per_tonne.items()]


def _weight(green: Process, name: str, one: PerTonne, sources: Sources) -> StreamWeight:
    definition = _roles(green)[name]
    unit = increment_unit(definition)
    flows = [c for flow in definition.flows for c in flow_coefficients(flow, unit, sources)]
    return StreamWeight(flows, unit=scale(one.unit, unit), u=one.uncertainty_percent / 200.0, name=name)


def _roles(green: Process) -> dict[str, ProcessRole]:
    return {**green.roles, **green.derived}


def _check(doc: Document, twin: Twin, green: Process) -> None:
    roles = _roles(green)
    for name, one in twin.per_tonne.items():
        key = f"per_tonne.{name}"
        if name not in roles:
            raise doc.error_naming(key, f"process '{green.id}' has no role '{name}'", name, roles)
        if not one.source:
            raise doc.error(f"{key}.source", "is empty: say where the amount comes from")
        if one.amount < 0.0 or one.uncertainty_percent < 0.0:
            raise doc.error(key, "amount and uncertainty_percent cannot be negative")
        try:
            scale(one.unit, increment_unit(roles[name]))
        except UnitError as error:
            raise doc.error(f"{key}.unit", str(error)) from error
    for table, given, known in (
        ("factors", twin.factors, green.factor_roles), ("parameters", twin.parameters, green.parameters),
    ):  # fmt: skip
        for name in given:
            if name not in known:
                why = f"process '{green.id}' has no '{name}'"
                raise doc.error_naming(f"{table}.{name}", why, name, known)


def _check_product(doc: Document, twin: Twin, green: Process, catalogue: Mapping[str, Factor]) -> None:
    """Refuse a twin that does not make the tonne it is compared with."""
    sources = twin_sources(twin, {}, catalogue)
    try:
        weights = twin_weights(twin, sources)
    except FlowError as error:
        raise doc.error("factors" if twin.factors else "twin.green", str(error)) from error
    made = {
        name: one.amount * weight.unit * product
        for (name, one), weight in zip(twin.per_tonne.items(), weights, strict=True)
        if (product := sum(flow.value for flow in weight.flows if flow.output == "product_t"))
    }
    whole = sum(made.values())
    if not made:
        roles = " or ".join(f"[per_tonne.{name}]" for name in _makers(green, sources))
        raise doc.error("per_tonne", f"no product is declared: add {roles} with what makes 1 t of it")
    if abs(whole - 1.0) > _SAME_PRODUCT:
        name = next(iter(made))
        better = f"; write {twin.per_tonne[name].amount / whole:.13g}" if whole > 0.0 else ""
        why = f"the declared amounts make {whole:.12g} t of product instead of 1 t{better}"
        raise doc.error(f"per_tonne.{name}.amount", why)


def _makers(green: Process, sources: Sources) -> list[str]:
    """Return the streams of a process that are its product."""
    found = []
    for name, role in _roles(green).items():
        with suppress(FlowError):
            flows = [c for flow in role.flows for c in flow_coefficients(flow, increment_unit(role), sources)]
            found += [name] if any(c.output == "product_t" for c in flows) else []
    return found
