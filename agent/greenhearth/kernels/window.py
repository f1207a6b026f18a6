"""Windows: rolling (bins), tumbling (quarter hour, hour, day) and batches.

An increment belongs to the interval it was measured over; where that interval crosses a
boundary it is split in proportion, so that windows add up to the whole. Rolling windows keep
60 bins and are summed anew whenever a bin leaves, so that rounding does not accumulate over
months. What arrives after its tumbling window was closed is booked in the running one: no
energy is lost, and the coverage of the closed window shows the hole.
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import F8, Lines, Out, Scratch, State, Streams
from greenhearth.kernels.intensity import evaluate
from greenhearth.metrics import BINS, ROLLING_S
from greenhearth.quality import BAD, Validity

LENGTHS_NS = tuple(seconds * 1_000_000_000 for seconds in ROLLING_S)
BIN_NS = tuple(length // BINS for length in LENGTHS_NS)
FOREVER = 1 << 62
MOST_SKIPPED = 96
"""Whole tumbling windows that one gap may close; older ones of a longer gap are not told."""

_UNSEEN = int(Validity.START_UNSEEN)


@inlined
def share(t0: int, t1: int, start: int, end: int) -> float:
    """Return the part of the interval (t0, t1] that lies in [start, end)."""
    overlap = min(t1, end) - max(t0, start)
    return max(0.0, overlap / (t1 - t0)) if t1 > t0 else 0.0


@kernel
def roll(s: State, w: Scratch, t_now: int) -> None:
    """Advance the rolling windows to t_now and book this step's increments.

    sum_a, sum_c [1 + r] is the sum of bins_a, bins_c [r]; row 0 is the running batch.
    """
    inc, begin, end = w.inc, w.t0, w.t1
    bins_a, bins_c, sum_a, sum_c = s.bins_a, s.bins_c, s.sum_a, s.sum_c
    for r in range(s.bin_id.size):
        length = BIN_NS[r]
        newest = t_now // length
        if newest > s.bin_id[r]:
            _next_bin(s, r, newest)
        for i in range(inc.size):
            if end[i] == 0:
                continue
            first = max(begin[i] // length, newest - BINS + 1)
            last = min((end[i] - 1) // length, newest)
            span = end[i] - begin[i]
            for b in range(first, last + 1):
                part = 1.0
                if first != last or begin[i] < first * length:
                    part = share(begin[i], end[i], b * length, (b + 1) * length)
                bins_a[r, b % BINS, i] += inc[i] * part
                bins_c[r, b % BINS, i] += span * part
                sum_a[r + 1, i] += inc[i] * part
                sum_c[r + 1, i] += span * part


@kernel
def _next_bin(s: State, r: int, newest: int) -> None:
    """Empty the bins that fall out of window r and sum the rest anew."""
    stale = min(newest - s.bin_id[r], BINS)
    for k in range(stale):
        s.bins_a[r, (newest - k) % BINS] = 0.0
        s.bins_c[r, (newest - k) % BINS] = 0.0
    s.bin_id[r] = newest
    s.sum_a[r + 1] = 0.0
    s.sum_c[r + 1] = 0.0
    for b in range(BINS):
        s.sum_a[r + 1] += s.bins_a[r, b]
        s.sum_c[r + 1] += s.bins_c[r, b]


@kernel
def tumble(c: Streams, n: Lines, s: State, w: Scratch, o: Out, t_now: int) -> None:
    """Book into the quarter hour, hour and day of every line, and close those that have ended."""
    inc, begin, end, ptr, series = w.inc, w.t0, w.t1, n.ptr, n.series
    tumble_a, tumble_c, tumble_id = s.tumble_a, s.tumble_c, s.tumble_id
    for r in range(s.bin_id.size):
        for line in range(n.batch.size):
            now_id = (t_now - n.offset_ns[line, r]) // LENGTHS_NS[r]
            old_id = tumble_id[line, r]
            if now_id < old_id:  # after a small step back: the clock will come to it
                now_id = old_id
            tumble_id[line, r] = now_id
            if 0 <= old_id < now_id:
                _close_tumbling(c, n, s, w, o, line, r, old_id, now_id)
                continue
            for k in range(ptr[line], ptr[line + 1]):
                i = series[k]
                if end[i] > 0:
                    tumble_a[r, i] += inc[i]
                    tumble_c[r, i] += end[i] - begin[i]


@kernel
def _close_tumbling(
    c: Streams, n: Lines, s: State, w: Scratch, o: Out, line: int, r: int, old_id: int, now_id: int
) -> None:
    """Close the windows old_id .. now_id - 1; what belongs to now_id begins the new one."""
    length = LENGTHS_NS[r]
    end = (old_id + 1) * length + n.offset_ns[line, r]
    a, covered = s.tumble_a[r : r + 1], s.tumble_c[r : r + 1]
    _book_line(n, w, line, a, covered, 0, end)
    finish(c, n, o, line, r + 1, end - length, end, a, covered)
    for skipped in range(max(old_id + 1, now_id - MOST_SKIPPED), now_id):
        end = (skipped + 1) * length + n.offset_ns[line, r]
        _clear(n, line, a, covered)
        _book_line(n, w, line, a, covered, end - length, end)
        finish(c, n, o, line, r + 1, end - length, end, a, covered)
    _clear(n, line, a, covered)
    _book_line(n, w, line, a, covered, end, FOREVER)


@kernel
def finish(
    c: Streams, n: Lines, o: Out, line: int, window: int, start: int, end: int, a: F8, covered: F8
) -> int:
    """Write one finished window (a, covered [1, m]) into the out rows; return its row, -1: full."""
    row = int(o.done_n[0])
    if row >= o.done_b.size:
        return -1
    o.done_n[0] = row + 1
    o.done_key[row, 0] = line
    o.done_key[row, 1] = window
    o.done_key[row, 2] = start
    o.done_key[row, 3] = end
    o.done_b[row] = np.nan
    span = np.full((1, 1), float(end - start))
    one = slice(row, row + 1)
    evaluate(
        c, n, line, line + 1, a, covered, span, False,
        o.done_x[one], o.done_u[one], o.done_v[one], o.done_c[one],
    )  # fmt: skip
    return row


@kernel
def batches(c: Streams, n: Lines, s: State, w: Scratch, o: Out) -> None:
    """Book into the running batches, and close those whose number has changed.

    The scan in which the number changes belongs to the batch that ends: one scan of a
    furnace without power.
    """
    inc, begin, end, ptr, series = w.inc, w.t0, w.t1, n.ptr, n.series
    sum_a, sum_c, x, q, fresh = s.sum_a, s.sum_c, s.x, s.q, w.fresh
    for line in range(n.batch.size):
        b = n.batch[line]
        if b < 0:
            continue
        if fresh[b] == 1 and q[b] < BAD and x[b] != s.batch_id[line]:
            _close_batch(c, n, s, w, o, line)
            continue
        for k in range(ptr[line], ptr[line + 1]):
            i = series[k]
            if end[i] > 0:
                sum_a[0, i] += inc[i]
                sum_c[0, i] += end[i] - begin[i]


@kernel
def _close_batch(c: Streams, n: Lines, s: State, w: Scratch, o: Out, line: int) -> None:
    """Close a batch. Where nobody looked for longer than the gap limit, the amounts are booked
    but not covered: how they divide between the two batches is not known.
    """
    b = n.batch[line]
    blind = False
    for k in range(n.ptr[line], n.ptr[line + 1]):
        i = n.series[k]
        if w.t1[i] > 0:
            hole = w.t1[i] - w.t0[i] > c.gap_ns[i]
            blind = blind or hole
            s.sum_a[0, i] += w.inc[i]
            s.sum_c[0, i] += 0 if hole else w.t1[i] - w.t0[i]
    seen = s.batch_start[line] > 0
    if seen:
        row = finish(c, n, o, line, 0, s.batch_start[line], s.t[b], s.sum_a[0:1], s.sum_c[0:1])
        if row >= 0:
            o.done_b[row] = s.batch_id[line]
            if s.batch_seen[line] == 0:
                o.done_v[row, 0] = max(o.done_v[row, 0], _UNSEEN)
    s.batch_seen[line] = 1 if seen and not blind else 0
    s.batch_id[line] = s.x[b]
    s.batch_start[line] = s.t[b]
    _clear(n, line, s.sum_a[0:1], s.sum_c[0:1])


@kernel
def _book_line(n: Lines, w: Scratch, line: int, a: F8, covered: F8, start: int, end: int) -> None:
    """Book the parts of a line's increments that lie in [start, end) into a, covered [1, m]."""
    for k in range(n.ptr[line], n.ptr[line + 1]):
        i = n.series[k]
        if w.t1[i] > 0:
            part = share(w.t0[i], w.t1[i], start, end)
            a[0, i] += w.inc[i] * part
            covered[0, i] += (w.t1[i] - w.t0[i]) * part


@kernel
def _clear(n: Lines, line: int, a: F8, covered: F8) -> None:
    for k in range(n.ptr[line], n.ptr[line + 1]):
        a[0, n.series[k]] = 0.0
        covered[0, n.series[k]] = 0.0
