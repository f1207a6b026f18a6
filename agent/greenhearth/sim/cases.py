"""Declared cases as lines to simulate: how much of what a period makes, and on which channel it shows.

Source of the channels: ``firmware_configs/plcs/LINE_CONTROLLER_IO.md``, "Which stream is on which
channel".
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greenhearth.account.case_file import read_case
from greenhearth.account.streams import amount_of
from greenhearth.account.tables import Case
from greenhearth.processes import Process, ProcessRole, increment_unit
from greenhearth.quantities import UnitError, scale
from greenhearth.shelf import configs_root, listed
from greenhearth.strict import nearest_name
from greenhearth.units import UNITS

ALL = "all"
"""In place of the name of a case: every case of the shelf."""

CHANNELS = {
    "kWh": 3, "GJ": 2, "t": 10, "Nm3": 4, "kAh": 2, "kg": 8,
    "kW": 3, "GJ/h": 1, "t/h": 6, "Nm3/h": 4, "kA": 2, "kg/h": 4,
}  # fmt: skip
"""Family of units -> channels that a line controller has for it."""
_FAMILY = {"MWh": "kWh", "MJ": "GJ", "TJ": "GJ", "MW": "kW"}
_FAMILY_OF_BASE = {"Nm3": "Nm3", "Nm3/h": "Nm3/h"}
_NAME = re.compile(r"[A-Za-z0-9_-]+")

DEFAULT_BATCH_H = 2.0
"""Length of a batch where a case of a batch process does not say how many there are: assumption."""
_LEAVES = ("product", "waste")
"""Methods of what comes out at the end of a batch, beside those whose names end in "_out"."""


@dataclass(frozen=True)
class Stream:
    """One declared amount, and where its controller shows it."""

    role: str
    """Role of the process, or a stream that its kernel derives."""
    declared: float
    """Amount of a period [unit]."""
    unit: str
    """As the case has it."""
    channel: str = ""
    """Value of the controller; empty: derived, nothing shows it."""
    scale: float = 1.0
    """`unit` in the channel's unit."""
    is_rate: bool = False
    """Whether the channel shows the flow instead of the total."""
    rate_channel: str = ""
    """Value that shows the flow beside the total; empty: none."""
    rate_scale: float = 1.0
    part: str = "run"
    """Where in a batch it flows: one of `greenhearth.sim.pace.PARTS`."""


@dataclass(frozen=True)
class LineCase:
    """A case that can be simulated."""

    name: str
    """Of the file; the line, its device and its plant are called so."""
    case: Case
    process: Process
    streams: list[Stream]
    channels: dict[str, str]
    """Role -> channel, of all roles of the process."""
    batches: int
    """Of a period; 0: a continuous line."""

    @property
    def period_h(self) -> float:
        """Time in which the declared amounts are made [h]."""
        return self.case.head.period_h

    def stream(self, role: str) -> Stream | None:
        """Return the stream of a role, if the case declares it."""
        return next((one for one in self.streams if one.role == role), None)

    def parameter(self, name: str, without: float) -> float:
        """Return a parameter: of the case, else of the process, else `without`."""
        if name in self.case.values:
            return self.case.values[name]
        return self.process.parameters[name].default if name in self.process.parameters else without


def known_cases() -> list[str]:
    """Return the names of all cases on the shelf."""
    return [name.partition("/")[2] for name in listed("cases")]


def find_case(text: str) -> Path:
    """Return the file of a case: a path to a TOML file, or a name on the shelf; ValueError if none."""
    if text.endswith(".toml"):
        return Path(text)
    if text not in known_cases():
        near = nearest_name(text, known_cases())
        hint = f"; did you mean '{near}'?" if near else "; `greenhearth sim --list` names them"
        raise ValueError(f"no case '{text}' on the shelf{hint}")
    return configs_root() / "cases" / f"{text}.toml"


def open_cases(texts: Sequence[str], batch_minutes: float = 0.0) -> list[LineCase]:
    """Read cases, each by its name or file; ConfigError or ValueError for what cannot be simulated.

    `batch_minutes` cuts what a period makes into batches of that length, whatever the cases say.
    """
    names = [name for text in texts for name in (known_cases() if text == ALL else [text])]
    found = [line_case(read_case(find_case(name)), batch_minutes) for name in names]
    for name, number in Counter(one.name for one in found).items():
        if number > 1:
            raise ValueError(f"the case '{name}' is asked for twice; copy the file under another name")
    return found


