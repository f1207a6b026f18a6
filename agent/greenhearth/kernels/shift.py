"""What a step of the clock does to the state: it is carried over to the new count of time.

Every time in the state moves with the clock, so that the next increments see only the time
that really passed, and running batches keep their totals and durations. Rolling windows move
by whole bins: the last hour stays the last hour that was lived, within one bin. A running
quarter hour, hour or day ends where the clock left it, as PARTIAL as it is, and another one
begins; after a small step back it is waited for instead, as it would otherwise be told twice.
"""

import numpy as np

from greenhearth.kernels._compile import kernel
from greenhearth.kernels.arrays import COUNTER, I8, Lines, Out, Scratch, State, Streams
from greenhearth.kernels.window import BIN_NS, LENGTHS_NS, _clear, finish
from greenhearth.metrics import BINS

WAITED = 20
"""A window is waited for up to a 20th of its length: it stays within the 95 % that make it VALID."""


@kernel
def shift(
    c: Streams, n: Lines, s: State, w: Scratch, o: Out, step_ns: int, t_now: int, unsure: bool
) -> None:  # fmt: skip
    """Carry the state over a step of the clock to t_now, the time just after it.

    `unsure`: how much time passed is not known (the machine was off). Then rolling windows begin
    anew, and the next step of every counter is believed. So it is after a step forward too: a
    machine that slept looks the same. Finished windows are in `o.done`.
    """
    o.done_n[0] = 0
    o.ae_n[:] = 0
    w.reset[:] = 0
    for times in (s.t, s.last_t, s.hold_t, s.ae_since, s.ae_below, s.batch_start, s.began):
        _move(times, step_ns)
    if unsure or step_ns > 0:
        for i in range(c.kind.size):
            if c.kind[i] == COUNTER:
                s.last_t[i] = -abs(s.last_t[i])
    for r in range(s.bin_id.size):
        _move_bins(s, r, step_ns, t_now, unsure)
        for line in range(n.batch.size):
            _change_window(c, n, s, o, line, r, t_now)


@kernel
def _move(times: I8, step_ns: int) -> None:
    """Move the times of an array; 0 means none, a negative one an uncertain one."""
    for i in range(times.size):
        if times[i] > 0:
            times[i] = max(1, times[i] + step_ns)
        elif times[i] < 0:
            times[i] = min(-1, times[i] - step_ns)


@kernel
def _move_bins(s: State, r: int, step_ns: int, t_now: int, unsure: bool) -> None:
    if s.bin_id[r] == 0:
        return
    old = s.bin_id[r]
    new = old + t_now // BIN_NS[r] - (t_now - step_ns) // BIN_NS[r]
    s.bin_id[r] = new
    if unsure:
        s.bins_a[r] = 0.0
        s.bins_c[r] = 0.0
        s.sum_a[r + 1] = 0.0
        s.sum_c[r + 1] = 0.0
        return
    a, covered = s.bins_a[r].copy(), s.bins_c[r].copy()
    for b in range(BINS):
        s.bins_a[r, (b + new - old) % BINS] = a[b]
        s.bins_c[r, (b + new - old) % BINS] = covered[b]


@kernel
def _change_window(c: Streams, n: Lines, s: State, o: Out, line: int, r: int, t_now: int) -> None:
    """End the running window of a line if the clock has left it."""
    length, offset, old = LENGTHS_NS[r], n.offset_ns[line, r], s.tumble_id[line, r]
    new = (t_now - offset) // length
    start = old * length + offset
    if old < 0 or new == old or 0 < start - t_now <= length // WAITED:
        return
    a, covered = s.tumble_a[r : r + 1], s.tumble_c[r : r + 1]
    finish(c, n, o, line, r + 1, start, start + length, a, covered)
    _clear(n, line, a, covered)
    s.tumble_id[line, r] = new


@kernel
def newest(s: State) -> np.int64:
    """Return the time of the newest reading in the state, 0: none."""
    t = np.int64(0)
    for i in range(s.t.size):
        t = max(t, s.t[i])
    return t
