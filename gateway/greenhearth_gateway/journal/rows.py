"""Rows of the journal in raw bytes: found by their shape and proved by their checksum; pure.

A row of an SQLite file begins with its length, its rowid and a header that names the type of every
column. These headers are looked for anywhere, in pages, free space or garbage, without asking what
a page says of itself: so a damaged page costs only the rows that the damage itself hit.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import NamedTuple

from greenhearth_gateway.journal.schema import PAGE

Value = int | float | str | bytes | None
Buffer = bytes | mmap
Chains = Callable[[int, int], Iterator[bytes]]
"""(first page, bytes) -> what may stand in these overflow pages; several where versions differ."""

_NULL, _INT, _NUMBER = b"\\x00", b"[\\x01-\\x06\\x08\\x09]", b"[\\x00-\\x09]"
_LONG = b"(?:[\\x0c-\\x7f]|[\\x81-\\xff][\\x80-\\xff]{0,2}[\\x00-\\x7f])"
_TYPES = {"n": _NULL, "i": _INT, "r": _NUMBER, "t": _LONG, "b": _LONG, "T": b"(?:\\x00|%s)" % _LONG}
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
_REST = 489
"""Least that stays in the page of a row with overflow: (4096 - 12) * 32 / 255 - 23."""


class Shape(NamedTuple):
    """How the rows of one table look: its columns, how many of them a row may lack, its kind of tree."""

    table: str
    columns: str
    """n = null, i = integer, r = number or null, t = text, T = text or null, b = blob."""
    optional: int
    has_rowid: bool = True


SHAPES = (
    Shape("items", "nttiiitbi", 1),
    Shape("orphans", "ttiiibi", 1),
    Shape("births", "ttiibi", 1),
    Shape("watermark", "ttitTi", 2, has_rowid=False),
    Shape("counts", "ttiiiiTTi", 3, has_rowid=False),
    Shape("finished", "nttttibi", 1),
    Shape("alarm_state", "tti", 1, has_rowid=False),
    Shape("alarm_journal", "ntittrti", 1),
    Shape("quarantine", "nttiittbbii", 1),
    Shape("cursors", "tii", 1, has_rowid=False),
    Shape("hour_runs", "ttiiiiiii", 0, has_rowid=False),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What may be a row; only its checksum can say whether it is one."""

    table: str
    rowid: int
    values: tuple[Value, ...]
    """As many as the table has columns; None where an old row lacks one."""


def find_rows(data: Buffer, chains: Chains) -> Iterator[Row]:
    """Yield everything in `data` that has the shape of a row of the journal."""
    for shape, pattern in _PATTERNS:
        at = 0
        while match := pattern.search(data, at):
            at = match.start() + 1
            if match.end() - match.start() == data[match.start()]:
                yield from _rows_at(data, shape, match.start(), match.end(), chains)


def _pattern(shape: Shape) -> re.Pattern[bytes]:
    sure = len(shape.columns) - shape.optional
    parts = [_TYPES[kind] for kind in shape.columns[:sure]]
    tail = b""
    for kind in reversed(shape.columns[sure:]):
        tail = b"(?:(?:\\x00|%s)%s)?" % (_TYPES[kind], tail)
    most = 1 + sum(4 if kind in "tTb" else 1 for kind in shape.columns)
    return re.compile(b"[\\x%02x-\\x%02x]" % (sure + 1, most) + b"".join(parts) + tail, re.DOTALL)


_PATTERNS = [(shape, _pattern(shape)) for shape in SHAPES]


def _rows_at(data: Buffer, shape: Shape, start: int, body: int, chains: Chains) -> Iterator[Row]:
    types = list(_varints(bytes(data[start + 1 : body])))
    length = body - start + sum(map(_size, types))
    if length > 1 << 21 or not _fits(shape, types):
        return
    rowid = _rowid_before(data, start) if shape.has_rowid else 0
    for content in _contents(data, start, length, PAGE - 35 if shape.has_rowid else 1002, chains):
        values = _values(content[body - start :], types)
        if values is not None:
            yield Row(shape.table, rowid, values + (None,) * (len(shape.columns) - len(values)))


def _fits(shape: Shape, types: list[int]) -> bool:
    """Tell whether texts are texts and blobs are blobs, which the search leaves open."""
    sure = zip(types, shape.columns, strict=False)
    return all(kind not in "tTb" or code == 0 or (code & 1) == (kind != "b") for code, kind in sure)


def _contents(data: Buffer, start: int, length: int, most: int, chains: Chains) -> Iterator[bytes]:
    if length <= most:
        if start + length <= len(data):
            yield bytes(data[start : start + length])
        return
    here = _REST + (length - _REST) % (PAGE - 4)
    here = here if here <= most else _REST
    head, link = bytes(data[start : start + here]), bytes(data[start + here : start + here + 4])
    for rest in chains(int.from_bytes(link, "big"), length - here):
        yield head + rest


def _varints(data: bytes) -> Iterator[int]:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            yield value
            value = 0


def _rowid_before(data: Buffer, end: int) -> int:
    """Return the rowid that ends where the header begins."""
    start = end - 1
    while start > max(0, end - 9) and data[start - 1] & 0x80:
        start -= 1
    return next(_varints(bytes(data[max(0, start) : end])), 0)


def _size(code: int) -> int:
    return _SIZES[code] if code < 10 else (code - 12) // 2


def _values(body: bytes, types: list[int]) -> tuple[Value, ...] | None:
    values: list[Value] = []
    at = 0
    for code in types:
        part, at = body[at : at + _size(code)], at + _size(code)
        try:
            values.append(_value(code, part))
        except UnicodeDecodeError:
            return None
    return tuple(values)


def _value(code: int, part: bytes) -> Value:
    if code == 0:
        return None
    if code in (8, 9):
        return code - 8
    if code < 7:
        return int.from_bytes(part, "big", signed=True)
    if code == 7:
        return float(struct.unpack(">d", part)[0])
    return part if code % 2 == 0 else part.decode()
