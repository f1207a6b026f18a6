"""Processes as data: which streams a process has and what each of them emits.

``firmware_configs/processes/NAME.toml`` declares roles (streams with unit and kind), the
flows each stream causes (energy, CO2e by source, product), factors, windows and the
boundary of every metric. Everything a process does is streams x factors; the potline's
anode effects and Faraday's law are the `potline` kernel, which adds streams of its own.
"""

from pathlib import Path
from typing import Literal, get_args

import msgspec

from greenhearth.methods import METHODS, Method
from greenhearth.profiles import Kind
from greenhearth.quantities import UnitError
from greenhearth.shelf import configs_root, listed
from greenhearth.strict import Document
from greenhearth.units import RATE_OF, UNITS

Output = Literal[
    "", "product_t", "product_estimate_t", "charge_t", "recycled_t", "input_kg", "waste_kg", "voc_kg",
    "electricity_kwh", "fuel_kwh", "heat_kwh", "kgce",
    "co2_fuel_kg", "co2_process_kg", "co2_anode_kg", "co2_pfc_kg", "co2_waste_gas_kg",
    "co2_electricity_kg", "co2_electricity_market_kg", "co2_heat_kg",
    "co2_upstream_kg", "co2_precursor_kg", "co2_precursor_indirect_kg", "co2_biogenic_kg",
]  # fmt: skip

OUTPUTS: tuple[str, ...] = get_args(Output)[1:]
"""Columns of the factor matrix. CO2 means CO2e; fuel energy is net calorific; what is sold or
leaves counts negative."""


class Flow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one unit of a stream causes: by a published `method`, or ``multiply x product of factors``."""

    method: str = ""
    """One of `greenhearth.methods.METHODS`; its arguments are in `use`."""
    use: dict[str, str] = {}
    """Argument of the method -> name in ``[factor_roles]`` or ``[parameters]``, or a catalogue id."""
    output: Output = ""
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
    """Name -> default catalogue id, or the name of another factor role (``contract = "grid"``)."""
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
    _check_kernel(doc, process)
    for table, roles in (("role", process.roles), ("derived", process.derived)):
        for name, role in roles.items():
            _check_role(doc, process, f"{table}.{name}", role)
    for name, parameter in process.parameters.items():
        if not (parameter.unit and parameter.source):
            raise doc.error(f"parameters.{name}", "needs a unit and a source")
        if parameter.uncertainty_percent < 0.0:
            raise doc.error(f"parameters.{name}.uncertainty_percent", "cannot be negative")


POTLINE_STREAMS: dict[str, tuple[str, ...]] = {
    "cell_kah": (),
    "ae_minutes": ("ae_threshold_v", "ae_min_s", "ae_end_s"),
    "ae_count": ("ae_threshold_v", "ae_min_s", "ae_end_s"),
    "ae_product": ("ae_threshold_v", "ae_min_s", "ae_end_s"),
    "ae_overvoltage_product": ("ae_threshold_v", "ae_min_s", "ae_end_s", "normal_cell_voltage_v"),
}
"""Derived stream of the potline kernel -> the parameters it needs beside the current efficiency."""


def _check_kernel(doc: Document, process: Process) -> None:
    """Refuse a process whose kernel would miss something, or that has streams which nothing fills."""
    streams = POTLINE_STREAMS if process.kernel == "potline" else {}
    for name in process.derived:
        if name not in streams:
            why = f"the kernel '{process.kernel}' fills no stream '{name}'"
            raise doc.error_naming(f"derived.{name}", why, name, streams)
    if not process.kernel:
        return
    for name in ("line_current", "cell_voltage"):
        if name not in process.roles:
            raise doc.error("process.kernel", f"'{process.kernel}' needs the role '{name}'")
    for name in ["current_efficiency", *(p for stream in process.derived for p in streams[stream])]:
        if name not in process.parameters:
            raise doc.error("process.kernel", f"'{process.kernel}' needs the parameter '{name}'")


def _check_role(doc: Document, process: Process, key: str, role: ProcessRole) -> None:
    if role.unit and role.unit not in UNITS:
        raise doc.error_naming(f"{key}.unit", f"unknown unit '{role.unit}'", role.unit, UNITS)
    if role.flows and role.kind not in ("counter", "rate"):
        raise doc.error(f"{key}.flows", f"a {role.kind} has no increments, so it can cause no flow")
    if role.checks:
        _check_balance(doc, process, f"{key}.checks", role)
    for k, flow in enumerate(role.flows):
        check_flow(doc, f"{key}.flows[{k}]", flow, increment_unit(role))
        for name in flow.parameters:
            if name not in process.parameters:
                where, why = f"{key}.flows[{k}].parameters", f"no parameter '{name}'"
                raise doc.error_naming(where, why, name, process.parameters)


def increment_unit(role: ProcessRole) -> str:
    """Return the unit of a stream's increments: its own, or for a rate that of its integral over hours."""
    if role.kind != "rate":
        return role.unit
    return {"kW": "kWh", "MW": "MWh", "kA": "kAh"}.get(role.unit, role.unit.removesuffix("/h"))


def check_flow(doc: Document, key: str, flow: Flow, unit: str) -> None:
    """Refuse a flow that is neither a method with its arguments nor an output with its factors."""
    if bool(flow.method) == bool(flow.output):
        raise doc.error(key, "needs either 'method' (with 'use') or 'output' (with 'factors', 'parameters')")
    if not flow.method:
        if flow.use:
            raise doc.error(f"{key}.use", "belongs to a 'method'; an 'output' has 'factors' and 'parameters'")
        return
    if flow.multiply != 1.0 or flow.factors or flow.parameters:
        raise doc.error(key, f"the method '{flow.method}' takes its arguments from 'use' alone")
    if flow.method not in METHODS:
        why = f"no method '{flow.method}' (`greenhearth catalogue --kind methods` lists them)"
        raise doc.error_naming(f"{key}.method", why, flow.method, METHODS)
    _check_arguments(doc, key, flow, METHODS[flow.method], unit)


def _check_arguments(doc: Document, key: str, flow: Flow, method: Method, unit: str) -> None:
    try:
        method.stream_unit(unit)
    except UnitError as error:
        raise doc.error(f"{key}.method", str(error)) from error
    for name in flow.use:
        if name not in method.args:
            known = ", ".join(method.args) or "none"
            why = f"the method '{flow.method}' has no argument '{name}', it has {known}"
            raise doc.error_naming(f"{key}.use.{name}", why, name, method.args)
    for name, arg in method.args.items():
        if arg.default is None and name not in flow.use:
            raise doc.error(f"{key}.use", f"the method '{flow.method}' needs '{name}' ({arg.meaning})")


def _check_balance(doc: Document, process: Process, key: str, role: ProcessRole) -> None:
    counter = process.roles.get(role.checks)
    if counter is None:
        raise doc.error_naming(key, f"no role '{role.checks}'", role.checks, process.roles)
    rate = UNITS[role.unit].base if role.unit else ""
    integral = UNITS[counter.unit].base if counter.unit in UNITS else ""
    if role.kind != "rate" or RATE_OF.get(rate) != integral:
        raise doc.error(key, f"a {role.kind} in '{role.unit}' does not add up to '{counter.unit}'")