def line_case(case: Case, batch_minutes: float = 0.0) -> LineCase:
    """Return a case as a line; ConfigError for what a line cannot make."""
    doc, name = case.document, case.document.path.stem
    if case.process is None:
        raise doc.error("case.process", "is missing: a simulated line has the roles of a process")
    if not _NAME.fullmatch(name):
        raise doc.error("case", f"the file name '{name}' becomes a line's: letters, digits, '_' and '-' only")
    _check_room(case, case.process)
    channels = channels_of(case.process)
    streams = [_stream(case, case.process, channels, role) for role in case.quantities]
    return LineCase(name, case, case.process, streams, channels, _batches(case, case.process, batch_minutes))


def _check_room(case: Case, process: Process) -> None:
    """Refuse a process that has more streams of a family than a line controller has channels."""
    families = Counter(_family(role) for role in process.roles.values() if role.kind in ("counter", "rate"))
    for family, number in families.items():
        room = CHANNELS.get(family, 0)
        if number > room:
            why = f"'{process.id}' has {number} roles in {family}; a line controller has {room}"
            raise case.document.error("case.process", why)


def channels_of(process: Process) -> dict[str, str]:
    """Return role -> channel of a line controller, by the one rule of its I/O list."""
    taken: Counter[str] = Counter()
    found: dict[str, str] = {}
    for name, role in process.roles.items():
        if name == process.batch_role:
            found[name] = "batch_number"
        elif name == process.phase_role:
            found[name] = "phase"
        elif name == "cell_voltage" and process.kernel == "potline":
            found[name] = "cell_voltage_v"
        elif role.kind in ("counter", "rate"):
            family = _family(role)
            taken[family] += 1
            kind = "rate" if role.kind == "rate" else "total"
            found[name] = f"{kind}_{taken[family]:02d}_{UNITS[family].suffix}"
    return found


def _family(role: ProcessRole) -> str:
    base = UNITS[role.unit].base if role.unit else ""
    return _FAMILY_OF_BASE.get(base) or _FAMILY.get(role.unit, role.unit)


def _batches(case: Case, process: Process, batch_minutes: float) -> int:
    if not process.batch_role:
        return 0
    if batch_minutes:
        return max(1, round(case.head.period_h * 60.0 / batch_minutes))
    return case.head.batches or max(1, round(case.head.period_h / DEFAULT_BATCH_H))


def _stream(case: Case, process: Process, channels: dict[str, str], name: str) -> Stream:
    doc, entry = case.document, case.quantities[name]
    role = {**process.roles, **process.derived}.get(name)
    if role is None or entry.flows is not None or entry.share != 1.0:
        why = "has flows or a share of its own: a live line has the streams of its process, whole"
        raise doc.error(f"quantity.{name}", why)
    amount = amount_of(entry)
    if amount < 0.0:
        raise doc.error(f"quantity.{name}", f"is {amount:g}: a meter does not count backwards")
    try:
        to_role = scale(entry.unit, increment_unit(role))
    except UnitError as error:
        raise doc.error(f"quantity.{name}.unit", str(error)) from error
    if name not in channels:
        return Stream(name, amount, entry.unit, scale=to_role)
    to_channel = to_role * UNITS[role.unit].factor / UNITS[_family(role)].factor
    rate, rate_scale = _rate(process, channels, name, to_role * UNITS[role.unit].factor)
    is_rate, part = role.kind == "rate", _part(role)
    return Stream(name, amount, entry.unit, channels[name], to_channel, is_rate, rate, rate_scale, part)


def _rate(process: Process, channels: dict[str, str], counter: str, to_base: float) -> tuple[str, float]:
    """Return the channel of the rate that a counter is checked by, and the factor to its unit."""
    for name, role in process.roles.items():
        if role.checks == counter:
            return channels[name], to_base / UNITS[_family(role)].factor
    return "", 1.0


def _part(role: ProcessRole) -> str:
    """Return where in a batch a stream flows: what is charged, what runs, what comes out."""
    if UNITS[role.unit].base != "kg":
        return "run"
    leaves = any(
        flow.method in _LEAVES or flow.method.endswith("_out") or flow.output == "product_t"
        for flow in role.flows
    )
    return "discharge" if leaves else "charge"
