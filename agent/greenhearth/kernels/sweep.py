"""Whole histories at once: samples [series, time] straight to the sums of windows.

The rules are those of `accumulate`, and the same compiled pieces. What differs is the order:
one series after the other, each walked once over time, its increments booked as they come and
never stored. A stretch of samples inside one window in which every step of a counter is
believable gives the difference of its ends; so a stretch is only looked through (0.3 ns a
sample), and walked sample by sample (some 5 ns) where something in it is not ordinary.
"""

from typing import NamedTuple

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.accumulate import NS_PER_H, hold, increment, limit_of
from greenhearth.kernels.arrays import F8, GAUGE, I4, I8, RATE, State, Streams
from greenhearth.quality import BAD

LONGEST = 1 << 20
"""Most samples that are taken at once, if a stretch is so long."""
PART = 8
"""Samples that are taken at once around one that is not ordinary; if that fails, one by one."""
LANES = 32
"""Sums side by side: one after the other, each addition waits 4 cycles for the last. A fixed
number, so that every machine adds in the same order."""

CUT, WHOLE, OUTSIDE = 0, 1, 2


class Meters(NamedTuple):
    """What is known of each series between two samples; all arrays [m], those of State."""

    seen_t: I8
    """Time of the newest sample, good or bad."""
    last_v: F8
    last_t: I8
    hold_v: F8
    hold_last: F8
    hold_t: I8
    hold_n: I4


class Stretches(NamedTuple):
    """Where a run of samples may be booked as one; arrays [S], the same for all series."""

    end: I4
    """First sample after it; the first stretch is the first sample alone."""
    floor: I4
    """Window that holds the beginning, -1: before all of them."""
    how: I4
    """CUT (one interval, across an edge), WHOLE (in window `floor`) or OUTSIDE (in no window)."""
    longest: I8
    """Longest interval [ns]."""
    shortest: I8
    half_h: F8
    """[T] half of the interval before each sample [h]."""


def meters_of(state: State) -> Meters:
    """Return the part of a state that a sweep continues from, and writes back to."""
    return Meters(
        state.t, state.last_v, state.last_t, state.hold_v, state.hold_last, state.hold_t, state.hold_n
    )


@kernel
def stretches(t: I8, edges: I8) -> Stretches:
    """Divide ascending sample times t [T] at ascending window edges [W + 1]."""
    n = t.size
    end, floor, how = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    longest, shortest = np.zeros(n, np.int64), np.zeros(n, np.int64)
    half_h = np.zeros(n)
    end[:1] = 1  # the first sample: what it ends began in a chunk before
    how[:1] = CUT
    s = 0
    w = -1
    for k in range(1, n):
        dt = t[k] - t[k - 1]
        half_h[k] = 0.5 * dt / NS_PER_H
        while w + 1 < edges.size and edges[w + 1] <= t[k - 1]:
            w += 1
        kind = WHOLE if 0 <= w < edges.size - 1 else OUTSIDE
        if w + 1 < edges.size and t[k] > edges[w + 1]:
            kind = CUT
        if kind == CUT or how[s] != kind or floor[s] != w:
            s += 1
            floor[s] = w
            how[s] = kind
            longest[s] = dt
            shortest[s] = dt
        end[s] = k + 1
        longest[s] = max(longest[s], dt)
        shortest[s] = min(shortest[s], dt)
    n = min(n, s + 1)
    return Stretches(end[:n], floor[:n], how[:n], longest[:n], shortest[:n], half_h)


