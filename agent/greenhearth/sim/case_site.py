"""The site file of simulated cases: what an engineer would write who has the I/O list and the cases."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from greenhearth.account.tables import QuantityEntry
from greenhearth.sim.case_plant import peak_per_h
from greenhearth.sim.cases import LineCase

PROFILE = "plcs/line_controller"
HEADER = "# Lines of declared cases, as `greenhearth sim --case ... --write-site` serves them.\n"
"""First line of every file written here; a file that begins otherwise is not overwritten."""

SCANS_A_SECOND = 4.0
"""Of the wall, at most: a fast simulation is scanned less often in its own time."""
LINES_A_SECOND = 60
"""Read on one connection, with room: potlines take four requests, others one or two of 3 ms."""
RECTANGULAR = 3**0.5
"""A site states limits of error (rectangular), a case expanded uncertainties (k = 2)."""


def write_site(path: Path, lines: Sequence[LineCase], host: str, port: int, speed: float = 1.0) -> None:
    """Write the site file of simulated cases, unit 1 for the first; ValueError if another file is there."""
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(HEADER):
        raise ValueError(f"{path} exists and was not written by a simulator; choose another name")
    path.write_text(site_text(lines, host, port, speed), encoding="utf-8")


def site_text(lines: Sequence[LineCase], host: str, port: int, speed: float = 1.0) -> str:
    """Return the site file of simulated cases; ConfigError for a case that a site file cannot express."""
    interval = max(1.0, round(speed / SCANS_A_SECOND), math.ceil(len(lines) / LINES_A_SECOND))
    parts = [
        HEADER,
        '[site]\nid = "cases"\nname = "Simulated lines of declared cases"\n',
        f'[agent]\nid = "edge1"\nscan_interval_s = {interval}\n',
        f'[bus.cases]\nkind = "tcp"\nhost = {_text(host)}\nport = {port}\n',
        *(_device(line, unit) for unit, line in enumerate(lines, 1)),
        *(_line(line) for line in lines),
    ]
    return "\n".join(parts)


def roles_of(line: LineCase) -> list[str]:
    """Return the roles that a case's line has meters for: declared amounts, their rates, states and cells."""
    declared = {one.role for one in line.streams}
    found = []
    for name, role in line.process.roles.items():
        checked = role.checks in declared
        potline = bool(line.process.kernel) and name in ("line_current", "cell_voltage")
        state = name in (line.process.batch_role, line.process.phase_role)
        if name in declared or checked or potline or state:
            found.append(name)
    return found


def _device(line: LineCase, unit: int) -> str:
    points = ", ".join(_text(line.channels[role]) for role in roles_of(line))
    return f'[device.{line.name}]\nbus = "cases"\nunit = {unit}\nprofile = "{PROFILE}"\npoints = [{points}]\n'


def _line(line: LineCase) -> str:
    case, doc = line.case, line.case.document
    for role, chosen in case.factor_roles.items():
        if chosen in case.factors:
            why = f"'{chosen}' is a factor of the case only; a site file needs it in the catalogue"
            raise doc.error(f"factors.{role}", why)
    tables: dict[str, Mapping[str, object]] = {
        "parameters": {k: v for k, v in case.values.items() if k in line.process.parameters},
        "factors": {k: v for k, v in case.factor_roles.items() if line.process.factor_roles.get(k) != v},
        "boundary": doc.data.get("boundary", {}),
        "conditions": case.conditions,
    }
    head = f"[line.{line.name}]\ntitle = {_text(case.head.title)}\nprocess = {_text(line.process.id)}\n"
    roles = f"\n[line.{line.name}.role]\n" + "".join(_role(line, role) for role in roles_of(line))
    return head + roles + "".join(_table(line.name, name, table) for name, table in tables.items())


def _role(line: LineCase, role: str) -> str:
    keys = [f"device = {_text(line.name)}", f"point = {_text(line.channels[role])}"]
    stream = line.stream(role)
    if stream is not None and not stream.is_rate and stream.declared:
        keys.append(f"max_per_h = {peak_per_h(line, stream):.6g}")
    entry = line.case.quantities.get("cell_kah" if role == "line_current" else role)
    return f"{role} = {{ {', '.join([*keys, *_meter(entry)])} }}\n"


def _meter(entry: QuantityEntry | None) -> list[str]:
    if entry is None or entry.uncertainty_percent is None:
        return []
    limit = entry.uncertainty_percent / 2.0 * RECTANGULAR
    shared = [f"meter = {_text(entry.meter)}"] if entry.meter else []
    return [f"accuracy_percent = {limit:.6g}", *shared]


def _table(line: str, name: str, table: Mapping[str, object]) -> str:
    rows = "".join(f"{key} = {_text(value)}\n" for key, value in table.items())
    return f"\n[line.{line}.{name}]\n{rows}" if rows else ""


def _text(value: object) -> str:
    """Return a value as TOML: texts and numbers are written as in JSON."""
    return json.dumps(value, ensure_ascii=False)
