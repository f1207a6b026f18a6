"""Processes as data: which streams a process has and what each of them emits.

``firmware_configs/processes/NAME.toml`` declares roles (streams with unit and kind), the
flows each stream causes (energy, CO2e by source, product), factors, windows and the
boundary of every metric. Everything a process does is streams x factors; the potline's
anode effects and Faraday's law are the `potline` kernel, which adds streams of its own.
"""

from pathlib import Path
from typing import Literal

import msgspec

from greenhearth.profiles import Kind
from greenhearth.shelf import configs_root, listed
from greenhearth.strict import Document
from greenhearth.units import RATE_OF, UNITS

OUTPUTS = (
    "product_t",
    "product_estimate_t",
    "electricity_kwh",
    "fuel_kwh",
    "kgce",
    "co2_fuel_kg",
    "co2_process_kg",
    "co2_electricity_kg",
    "co2_anode_kg",
    "co2_pfc_kg",
    "co2_upstream_kg",
)
"""Columns of the factor matrix. CO2 means CO2e; fuel energy is net calorific."""

Output = Literal[
    "product_t", "product_estimate_t", "electricity_kwh", "fuel_kwh", "kgce", "co2_fuel_kg",
    "co2_process_kg", "co2_electricity_kg", "co2_anode_kg", "co2_pfc_kg", "co2_upstream_kg",
]  # fmt: skip


class Flow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One unit of a stream causes ``multiply x product of factors`` of an output."""

    output: Output
    multiply: float = 1.0
    factors: list[str] = []
    """Catalogue ids, or names of ``[factor_roles]`` that the site fills."""
    parameters: list[str] = []
    """Names of ``[parameters]`` whose values multiply too."""


class ProcessRole(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[role.NAME]``: a stream, a state or a series the process looks at."""

    kind: Kind
    unit: str = ""
    required: bool = False
    meaning: str
    checks: str = ""
    """A rate that must integrate to this counter role (balance)."""
    flows: list[Flow] = []


class Parameter(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[parameters.NAME]``: a number the site may set."""

    default: float
    unit: str
    source: str
    uncertainty_percent: float = 0.0


class ProcessHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ``[process]`` table of a process file."""

    id: str
    title: str
    sector: str
    product: str
    source: str
    batch_word: str = ""
    """What a batch is called here ("heat"); empty where there are none."""
    batch_role: str = ""
    """State role whose change ends a batch (heat number)."""
    phase_role: str = ""
    kernel: Literal["", "potline"] = ""


class Process(ProcessHead, kw_only=True):
    """One process of a sector."""

    roles: dict[str, ProcessRole] = {}
    derived: dict[str, ProcessRole] = {}
    """Streams that the process's own kernel adds; their flows."""
    parameters: dict[str, Parameter] = {}
    factor_roles: dict[str, str] = {}
    """Name -> default catalogue id."""
    boundary: dict[str, str] = {}
    """Metric -> boundary key, compared letter by letter with a benchmark's."""


def load_process(path: Path) -> Process:
    """Read a process file; ConfigError names file, line, key and the nearest right name."""
    doc = Document(path)
    doc.only("process", "role", "derived", "parameters", "factor_roles", "boundary")
    head = doc.table("process", ProcessHead)
    process = Process(
        **msgspec.structs.asdict(head),
        roles=doc.tables("role", ProcessRole),
        derived=doc.tables("derived", ProcessRole),
        parameters=doc.tables("parameters", Parameter),
        factor_roles=doc.convert(doc.data.get("factor_roles", {}), dict[str, str], "factor_roles"),
        boundary=doc.convert(doc.data.get("boundary", {}), dict[str, str], "boundary"),
    )
    _check(doc, process)
    return process


def find_process(name: str) -> Path:
    """Return the file of a process; LookupError if there is none."""
    if name not in known_processes():
        raise LookupError(name)
    return configs_root() / "processes" / f"{name}.toml"


def known_processes() -> list[str]:
    """Return the ids of all processes on the shelf."""
    return [name.partition("/")[2] for name in listed("processes")]


def _check(doc: Document, process: Process) -> None:
    if process.id != doc.path.stem:
        raise doc.error("process.id", f"must be '{doc.path.stem}', as the file is called")
    for field, name in (("batch_role", process.batch_role), ("phase_role", process.phase_role)):
        if name and name not in process.roles:
            raise doc.error_naming(f"process.{field}", f"no role '{name}'", name, process.roles)
        if name and process.roles[name].kind != "state":
            raise doc.error(f"process.{field}", f"the role '{name}' is not a state")
    for table, roles in (("role", process.roles), ("derived", process.derived)):
        for name, role in roles.items():
            _check_role(doc, process, f"{table}.{name}", role)
    for name, parameter in process.parameters.items():
        if not (parameter.unit and parameter.source):
            raise doc.error(f"parameters.{name}", "needs a unit and a source")


def _check_role(doc: Document, process: Process, key: str, role: ProcessRole) -> None:
    if role.unit and role.unit not in UNITS:
        raise doc.error_naming(f"{key}.unit", f"unknown unit '{role.unit}'", role.unit, UNITS)
    if role.flows and role.kind not in ("counter", "rate"):
        raise doc.error(f"{key}.flows", f"a {role.kind} has no increments, so it can cause no flow")
    if role.checks:
        _check_balance(doc, process, f"{key}.checks", role)
    for k, flow in enumerate(role.flows):
        for name in flow.parameters:
            if name not in process.parameters:
                where, why = f"{key}.flows[{k}].parameters", f"no parameter '{name}'"
                raise doc.error_naming(where, why, name, process.parameters)


def _check_balance(doc: Document, process: Process, key: str, role: ProcessRole) -> None:
    counter = process.roles.get(role.checks)
    if counter is None:
        raise doc.error_naming(key, f"no role '{role.checks}'", role.checks, process.roles)
    rate = UNITS[role.unit].base if role.unit else ""
    integral = UNITS[counter.unit].base if counter.unit in UNITS else ""
    if role.kind != "rate" or RATE_OF.get(rate) != integral:
        raise doc.error(key, f"a {role.kind} in '{role.unit}' does not add up to '{counter.unit}'")
