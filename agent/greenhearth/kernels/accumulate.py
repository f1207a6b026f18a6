"""Counters and rates to increments over covered time.

A counter's increment is its step, a rate's the trapezoid between two good samples. What is
not covered is not invented: a bad sample changes coverage, never energy.

A counter that steps back, or jumps further than its line can deliver, is held: its
increments wait until it either returns to where it was (a spurious reading) or has run on
steadily for CONFIRM readings (a reset or an exchanged meter; the unknown part is not booked).

A negative last time is one that a step of the clock has made uncertain (`shift`): the counter's
next step is believed as if a week had passed.
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import F8, GAUGE, I4, I8, RATE, Scratch, State, Streams
from greenhearth.quality import BAD, Quality

CONFIRM = 5
"""Readings in a row that make a reset believable (5 s at a 1 s scan)."""

NS_PER_H = 3.6e12
_SLACK_H = 2.0 / 3600.0
"""A meter may publish its register up to 2 s late, then step by more than the scan's share."""
_UNSURE_NS = 7 * 86_400_000_000_000
_DIP = int(Quality.UNCERTAIN_DIP)
_JUMP = int(Quality.UNCERTAIN_JUMP)


@kernel
def accumulate(c: Streams, s: State, w: Scratch, n: int) -> None:
    """Turn the fresh samples of series 0..n-1 into increments w.inc over (w.t0, w.t1]."""
    # Arrays are taken out of their tuples once: inside the loop that costs 0.2 us a series.
    inc, begin, end, reset, fresh = w.inc, w.t0, w.t1, w.reset, w.fresh
    x, t, q, last_v, last_t = s.x, s.t, s.q, s.last_v, s.last_t
    hold_v, hold_last, hold_t, hold_n = s.hold_v, s.hold_last, s.hold_t, s.hold_n
    kind, gap, most, modulus = c.kind, c.gap_ns, c.max_per_h, c.modulus
    for i in range(inc.size):
        inc[i] = 0.0
        end[i] = 0
        reset[i] = 0
    for i in range(n):
        if kind[i] == GAUGE or fresh[i] == 0 or q[i] >= BAD or t[i] <= abs(last_t[i]):
            continue
        amount, since = increment(x[i], t[i], kind[i], last_v[i], last_t[i], gap[i], most[i], modulus[i])
        if since < 0:
            q[i] = _DIP if x[i] < last_v[i] else _JUMP
            since = hold(i, x[i], t[i], most, modulus, hold_v, hold_last, hold_t, hold_n)
            if since == 0:
                continue
            reset[i] = 1
            amount = x[i] - hold_v[i]
        if since > 0:
            inc[i] = amount
            begin[i] = since
            end[i] = t[i]
        last_v[i] = x[i]
        last_t[i] = t[i]
        hold_n[i] = 0


@inlined
def increment(
    x: float, t: int, kind: int, last_v: float, last_t: int, gap: int, most: float, modulus: float
) -> tuple[float, int]:
    """Return the increment from the last good sample to (x, t), and since when.

    Since 0: nothing is known before; -1: a counter's step is not believed, `hold` decides.
    """
    since = abs(last_t)
    amount = 0.0
    if kind == RATE:
        if t - since > gap:
            since = 0
        amount = 0.5 * (x + last_v) * (t - since) / NS_PER_H
    elif since > 0:
        amount = step_of(x - last_v, t - since if last_t > 0 else _UNSURE_NS, most, modulus)
        if amount < 0.0:
            since = -1
    return amount, since


@inlined
def hold(
    i: int, x: float, t: int, most: F8, modulus: F8, hold_v: F8, hold_last: F8, hold_t: I8, hold_n: I4
) -> int:
    """Hold a doubtful reading of counter i; return since when its new course is believed, 0: not yet."""
    on = step_of(x - hold_last[i], t - hold_t[i], most[i], modulus[i]) >= 0.0
    hold_last[i] = x
    if hold_n[i] == 0 or not on:
        hold_n[i] = 0
        hold_v[i] = x
        hold_t[i] = t
    hold_n[i] += 1
    return int(hold_t[i]) if hold_n[i] >= CONFIRM else 0


@inlined
def limit_of(most_per_h: float, dt: int) -> float:
    """Return the largest believable step of a counter over dt [ns]."""
    return most_per_h * (1.2 * dt / NS_PER_H + _SLACK_H)


@inlined
def step_of(delta: float, dt: int, most_per_h: float, modulus: float) -> float:
    """Return the increment of a believable step of a counter (rollover included), or -1."""
    limit = limit_of(most_per_h, dt)
    if 0.0 <= delta <= limit:
        return delta
    rolled = delta + modulus
    # Without a known bound, a rollover is believed only across the last tenth.
    bound = limit if np.isfinite(limit) else 0.1 * modulus
    if delta < 0.0 and modulus > 0.0 and 0.0 <= rolled <= bound:
        return rolled
    return -1.0
