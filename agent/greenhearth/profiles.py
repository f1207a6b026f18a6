"""Profiles: what a meter, weigher or PLC is, as data (``firmware_configs/meters|plcs``).

A profile lists registers with unit, type, byte order, scale, sentinels, accuracy and the
source each was read from. Where a device is, and what it measures, is in the site file.
"""

from pathlib import Path
from typing import Literal

import msgspec

from greenhearth.shelf import configs_root, listed
from greenhearth.strict import ConfigError, Document
from greenhearth.units import RATE_OF, UNITS

Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string", "bit"]
Order = Literal[
    "AB", "BA",
    "ABCD", "CDAB", "BADC", "DCBA",
    "ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA", "CDABGHEF", "EFGHABCD",
]  # fmt: skip
"""Bytes in the order the wire brings them; A is the most significant."""

WORDS = {
    "int16": 1, "uint16": 1, "bit": 1, "int32": 2, "uint32": 2, "float32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
Protocol = Literal["modbus", "dlt645", "iec62056_21", "ascii_line"]
Table = Literal["holding", "input", "coil", "discrete"]
Kind = Literal["gauge", "counter", "rate", "state", "text"]


class Point(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One value of a device."""

    source: str
    """Manual and page, or the public register table."""
    address: int = -1
    """0-based, as on the wire; only of a device that speaks Modbus."""
    code: str = ""
    """Names a value without a register: DL/T 645 data identifier, OBIS code, field of the line grammar."""
    type: Type = "float64"
    """Required of a Modbus register; values with a `code` are float64 or string."""
    unit: str = ""
    """Unit after scale and offset; the point's name ends in it (``active_power_kw``)."""
    kind: Kind = "gauge"
    table: Table = "holding"
    order: Order | None = None
    """None: big-endian (``AB``, ``ABCD``, ``ABCDEFGH``)."""
    scale: float = 1.0
    offset: float = 0.0
    bit: int = -1
    length: int = 0
    """Registers of a string."""
    count: int = 1
    """Equal points side by side (cell voltages): ``name_001`` ... ``name_NNN``."""
    sentinels: list[int] = []
    """Raw values that mean "no value", as unsigned integers of the full width."""
    low: float | None = None
    high: float | None = None
    """Physical limits after scaling; outside them the quality is RANGE."""
    modulus: float = 0.0
    """Counter value at which it starts again at 0, after scaling; 0: not known."""
    accuracy_percent: float = 0.0
    """Maximum permissible error of the measurement [% of reading]."""
    phases: list[str] = []
    """Names of the codes of a state point."""
    every_s: float = 0.0
    """How often it is worth reading [s]; 0: at every scan."""
    stale_after_s: float = 0.0
    """A gauge or rate whose raw value has not moved for so long is STALE, not measured; 0: never."""
    constant: int | None = None
    """Raw value that this register always has: with another one the device's map is not this profile's."""


class ProfileHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ``[profile]`` table of a profile file."""

    id: str
    """Folder and name of the file, e.g. ``meters/eastron_sdm630``."""
    maker: str
    model: str
    source: str
    protocol: Protocol = "modbus"
    max_registers: int = 125
    max_gap: int = 0
    """Undeclared registers that one block may read across."""
    no_read: list[tuple[int, int]] = []
    """Closed address ranges that must not be read."""
    turnaround_ms: float = 5.0
    """Time the device takes to begin its reply."""
    timeout_ms: float = 1000.0
    tid_zero: bool = False
    """Whether the device answers every request with transaction id 0."""


class Profile(ProfileHead, kw_only=True):
    """What one model of device is."""

    points: dict[str, Point] = {}


def words_of(point: Point) -> int:
    """Return how many registers one value of this point takes."""
    return point.length if point.type == "string" else WORDS[point.type]


def load_profile(path: Path) -> Profile:
    """Read a profile file; ConfigError names file, line, key and the nearest right name."""
    doc = Document(path)
    doc.only("profile", "point")
    head = doc.table("profile", ProfileHead)
    points = doc.tables("point", Point)
    _check_naming(doc, head, points)
    profile = Profile(**msgspec.structs.asdict(head), points=_placed(head, points))
    _check_head(doc, profile)
    for name, point in points.items():
        for field, why in _faults(name, point, profile):
            raise doc.error_naming(f"point.{name}.{field}", why, point.unit, UNITS if field == "unit" else ())
    _check_overlaps(doc, points)
    return profile


def find_profile(profile_id: str) -> Path:
    """Return the file of ``meters/NAME`` or ``plcs/NAME``; LookupError if there is none."""
    if profile_id not in known_profiles():
        raise LookupError(profile_id)
    return configs_root() / f"{profile_id}.toml"


def known_profiles() -> list[str]:
    """Return the ids of all profiles on the shelf."""
    return listed("meters") + listed("plcs")


def point_range(point: Point) -> range:
    """Return the registers (or bits of a bit table) that a point takes."""
    return range(point.address, point.address + words_of(point) * point.count)


def _check_naming(doc: Document, head: ProfileHead, points: dict[str, Point]) -> None:
    """Refuse a register without address or type, and a coded value with a register's keys."""
    for name, point in points.items():
        given = doc.data["point"][name]
        key = f"point.{name}"
        if head.protocol == "modbus":
            for wanted in ("address", "type"):
                if wanted not in given:
                    raise doc.error(f"{key}.{wanted}", "is missing; every Modbus register has one")
            if point.code:
                raise doc.error(f"{key}.code", "belongs to devices that do not speak Modbus")
            continue
        if not point.code:
            raise doc.error(f"{key}.code", f"is missing; {head.protocol} names values by code")
        if point.type not in ("float64", "string") or point.count != 1:
            raise doc.error(f"{key}.type", "a coded value is one 'float64' or one 'string'")
        for strange in ("address", "table", "order", "bit", "constant"):
            if strange in given:
                raise doc.error(f"{key}.{strange}", f"belongs to Modbus registers; {head.protocol} has none")


def _placed(head: ProfileHead, points: dict[str, Point]) -> dict[str, Point]:
    """Give coded values places side by side, as if they were registers: so the rest treats all alike."""
    if head.protocol == "modbus":
        return points
    placed, at = {}, 0
    for name, point in points.items():
        placed[name] = msgspec.structs.replace(point, address=at)
        at += words_of(point)
    return placed


def _check_head(doc: Document, profile: Profile) -> None:
    wanted = f"{doc.path.parent.name}/{doc.path.stem}"
    if profile.id != wanted:
        raise doc.error_naming("profile.id", f"must be '{wanted}', as the file is called", "", ())
    if not 1 <= profile.max_registers <= 125:
        raise doc.error("profile.max_registers", "a Modbus reply holds 1 to 125 registers")
    if profile.max_gap < 0 or profile.turnaround_ms < 0 or profile.timeout_ms <= 0:
        raise doc.error("profile", "max_gap and turnaround_ms cannot be negative, timeout_ms is above 0")
    if not profile.points:
        raise doc.error("profile", "has no [point.NAME]")


def _faults(name: str, point: Point, profile: Profile) -> list[tuple[str, str]]:
    """Return (field, sentence) for everything that is wrong with a point."""
    return [
        *_shape_faults(point, profile),
        *_value_faults(point),
        *_kind_faults(point),
        *_unit_faults(name, point),
        *([] if point.source else [("source", "says where the register was read from; it cannot be empty")]),
    ]


def _shape_faults(point: Point, profile: Profile) -> list[tuple[str, str]]:
    words, used = words_of(point), point_range(point)
    faults = []
    if point.order and len(point.order) != 2 * words:
        why = f"{point.order} orders {len(point.order)} bytes, {point.type} has {2 * words}"
        faults.append(("order", why))
    if point.order and point.type == "string":
        faults.append(("order", "a string has no byte order"))
    if (point.type == "string") != (point.length > 0):
        faults.append(("length", "a string, and nothing else, needs 'length' in registers"))
    if point.count < 1:
        faults.append(("count", "must be 1 or more"))
    if used.start < 0 or used.stop > 65536:
        faults.append(("address", f"{used.start} and its {len(used)} registers leave 0..65535"))
    if words > profile.max_registers:
        faults.append(("type", f"{words} registers do not fit the {profile.max_registers} of one request"))
    if any(used.start <= last and first < used.stop for first, last in profile.no_read):
        faults.append(("address", "lies in a range of no_read"))
    return faults


def _value_faults(point: Point) -> list[tuple[str, str]]:
    bits = 16 * words_of(point)
    faults = []
    in_registers = point.table in ("holding", "input")
    if point.type == "bit" and in_registers and not 0 <= point.bit <= 15:
        faults.append(("bit", "a bit of a register needs 'bit' from 0 to 15"))
    if point.type != "bit" and (point.bit >= 0 or not in_registers):
        faults.append(("type", "coils, discrete inputs and 'bit' go with type 'bit'"))
    if any(not 0 <= s < 1 << bits for s in point.sentinels):
        faults.append(("sentinels", f"one is no unsigned integer of the {bits} bits of {point.type}"))
    if point.scale == 0:
        faults.append(("scale", "0 would make every value 0"))
    if point.low is not None and point.high is not None and point.low >= point.high:
        faults.append(("low", "must be below 'high'"))
    if point.accuracy_percent < 0 or point.modulus < 0:
        faults.append(("accuracy_percent", "accuracy_percent and modulus cannot be negative"))
    if point.every_s < 0 or point.stale_after_s < 0:
        faults.append(("every_s", "every_s and stale_after_s cannot be negative"))
    if point.constant is not None and not 0 <= point.constant < 1 << bits:
        faults.append(("constant", f"is no unsigned integer of the {bits} bits of {point.type}"))
    return faults


def _kind_faults(point: Point) -> list[tuple[str, str]]:
    faults = []
    if (point.type == "string") != (point.kind == "text"):
        faults.append(("kind", "a string is 'text', and only a string is"))
    if point.kind in ("counter", "rate") and not point.unit:
        faults.append(("unit", f"a {point.kind} needs a unit"))
    if point.kind == "rate" and point.unit in UNITS and UNITS[point.unit].base not in RATE_OF:
        rates = ", ".join(name for name, unit in UNITS.items() if unit.base in RATE_OF)
        faults.append(("kind", f"{point.unit} is not a rate ({rates})"))
    if point.kind in ("state", "text") and point.unit:
        faults.append(("unit", f"a {point.kind} has no unit"))
    if point.phases and point.kind != "state":
        faults.append(("phases", "only a state has phases"))
    if point.stale_after_s and point.kind not in ("gauge", "rate"):
        faults.append(("stale_after_s", "only a gauge or a rate must move to be believed"))
    if point.modulus and point.kind != "counter":
        faults.append(("modulus", "only a counter starts again at 0"))
    return faults


def _unit_faults(name: str, point: Point) -> list[tuple[str, str]]:
    if not point.unit:
        return []
    if point.unit not in UNITS:
        return [("unit", f"unknown unit '{point.unit}'")]
    suffix = UNITS[point.unit].suffix
    if name.endswith(f"_{suffix}"):
        return []
    return [("unit", f"is {point.unit}, so the point's name must end in '_{suffix}'")]


def _check_overlaps(doc: Document, points: dict[str, Point]) -> None:
    """Refuse two values in the same registers; the bits of a register may share it."""
    ordered = sorted(points.items(), key=lambda item: (item[1].table, item[1].address))
    last: dict[Table, tuple[str, range]] = {}
    for name, point in ordered:
        if point.type == "bit":
            continue
        other, taken = last.get(point.table, ("", range(0)))
        if other and point.address < taken.stop:
            raise doc.error(f"point.{name}.address", f"register {point.address} already belongs to '{other}'")
        last[point.table] = (name, point_range(point))


__all__ = [
    "ConfigError", "Kind", "Order", "Point", "Profile", "Table", "Type",
    "find_profile", "known_profiles", "load_profile", "point_range", "words_of",
]  # fmt: skip
