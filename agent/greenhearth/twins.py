"""Green twins: what the same product would take as a green process, on this hour's grid.

``firmware_configs/twins/*.toml`` declares, per tonne of product, what the streams of a green
process would be, each with its source. They go through the same flows, factors and compiled
kernel as the line itself; the grid is the line's own.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from greenhearth.error_sources import StreamWeight, used_metrics
from greenhearth.factors import Factor
from greenhearth.flows import FlowError, Sources, flow_coefficients
from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.processes import Process, find_process, increment_unit, known_processes, load_process
from greenhearth.quantities import UnitError, scale
from greenhearth.shelf import configs_root
from greenhearth.strict import Document
from greenhearth.weights import evaluate_amounts
from greenhearth.wire import MetricValue

GRID_ROLES = ("grid", "contract")
"""Factor roles that a twin takes from the line it stands beside."""


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
    per_tonne: dict[str, PerTonne]
    factors: dict[str, str] = {}
    """Factor role of the green process -> catalogue id."""
    parameters: dict[str, float] = {}


def load_twin(path: Path) -> Twin:
    """Read a twin file; ConfigError names file, line, key and the nearest right name."""
    doc = Document(path)
    doc.only("twin", "per_tonne", "factors", "parameters")
    head = doc.table("twin", TwinHead)
    for key, name in (("process", head.process), ("green", head.green)):
        if name not in known_processes():
            raise doc.error_naming(f"twin.{key}", f"no process '{name}'", name, known_processes())
    twin = Twin(
        **msgspec.structs.asdict(head),
        id=path.stem,
        per_tonne=doc.tables("per_tonne", PerTonne),
        factors=doc.convert(doc.data.get("factors", {}), dict[str, str], "factors"),
        parameters=doc.convert(doc.data.get("parameters", {}), dict[str, float], "parameters"),
    )
    _check(doc, twin, load_process(find_process(head.green)))
    return twin


def _check(doc: Document, twin: Twin, green: Process) -> None:
    roles = {**green.roles, **green.derived}
    for name, one in twin.per_tonne.items():
        if name not in roles:
            why = f"process '{green.id}' has no role '{name}'"
            raise doc.error_naming(f"per_tonne.{name}", why, name, roles)
        if one.amount < 0.0 or not one.source:
            raise doc.error(f"per_tonne.{name}", "needs a source and an amount that is not negative")
        try:
            scale(one.unit, increment_unit(roles[name]))
        except UnitError as error:
            raise doc.error(f"per_tonne.{name}.unit", str(error)) from error
    for table, given, known in (
        ("factors", twin.factors, green.factor_roles), ("parameters", twin.parameters, green.parameters),
    ):  # fmt: skip
        for name in given:
            if name not in known:
                raise doc.error_naming(
                    f"{table}.{name}", f"process '{green.id}' has no '{name}'", name, known
                )


@cache
def twins_of(process: str, root: Path | None = None) -> tuple[Twin, ...]:
    """Return the twins on the shelf for lines of a process, in the order of their files."""
    folder = (root or configs_root()) / "twins"
    twins = [load_twin(path) for path in sorted(folder.glob(f"{process}*.toml"))]
    return tuple(twin for twin in twins if twin.process == process)


def twin_metrics(
    twin: Twin, product_t: float, grid: Mapping[str, str], catalogue: Mapping[str, Factor]
) -> dict[str, MetricValue]:
    """Return the metrics of making `product_t` [t] as the green process.

    `grid` gives the line's choice for GRID_ROLES; `catalogue` holds the factors (the hour's own grid
    factor may stand in it under any id). FlowError when a factor is missing or does not fit.
    """
    weights = twin_weights(twin, grid, catalogue)
    amounts = np.array([[one.amount * product_t for one in twin.per_tonne.values()]])
    found = evaluate_amounts(weights, amounts)
    return {
        METRICS[m]: MetricValue(_number(found.x[0, 0, m]), METRIC_UNITS[m], _number(found.u[0, 0, m]))
        for m in used_metrics(weights)
    }


def twin_weights(twin: Twin, grid: Mapping[str, str], catalogue: Mapping[str, Factor]) -> list[StreamWeight]:
    """Return what one unit of each declared stream is, in the order of ``per_tonne``."""
    green = load_process(find_process(twin.green))
    own = {role: chosen for role, chosen in grid.items() if role in GRID_ROLES and role in green.factor_roles}
    roles = {**green.factor_roles, **twin.factors, **own}
    sources = Sources(catalogue, roles, green.parameters, twin.parameters)
    return [_weight(green, name, one, sources) for name, one in twin.per_tonne.items()]


def _weight(green: Process, name: str, one: PerTonne, sources: Sources) -> StreamWeight:
    definition = {**green.roles, **green.derived}[name]
    unit = increment_unit(definition)
    flows = [c for flow in definition.flows for c in flow_coefficients(flow, unit, sources)]
    return StreamWeight(flows, unit=scale(one.unit, unit), u=one.uncertainty_percent / 200.0, name=name)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


__all__ = [
    "GRID_ROLES",
    "FlowError",
    "PerTonne",
    "Twin",
    "load_twin",
    "twin_metrics",
    "twin_weights",
    "twins_of",
]
