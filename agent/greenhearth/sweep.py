"""History at full speed: columns of samples to the sums and the metrics of any windows.

`Engine` runs a history scan by scan and tells what it would have told live; a `Sweep` runs the same
rules series by series, some hundred times as fast, and gives sums and metrics of the windows asked
for. Lines with derived streams (potlines, electricity counted by the hour) need every scan: they
are refused here.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from greenhearth.kernels.arrays import DERIVED, F8, I4, I8, State, Streams
from greenhearth.kernels.intensity import evaluate_windows
from greenhearth.kernels.sweep import Meters, deviations, meters_of, stretches, sweep
from greenhearth.metrics import METRICS
from greenhearth.model import Model
from greenhearth.tables import StreamBuilder
from greenhearth.units import UNITS

PARTS = 2
"""Parts of the rows per thread, so that a thread that comes late leaves more to the others."""
LEAST_SAMPLES, LEAST_WINDOWS = 200_000, 5_000
"""Least in a part, some 60 us and 300 us of work: to wake a thread takes as much."""

NO_QUALITIES: I4 = np.zeros((0, 0), np.int32)


@dataclass(frozen=True)
class Windows:
    """W windows of L lines: sums of m series, and metrics as the kernels write them."""

    edges_ns: I8
    """[W + 1]."""
    amounts: F8
    """[W, m] in the series' unit; a rate's in unit x h."""
    covered_ns: F8
    """[W, m]."""
    metrics: list[str]
    """The M metrics of x and u: those that some line has."""
    x: F8
    """[L, W, M], NaN where there is too little to divide by, and for metrics that a line has not."""
    u: F8
    """Expanded uncertainty (k = 2)."""
    validity: I4
    """[L, W]."""
    coverage: F8
    balances: dict[str, F8]
    """``line.role`` -> integral of the rate over its counter minus one [W], NaN where one is missing."""


def tumbling_edges(from_ns: int, to_ns: int, length_ns: int, offset_ns: int = 0) -> I8:
    """Return the edges of the windows of one length that cover from_ns..to_ns, as live windows lie."""
    if length_ns <= 0 or to_ns <= from_ns:
        raise ValueError(f"no window of {length_ns} ns lies in {from_ns}..{to_ns}: give a later end")
    first = (from_ns - offset_ns) // length_ns
    last = -((offset_ns - to_ns) // length_ns)
    return np.arange(first, last + 1, dtype=np.int64) * length_ns + offset_ns


def new_meters(m: int) -> Meters:
    """Return what is known of m series before their first sample: nothing."""
    reals, ints = np.zeros((3, m)), np.zeros((3, m), np.int64)
    return Meters(ints[0], reals[0], ints[1], reals[1], reals[2], ints[2], np.zeros(m, np.int32))


def window_sums(
    streams: Streams, t_ns: I8, x: F8, q: I4 | None, edges_ns: ArrayLike,
    series: ArrayLike | None = None, meters: Meters | None = None,
) -> tuple[F8, F8]:  # fmt: skip
    """Return the amounts and the covered time [ns] of every window, each [W, m].

    t_ns [T] ascending, x [n, T] with NaN for what is missing, q [n, T] qualities or None, edges_ns
    [W + 1] ascending. Row r of x is series `series[r]` (r if not given) of the m in `streams`.
    `meters` carries on from the chunk before, and is written back.

    Raises:
        ValueError: the arrays do not fit each other, or a line has derived streams.
    """
    sums = Sums(
        streams, np.ascontiguousarray(edges_ns, np.int64), meters or new_meters(streams.kind.size), Crew()
    )
    sums.add(t_ns, x, q, np.arange(len(x)) if series is None else series)
    return sums.a.T, sums.covered_ns.T


class Crew:
    """Threads that share rows among them; the kernels hold no lock."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = max(1, threads)
        # The caller works too. A pool that nobody holds any more ends by itself.
        self._pool = ThreadPoolExecutor(self._threads - 1) if threads > 1 else None

    def share(self, run: Callable[[int, int], None], n: int, least: int) -> None:
        """Call run(first, last) for all parts of rows 0..n-1, none under `least` rows, and wait.

        Whoever is free takes the next part: a core that others use delays nothing but its own part.
        """
        parts = max(1, min(PARTS * self._threads, n // max(1, least))) if self._pool else 1
        ends = [n * k // parts for k in range(parts + 1)]
        waiting = iter([*pairwise(ends)])  # of a list: two threads never get the same part

        def work() -> None:
            while (part := next(waiting, None)) is not None:
                run(*part)

        others = [self._pool.submit(work) for _ in range(min(parts, self._threads) - 1)] if self._pool else []
        work()
        for one in others:
            if not one.cancel():
                one.result()


class Sums:
    """The amounts and the covered time of W windows, as samples come in chunk by chunk.

    What was measured over windows that were past when it came is booked in the running one, as
    live; `reach_back` splits it over them instead. Threads do not change the result.
    """

    def __init__(
        self, streams: Streams, edges_ns: I8, meters: Meters, crew: Crew, reach_back: bool = False
    ) -> None:
        if edges_ns.size < 2 or not (np.diff(edges_ns) > 0).all():
            raise ValueError("edges_ns: at least two, each after the one before")
        self._streams, self.meters = streams, meters
        self._reach_back, self._crew = reach_back, crew
        self.edges_ns = edges_ns
        self.a, self.covered_ns = np.zeros((2, streams.kind.size, edges_ns.size - 1))
        """[m, W]: the windows of a series are neighbours."""

    def add(self, t_ns: I8, x: F8, q: I4 | None, series: ArrayLike) -> None:
        """Add samples t_ns [T], x [n, T], q [n, T] or None of n series; see `window_sums`."""
        of = np.ascontiguousarray(series, np.int32)
        times, values = np.ascontiguousarray(t_ns, np.int64), np.ascontiguousarray(x, np.float64)
        qualities = NO_QUALITIES if q is None else np.ascontiguousarray(q, np.int32)
        _check(self._streams, times, values, qualities, of, self.meters)
        on = stretches(times, self.edges_ns)

        def run(first: int, last: int) -> None:
            sweep(
                self._streams, self.meters, on, times, values, qualities, of, first, last,
                self.edges_ns, self._reach_back, self.a, self.covered_ns,
            )  # fmt: skip

        self._crew.share(run, of.size, LEAST_SAMPLES // max(1, times.size))


def _check(streams: Streams, t: I8, x: F8, q: I4, of: I4, known: Meters) -> None:
    """Refuse arrays that do not fit; ValueError says which and why."""
    m = streams.kind.size
    if of.ndim != 1 or x.shape != (of.size, t.size) or q.size not in (0, x.size):
        raise ValueError(f"x is {x.shape}, q {q.shape}, for {of.size} series and {t.size} times: give [n, T]")
    if of.size and not (of.min() >= 0 and of.max() < m and np.bincount(of).max() == 1):
        raise ValueError(f"series: numbers from 0 to {m - 1}, each at most once")
    late = np.flatnonzero(t[1:] <= t[:-1])
    if late.size:
        raise ValueError(
            f"t_ns[{late[0] + 1}] is not after t_ns[{late[0]}]: sort them, keep one of equal ones"
        )
    if t.size and of.size and t[0] <= known.seen_t[of].max():
        raise ValueError(f"t_ns begins at {t[0]}, but samples up to {known.seen_t[of].max()} are already in")
    derived = streams.line[streams.kind == DERIVED]
    if derived.size and (held := np.intersect1d(derived[derived >= 0], streams.line[of])).size:
        raise ValueError(f"line number {held[0]} has derived streams: run it through Engine")


class Sweep:
    """A model's history, chunk by chunk, into one set of windows; not thread-safe."""

    def __init__(self, model: Model, lines: Sequence[str] = (), threads: int = 1) -> None:
        """Take the named lines, all if none is named; ValueError when one has derived streams."""
        builder = StreamBuilder(model)
        for line, _ in builder.derived:
            if not lines or line.name in lines:
                raise ValueError(
                    f"line '{line.name}' has derived streams: name others, run it through Engine"
                )
        names = list(lines or builder.numbers)
        self._numbers = np.array([builder.numbers[name] for name in names], np.int64)
        self._crew, self._columns, self._checks = Crew(threads), builder.columns, _checks(model, names)
        self._streams, self._lines = builder.streams(), builder.lines()
        self._lacking = np.nonzero(builder.lacking()[self._numbers])
        self._sums: Sums | None = None
        self.series = np.flatnonzero(np.isin(self._streams.line, self._numbers)).astype(np.int32)
        """Numbers of the series that it takes, in the order in which `add` takes them."""

    def begin(self, edges_ns: ArrayLike, state: State | None = None, reach_back: bool = False) -> None:
        """Begin W windows with ascending edges [W + 1], from nothing or from the state of an engine.

        ValueError when the edges do not ascend.
        """
        meters = meters_of(state) if state else new_meters(self._streams.kind.size)
        edges = np.ascontiguousarray(edges_ns, np.int64)
        self._sums = Sums(self._streams, edges, meters, self._crew, reach_back)

    @property
    def sums(self) -> Sums:
        """Return the sums so far; ValueError before `begin`."""
        if self._sums is None:
            raise ValueError("no windows yet: call begin(edges_ns) first")
        return self._sums

    def add(self, t_ns: I8, x: F8, q: I4 | None = None, series: ArrayLike | None = None) -> None:
        """Add samples t_ns [T], x [n, T], q [n, T] of some of its series; see `window_sums`."""
        self.sums.add(t_ns, x, q, self.series if series is None else series)

    def windows(self) -> Windows:
        """Return the windows as far as samples have come."""
        lines, sums = len(self._numbers), self.sums
        spans = np.diff(sums.edges_ns).astype(np.float64)
        x, u = np.empty((2, lines, len(self._columns), spans.size))
        v, cover = np.empty((lines, spans.size), np.int32), np.empty((lines, spans.size))

        def run(first: int, last: int) -> None:
            for part in _neighbours(self._numbers, first, last):
                line, end = self._numbers[part][0], self._numbers[part][-1] + 1
                evaluate_windows(
                    self._streams, self._lines, line, end, sums.a, sums.covered_ns, spans,
                    x[part], u[part], v[part], cover[part],
                )  # fmt: skip

        self._crew.share(run, lines, LEAST_WINDOWS // spans.size)
        x[self._lacking] = u[self._lacking] = np.nan
        names = [METRICS[m] for m in self._columns]
        return Windows(
            sums.edges_ns, sums.a.T, sums.covered_ns.T, names, x.transpose(0, 2, 1), u.transpose(0, 2, 1),
            v, cover, self._checks.balances(sums.a, sums.covered_ns),
        )  # fmt: skip


def _neighbours(numbers: I8, first: int, last: int) -> list[slice]:
    """Return the parts of first..last-1 in which each number follows the one before."""
    ends = [*(first + 1 + np.flatnonzero(np.diff(numbers[first:last]) != 1)).tolist(), last]
    return [slice(a, b) for a, b in pairwise([first, *ends]) if a < b]


@dataclass(frozen=True)
class _Checks:
    """Rates that check counters, by number, with the ratio of their units."""

    names: list[str]
    rates: I4
    counters: I4
    scale: F8

    def balances(self, a: F8, covered: F8) -> dict[str, F8]:
        """Return integral over counter minus one per window [W] of a, covered [m, W], by ``line.role``."""
        found = np.empty((len(self.names), a.shape[1]))
        deviations(self.rates, self.counters, self.scale, a, covered, found)
        return dict(zip(self.names, found, strict=True))


def _checks(model: Model, lines: Sequence[str]) -> _Checks:
    pairs = [
        (f"{line.name}.{role}", rate, counter)
        for line in model.lines
        if line.name in lines
        for role, definition in line.process.roles.items()
        if definition.checks
        and (rate := model.index(line.name, role)) >= 0
        and (counter := model.index(line.name, definition.checks)) >= 0
    ]
    scale = [UNITS[model.series[r].unit].factor / UNITS[model.series[c].unit].factor for _, r, c in pairs]
    rates, counters = np.array([(r, c) for _, r, c in pairs], np.int32).reshape(-1, 2).T.copy()
    return _Checks([name for name, _, _ in pairs], rates, counters, np.array(scale))
