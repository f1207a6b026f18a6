"""A historian's file on a time line: what it says stood there at any moment.

Within a row the running total rises on a straight line, so that a poll every second sees
a meter and not a staircase. Where the file has no data there is NaN, never 0; only between
the periods of a period file (arc on, arc off) the rate is 0 and the total stands.

Rows of different batches may overlap (two stands, one transformer). A controller shows
one batch number, so such rows are set one after the other: their amounts are kept to the
last digit, the overlapped part of their time is not. A batch number comes up up to
20 s before the first row of its batch, while the totals stand still.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from greenhearth.archive import Archive
from greenhearth.clock import NS

_LEAD_NS = 20 * NS
_SHORTEST_NS = 1_000_000
I8 = NDArray[np.int64]


class Moment(NamedTuple):
    """What the columns show at one time."""

    values: list[float]
    totals: list[float]
    batch: int


class Timeline:
    """An archive's usable rows, one after the other in time."""

    def __init__(self, archive: Archive) -> None:
        usable = np.flatnonzero(archive.time_quality == 0)
        order = usable[np.argsort(archive.end_ns[usable], kind="stable")]
        self._periods = archive.periods
        self._start, self._end = _one_after_the_other(archive.start_ns[order], archive.end_ns[order])
        self._batch = archive.batch[order]
        self._values = [track.values[order] for track in archive.tracks]
        self._amounts = [track.amounts[order] for track in archive.tracks]
        self._totals = [np.concatenate(([0.0], np.cumsum(amounts))) for amounts in self._amounts]
        self._switch = self._start - np.minimum(_LEAD_NS, self._gaps() // 2)

    def _gaps(self) -> I8:
        before = np.concatenate((self._start[:1] - 2 * _LEAD_NS, self._end[:-1]))
        return np.asarray(self._start - before)

    @property
    def starts_ns(self) -> int:
        """A moment just before the first row [Unix ns]; 0 for a file without usable rows."""
        return int(self._switch[0]) - NS if len(self._start) else 0

    @property
    def first_row_ns(self) -> int:
        """The start of the first row [Unix ns]; 0 for a file without usable rows."""
        return int(self._start[0]) if len(self._start) else 0

    @property
    def ends_ns(self) -> int:
        """The end of the last row [Unix ns]; 0 for a file without usable rows."""
        return int(self._end[-1]) if len(self._end) else 0

    def at(self, t_ns: int) -> Moment:
        """Return what stood there at a time; a row holds from after its start up to its end."""
        row = int(np.searchsorted(self._end, t_ns))
        if row < len(self._end) and t_ns > self._start[row]:
            return self._within(row, t_ns)
        missing = 0 < row < len(self._end) and not self._periods
        totals = [float("nan") if missing else float(total[row]) for total in self._totals]
        rate = 0.0 if self._periods else float("nan")
        return Moment([rate] * len(totals), totals, self._batch_between(row, t_ns))

    def _within(self, row: int, t_ns: int) -> Moment:
        share = (t_ns - int(self._start[row])) / int(self._end[row] - self._start[row])
        values = [float(column[row]) for column in self._values]
        totals = [
            float("nan") if np.isnan(value) else float(total[row] + amount[row] * share)
            for value, total, amount in zip(values, self._totals, self._amounts, strict=True)
        ]
        return Moment(values, totals, int(self._batch[row]))

    def _batch_between(self, row: int, t_ns: int) -> int:
        if row < len(self._batch) and t_ns > self._switch[row]:
            return int(self._batch[row])
        return int(self._batch[row - 1]) if row else 0

    def moments(self, step_s: float = 0.0) -> I8:
        """Return the times at which something begins or ends, and every `step_s` between [Unix ns].

        Who looks at all of them, and takes values to hold or to run straight between,
        finds the file's own totals and batches.
        """
        edges = [self._switch, self._switch + 1, self._start, self._start + 1, self._end, self._end + 1]
        if step_s > 0 and len(self._start):
            edges.append(np.arange(self._start[0], self._end[-1], round(step_s * NS)))
        times = np.unique(np.concatenate(edges)) if len(self._start) else np.empty(0, np.int64)
        return np.asarray(times, dtype=np.int64)


def _one_after_the_other(start: I8, end: I8) -> tuple[I8, I8]:
    """Move starts, and in the worst case ends, so that no row begins before the last has ended."""
    starts, ends = start.copy(), end.copy()
    last = -(1 << 62)
    for row in range(len(starts)):
        starts[row] = max(int(starts[row]), last)
        ends[row] = last = max(int(ends[row]), int(starts[row]) + _SHORTEST_NS)
    return starts, ends
