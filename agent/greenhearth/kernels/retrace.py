"""Stored readings to the sums of the windows that had finished live.

The same increments, booked in the same order into the same windows as `window` does it, so that a
sum found again is the live one bit for bit. Rolling windows and results are left out: that is
what makes a year of a line a matter of a second.
"""

from greenhearth.kernels._compile import kernel
from greenhearth.kernels.accumulate import accumulate
from greenhearth.kernels.arrays import F8, I4, I8, Lines, Out, Pots, Scratch, State, Streams
from greenhearth.kernels.hourly import hourly
from greenhearth.kernels.potline import potline
from greenhearth.kernels.window import FOREVER, LENGTHS_NS, MOST_SKIPPED, _book_line, _clear
from greenhearth.quality import BAD


@kernel
def retrace(
    c: Streams, n: Lines, p: Pots, s: State, w: Scratch, o: Out,
    t_now: I8, x: F8, t: I8, q: I4, key: I8, a: F8, covered: F8,
) -> int:  # fmt: skip
    """Feed K scans and return how many windows of line 0 have finished.

    t_now [K]; x, t, q [K, n] (q < 0: not read). Writes per finished window key [W, 3] (window,
    start, end) and the sums a, covered [W, m]; W must be large enough, see `rows_for`.
    """
    done = 0
    for k in range(t_now.size):
        for i in range(x.shape[1]):
            w.fresh[i] = 0
            if q[k, i] >= 0:
                w.fresh[i] = 1
                s.x[i] = x[k, i]
                s.t[i] = t[k, i]
                s.q[i] = q[k, i]
        accumulate(c, s, w, x.shape[1])
        potline(p, c, s, w, o)
        hourly(n.hourly, w)
        for r in range(s.bin_id.size):
            done = _tumble(n, s, w, r, t_now[k], key, a, covered, done)
        if n.batch[0] >= 0:
            done = _batch(c, n, s, w, key, a, covered, done)
    return done


@kernel
def _tumble(
    n: Lines, s: State, w: Scratch, r: int, t_now: int, key: I8, a: F8, covered: F8, done: int
) -> int:
    """Book into the window of length r, and write down those that have ended."""
    length, offset = LENGTHS_NS[r], n.offset_ns[0, r]
    now_id = (t_now - offset) // length
    old_id = s.tumble_id[0, r]
    s.tumble_id[0, r] = now_id
    own_a, own_c = s.tumble_a[r : r + 1], s.tumble_c[r : r + 1]
    if not 0 <= old_id < now_id:
        _book_all(n, w, own_a, own_c)
        return done
    end = (old_id + 1) * length + offset
    _book_line(n, w, 0, own_a, own_c, 0, end)
    done = _write(key, a, covered, done, r + 1, end - length, end, own_a, own_c)
    for skipped in range(max(old_id + 1, now_id - MOST_SKIPPED), now_id):
        end = (skipped + 1) * length + offset
        _clear(n, 0, own_a, own_c)
        _book_line(n, w, 0, own_a, own_c, end - length, end)
        done = _write(key, a, covered, done, r + 1, end - length, end, own_a, own_c)
    _clear(n, 0, own_a, own_c)
    _book_line(n, w, 0, own_a, own_c, end, FOREVER)
    return done


@kernel
def _batch(c: Streams, n: Lines, s: State, w: Scratch, key: I8, a: F8, covered: F8, done: int) -> int:
    """Book into the running batch, and write it down when its number has changed."""
    b = n.batch[0]
    own_a, own_c = s.sum_a[0:1], s.sum_c[0:1]
    if not (w.fresh[b] == 1 and s.q[b] < BAD and s.x[b] != s.batch_id[0]):
        _book_all(n, w, own_a, own_c)
        return done
    for k in range(n.ptr[0], n.ptr[1]):
        i = n.series[k]
        if w.t1[i] > 0:
            hole = w.t1[i] - w.t0[i] > c.gap_ns[i]
            own_a[0, i] += w.inc[i]
            own_c[0, i] += 0 if hole else w.t1[i] - w.t0[i]
    if s.batch_start[0] > 0:
        done = _write(key, a, covered, done, 0, s.batch_start[0], s.t[b], own_a, own_c)
    s.batch_id[0] = s.x[b]
    s.batch_start[0] = s.t[b]
    _clear(n, 0, own_a, own_c)
    return done


@kernel
def _book_all(n: Lines, w: Scratch, a: F8, covered: F8) -> None:
    for k in range(n.ptr[0], n.ptr[1]):
        i = n.series[k]
        if w.t1[i] > 0:
            a[0, i] += w.inc[i]
            covered[0, i] += w.t1[i] - w.t0[i]


@kernel
def _write(
    key: I8, a: F8, covered: F8, row: int, window: int, start: int, end: int, own_a: F8, own_c: F8
) -> int:
    key[row, 0] = window
    key[row, 1] = start
    key[row, 2] = end
    a[row] = own_a[0]
    covered[row] = own_c[0]
    return row + 1


def rows_for(first_ns: int, last_ns: int, scans: int) -> int:
    """Return how many windows scans from `first_ns` (with the one before them) to `last_ns` can finish."""
    return scans + sum(max(0, last_ns - first_ns) // length + 2 for length in LENGTHS_NS)
