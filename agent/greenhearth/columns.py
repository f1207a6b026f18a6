"""Many stored records at once, as arrays: what a recomputation needs of them and nothing else.

The results of a record are nine tenths of its bytes; they are cut off before it is parsed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import msgspec
import numpy as np
from numpy.typing import NDArray

from greenhearth.kernels.arrays import F8, I4, I8

NOT_READ = -1
"""Quality of a series that a record does not hold."""
_RESULTS = b',"results":'
_NOBODY = np.zeros(0, np.int64)
_GOOD = [0]


class _Block(msgspec.Struct, gc=False):
    d: int
    i: int
    x: list[float | None]
    q: list[int] = []


class _Readings(msgspec.Struct, gc=False):
    epoch: int
    t_ns: int
    birth: int
    blocks: list[_Block]


_READINGS = msgspec.json.Decoder(_Readings)


@dataclass(frozen=True)
class Scans:
    """K records: times t_ns [K]; values x, times t [Unix ns] and qualities q of n series [K, n]."""

    t_ns: I8
    x: F8
    t: I8
    q: I4


Numbers = Callable[[int, int], NDArray[np.int64]]
"""(epoch, seq of the birth) -> for each series of that birth its column, -1 where it is not wanted."""


def read_scans(payloads: Iterable[bytes], numbers: Numbers, n: int, most: int = 4096) -> Iterator[Scans]:
    """Yield the records of `payloads` (JSON, in the order of their times) in groups of up to `most`.

    ValueError (msgspec's) says what is malformed.
    """
    rest = iter(payloads)
    while group := list(islice(rest, most)):
        yield _scans(group, numbers, n)


def _read(payload: bytes) -> _Readings:
    head, found, _ = payload.partition(_RESULTS)
    if found:
        try:
            return _READINGS.decode(head + b"}")
        except msgspec.DecodeError:
            pass  # its keys stand in another order
    return _READINGS.decode(payload)


@dataclass
class _Cells:
    """All blocks of a group: per block row, first series, length and time; per cell value and quality."""

    t_ns: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    t: list[int] = field(default_factory=list)
    x: list[float | None] = field(default_factory=list)
    q: list[int] = field(default_factory=list)

    def take(self, record: _Readings, offset: int) -> None:
        """Append a record whose birth's series begin at `offset`."""
        row, t_ns = len(self.t_ns), record.t_ns
        self.t_ns.append(t_ns)
        for block in record.blocks:
            size = len(block.x)
            self.row.append(row)
            self.first.append(block.i + offset)
            self.size.append(size)
            self.t.append(t_ns + block.d)
            self.x += block.x
            self.q += block.q or _GOOD * size


def _scans(payloads: list[bytes], numbers: Numbers, n: int) -> Scans:
    cells = _Cells()
    offsets: dict[tuple[int, int], int] = {}
    known: dict[tuple[int, int], bool] = {}
    maps = [_NOBODY]
    length = 0
    for (
        payload
    ) in payloads:  # a record dies before the next is read: kept, they would cost three times as much
        record = _read(payload)
        birth = (record.epoch, record.birth)
        if birth not in offsets:
            offsets[birth] = length
            maps.append(numbers(*birth))
            length += len(maps[-1])
            known[birth] = len(maps[-1]) > 0
        if not known[birth]:  # which series its blocks are of, nobody has told
            record.blocks = []
        cells.take(record, offsets[birth])
    rows = len(payloads)
    scans = Scans(
        t_ns=np.array(cells.t_ns, np.int64),
        x=np.full((rows, n), np.nan),
        t=np.zeros((rows, n), np.int64),
        q=np.full((rows, n), NOT_READ, np.int32),
    )
    _place(scans, cells, np.concatenate(maps))
    return scans


def _place(scans: Scans, cells: _Cells, columns: NDArray[np.int64]) -> None:
    """Write the cells that are wanted where they belong."""
    size = np.array(cells.size, np.int64)
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    column = columns[np.repeat(np.array(cells.first, np.int64), size) + within]
    wanted = column >= 0
    row, column = np.repeat(np.array(cells.row, np.int64), size)[wanted], column[wanted]
    scans.x[row, column] = np.array(cells.x, np.float64)[wanted]
    scans.t[row, column] = np.repeat(np.array(cells.t, np.int64), size)[wanted]
    scans.q[row, column] = np.array(cells.q, np.int32)[wanted]
