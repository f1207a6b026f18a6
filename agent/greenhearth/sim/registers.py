"""Register tables of the simulated controllers, and how a value becomes words.

Written from the plant's I/O list and the meters' manuals, never from a profile: a profile
that names a wrong address must show against this table.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

HOLDING, INPUT = 3, 4
"""Modbus function codes that read the two register tables."""

_FORMATS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
_BYTES = {name: struct.calcsize(code) for name, code in _FORMATS.items()}
_FLOAT32_MAX = 3.4028234e38


class Field(NamedTuple):
    """One value in a controller's memory."""

    address: int
    type: str
    value: str
    """Name of the plant's value."""
    scale: float = 1.0
    """Value of one count."""
    order: str = ""
    """Bytes as the wire brings them, A the most significant; empty: big-endian."""
    missing: int | None = None
    """Raw integer that the controller shows where there is no value."""
    length: int = 0
    """Registers of a string."""

    @property
    def words(self) -> int:
        """Registers that the value takes."""
        return self.length or _BYTES[self.type] // 2


class Table(NamedTuple):
    """What one controller answers."""

    function: int
    """The only function code that reads it."""
    fields: Sequence[Field]
    ranges: Sequence[tuple[int, int]]
    """Closed address ranges that exist; what no field fills answers 0."""
    max_registers: int = 125
    """More in one request is exception 3."""

    def overlapping(self, address: int, count: int) -> list[Field]:
        """Return the fields that a request touches."""
        end = address + count
        return [one for one in self.fields if one.address < end and one.address + one.words > address]


def encode(field: Field, value: float | str) -> list[int]:
    """Return the words of a value as its controller would hold them.

    Counters (unsigned integers) start again at 0 when they are full; other integers stay
    at their limit. NaN becomes the field's `missing`, or NaN in a float.
    """
    if field.type == "string":
        return _words(str(value).encode("ascii", "replace")[: 2 * field.length].ljust(2 * field.length))
    number = float(value)
    raw: float | int = _float(field, number) if field.type.startswith("float") else _integer(field, number)
    plain = struct.pack(f">{_FORMATS[field.type]}", raw)
    return _words(reorder(plain, field.order))


def reorder(plain: bytes, order: str) -> bytes:
    """Put big-endian bytes into another order: ``CDAB`` sends the third byte first."""
    return bytes(plain[ord(letter) - 65] for letter in order) if order else plain


def image(table: Table, values: Mapping[str, float | str], address: int, count: int) -> dict[int, list[int]]:
    """Return the words of all fields that a request touches, by their address."""
    return {one.address: encode(one, values[one.value]) for one in table.overlapping(address, count)}


def _float(field: Field, number: float) -> float:
    number = number / field.scale
    if field.type == "float32" and math.isfinite(number):
        return max(-_FLOAT32_MAX, min(_FLOAT32_MAX, number))
    return number


def _integer(field: Field, number: float) -> int:
    bits = 8 * _BYTES[field.type]
    signed = not field.type.startswith("u")
    if not math.isfinite(number):
        raw = field.missing or 0
        return raw - (1 << bits) if signed and raw >> (bits - 1) else raw
    raw = round(number / field.scale)
    if signed:
        return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, raw))
    return raw % (1 << bits)


def _words(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))