@kernel
def sweep(
    c: Streams, s: Meters, on: Stretches, t: I8, x: F8, q: I4, of: I4, first: int, last: int,
    edges: I8, reach_back: bool, a: F8, covered: F8,
) -> None:  # fmt: skip
    """Add the increments of rows first..last-1 of x [n, T] to a, covered [m, W].

    Row r holds the samples of series of[r] at times t [T]; missing ones are NaN. q [n, T] holds
    qualities, or is empty where there are none. `reach_back`: see `_book`.
    """
    # One loop with its arrays taken out once: handing ten arrays to an inlined part costs 150 ns,
    # a stretch of 60 samples takes 20.
    kind, gap, most, modulus = c.kind, c.gap_ns, c.max_per_h, c.modulus
    seen_t, last_v, last_t, hold_v, hold_last, hold_t, hold_n = s
    ends, floors, hows, longest, shortest, half_h = on
    lanes = np.zeros(LANES)
    for r in range(first, last):
        i = of[r]
        rate = kind[i] == RATE
        at, end, k, look, floor, how, limit, steady = 0, 0, -1, LONGEST, 0, CUT, 0.0, False
        while at < t.size and kind[i] != GAUGE:
            if at == end:
                k += 1
                end, how, limit = ends[k], hows[k], limit_of(most[i], shortest[k])
                floor = floors[k] if k > 0 else np.searchsorted(edges, seen_t[i], side="right") - 1
                steady = how != CUT and not (rate and longest[k] > gap[i])
            to = min(at + look, end)
            amount = np.nan
            if steady and last_t[i] == t[at - 1] and hold_n[i] == 0 and good(q, r, at, to):
                amount = trapezoids(x, r, at, to, half_h, lanes) if rate else rise(x, r, at, to, limit)
            if np.isfinite(amount):
                if how == WHOLE:
                    a[i, floor] += amount
                    covered[i, floor] += t[to - 1] - t[at - 1]
                last_v[i], last_t[i] = x[r, to - 1], t[to - 1]
                look = min(4 * look, LONGEST)
            elif steady and to - at > PART:
                look = PART
                continue
            else:
                for j in range(at, to):
                    v, now = x[r, j], t[j]
                    if not np.isfinite(v) or (q.size > 0 and q[r, j] >= BAD) or now <= last_t[i]:
                        continue
                    amount, since = increment(
                        v, now, kind[i], last_v[i], last_t[i], gap[i], most[i], modulus[i]
                    )
                    if since < 0:
                        since = hold(i, v, now, most, modulus, hold_v, hold_last, hold_t, hold_n)
                        if since == 0:
                            continue
                        amount = v - hold_v[i]
                    if how == WHOLE and since >= max(1, edges[floor]):
                        a[i, floor] += amount
                        covered[i, floor] += now - since
                    elif since > 0:
                        _book(amount, since, now, i, floor, edges, reach_back, a, covered)
                    last_v[i], last_t[i], hold_n[i] = v, now, 0
            at = to
        if t.size:
            seen_t[i] = t[-1]


@inlined
def good(q: I4, r: int, begin: int, end: int) -> bool:
    """Tell whether all qualities are those of usable values; true where there are none."""
    bad = 0
    if q.size > 0:
        for k in range(begin, end):
            bad += q[r, np.uint64(k)] >= BAD
    return bad == 0


@inlined
def rise(x: F8, r: int, begin: int, end: int, limit: float) -> float:
    """Return what a counter rose by, NaN if any of its steps is not one that `step_of` takes as it is."""
    odd = 0
    for k in range(begin, end):
        delta = x[r, np.uint64(k)] - x[r, np.uint64(k - 1)]
        odd += not (0.0 <= delta <= limit)  # NaN is neither
    return x[r, end - 1] - x[r, begin - 1] if odd == 0 else np.nan


@inlined
def trapezoids(x: F8, r: int, begin: int, end: int, half_h: F8, lanes: F8) -> float:
    """Return the integral of row r over samples begin..end-1, not finite where a sample is not."""
    total = 0.0
    rest = begin
    if end - begin >= LANES:
        for j in range(LANES):
            lanes[j] = 0.0
        while rest + LANES <= end:
            for j in range(LANES):
                k = rest + j
                lanes[j] += (x[r, np.uint64(k)] + x[r, np.uint64(k - 1)]) * half_h[np.uint64(k)]
            rest += LANES
        for j in range(LANES):
            total += lanes[j]
    for k in range(rest, end):
        total += (x[r, np.uint64(k)] + x[r, np.uint64(k - 1)]) * half_h[np.uint64(k)]
    return total


@kernel
def _book(
    amount: float, since: int, until: int, i: int, floor: int, edges: I8, reach_back: bool,
    a: F8, covered: F8,
) -> None:  # fmt: skip
    """Book an increment over (since, until] in proportion to the windows it was measured over.

    `floor` is the window of the sample before. Live, windows before it are closed, and what was
    measured over them is booked in `floor`; with `reach_back` they get their part.
    """
    w = floor
    while reach_back and w >= 0 and edges[w] > since:
        w -= 1
    begin = since if w >= 0 else max(since, edges[0])
    w = max(w, 0)
    while w < edges.size - 1 and begin < until:
        end = min(until, edges[w + 1])
        part = (end - begin) / (until - since)
        a[i, w] += amount * part
        covered[i, w] += end - begin
        begin = end
        w += 1


@kernel
def deviations(rates: I4, counters: I4, scale: F8, a: F8, covered: F8, out: F8) -> None:
    """Write what the integral of each rate, times its scale, is of its counter, minus one.

    rates, counters, scale [n]; a, covered [m, W]; out [n, W]. Both are divided by their covered
    time, so that a gap in one is no deviation; NaN where one has no data, or the counter stood still.
    """
    for r in range(rates.size):
        one, other, times = rates[r], counters[r], scale[r]
        for w in range(out.shape[1]):
            counted = a[other, w] / covered[other, w]
            ratio = times * (a[one, w] / covered[one, w]) / counted - 1.0
            out[r, w] = ratio if counted > 0.0 else np.nan
