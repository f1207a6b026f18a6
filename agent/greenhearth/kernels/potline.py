"""What is not linear in an aluminium potline: Faraday's law over cells, and anode effects.

Aluminium is current x time x cells in circuit (the electrochemical equivalent 0.335573 kg/kAh
and the current efficiency are factors of the derived stream).

A cell is in anode effect from the first sample at or above the threshold (8 V) to the first one
below it. It counts once it was at or above the threshold for the minimum duration, in all; it is
over once a sample has shown it still below after the end hold: with a hold above 0 one low sample
does not make two effects of one at any scan rate.
Both edges come late by up to one scan, so that the duration is right within one scan and their
errors cancel on average. All durations are differences of time stamps: any scan rate will do.

PFC by the slope method: CF4 [kg] = SEF x (AE minutes per cell-day) x Al [t] (Regulation (EU)
2025/2547, Annex II.B.7). AE minutes per cell-day times Al is AE minutes times the Al a cell
makes in a day, so the derived stream ``ae_product`` [min x t/(cell-day)] is additive. By the
overvoltage method CF4 [kg] = OVC x AEO / CE[%] x Al [t], where AEO [mV] is the integral of time x
voltage above the target voltage over the time of observation: ``ae_overvoltage_product`` [mV t]
sums mV x days x Al a cell makes in a day. Both count the time at or above the threshold only:
the overvoltage is the positive one, time below the target while an effect is put out is not
subtracted (the "algebraic" overvoltage of some pot controllers would be lower).
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import F8, I8, Out, Pots, Scratch, State, Streams
from greenhearth.quality import BAD, Quality

NS_PER_MIN = 6.0e10
MV_NS_PER_DAY = 1000.0 / 8.64e13
"""V x ns to mV x days."""

ENDED, UNSEEN, OUT_OF_CIRCUIT = 0, 1, 2
"""How an anode effect ended: seen, in a gap of its readings, or with its cell."""

MIN_SEEN = 0.95
"""Share of the cells that must be seen for anode effects to count as watched (as MIN_COVERAGE)."""

_SENTINEL = int(Quality.SENTINEL)


@kernel
def potline(p: Pots, c: Streams, s: State, w: Scratch, o: Out) -> None:
    """Write the increments of the derived streams of every potline, and the effects that ended.

    Where more than 5 % of the cells were not seen, what was seen is booked without covering time.
    """
    inc, begin, end, last_t, last_v = w.inc, w.t0, w.t1, s.last_t, s.last_v
    o.ae_n[:] = 0
    for k in range(p.first.size):
        current, kah, ae_min = p.current[k], p.kah[k], p.ae_min[k]
        minutes, mv_days, count, newest = anode_effects(p, c, s, w, o, k)
        circuit, unknown, seen = _cells(p, c, s, k, max(newest, last_t[ae_min]))
        if end[current] > 0:
            inc[kah] = inc[current] * circuit
            end[kah] = end[current]
            known = unknown <= (1.0 - MIN_SEEN) * p.cells[k]
            begin[kah] = begin[current] if known else end[kah] - 1
        since = last_t[ae_min]
        if newest > since:
            last_t[ae_min] = newest
            if since > 0:
                t_per_day = last_v[current] * p.t_per_ka_day[k]
                watched = seen >= MIN_SEEN * (circuit + unknown) and newest - since <= c.gap_ns[ae_min]
                inc[ae_min] = minutes
                inc[p.ae_product[k]] = minutes * t_per_day
                inc[p.ae_count[k]] = count
                # No target voltage is declared where the line does not account by overvoltage.
                inc[p.ae_over[k]] = mv_days * t_per_day if np.isfinite(mv_days) else 0.0
                for i in (ae_min, p.ae_product[k], p.ae_count[k], p.ae_over[k]):
                    begin[i] = since if watched else newest - 1
                    end[i] = newest


@kernel
def anode_effects(
    p: Pots, c: Streams, s: State, w: Scratch, o: Out, k: int
) -> tuple[float, float, float, np.int64]:
    """Return minutes, mV x days and number of anode effects that this scan adds, and its time.

    An effect is booked as a whole when it has lasted long enough to be one, then sample by
    sample; a sample stands for the time until the next. Bad samples neither begin nor end one.
    """
    fresh, x, t, q, last_t, last_v = w.fresh, s.x, s.t, s.q, s.last_t, s.last_v
    since, below, above, over, peak = s.ae_since, s.ae_below, s.ae_above, s.ae_over, s.ae_peak
    in_circuit, gap, told, key, figures = s.in_circuit, c.gap_ns, o.ae_n, o.ae_key, o.ae_x
    threshold, shortest, hold, target = p.threshold_v[k], p.min_ns[k], p.end_ns[k], p.normal_v[k]
    ns, v_ns, count = 0.0, 0.0, 0.0
    newest = np.int64(0)
    for i in range(p.first[k], p.first[k] + p.cells[k]):
        if fresh[i] == 0:
            continue
        now, seen = t[i], last_t[i]
        if since[i] > 0 and now - seen > gap[i]:  # nobody saw what the cell did meanwhile
            how, at = (ENDED, below[i]) if below[i] > 0 else (UNSEEN, seen)
            _end(since, below, above, over, peak, shortest, i, at, how, told, key, figures)
        if q[i] == _SENTINEL:
            newest = max(newest, now)
            in_circuit[i] = 0
            if since[i] > 0:
                how, at = (ENDED, below[i]) if below[i] > 0 else (OUT_OF_CIRCUIT, seen)
                _end(since, below, above, over, peak, shortest, i, at, how, told, key, figures)
        if q[i] >= BAD or now <= seen:
            continue
        newest = max(newest, now)
        in_circuit[i] = 1
        if since[i] > 0 and below[i] == 0:
            before = above[i]
            above[i] += now - seen
            over[i] += (last_v[i] - target) * (now - seen)
            if before > 0 and before >= shortest:
                ns += now - seen
                v_ns += (last_v[i] - target) * (now - seen)
            elif above[i] >= shortest:
                count += 1.0
                ns += above[i]
                v_ns += over[i]
            if x[i] < threshold:
                below[i] = now
        if below[i] > 0 and x[i] < threshold and now - below[i] >= hold:
            _end(since, below, above, over, peak, shortest, i, below[i], ENDED, told, key, figures)
        if x[i] >= threshold:
            _above(since, below, above, over, peak, i, now, x[i])
        last_v[i] = x[i]
        last_t[i] = now
    return ns / NS_PER_MIN, v_ns * MV_NS_PER_DAY, count, newest


@inlined
def _above(since: I8, below: I8, above: I8, over: F8, peak: F8, i: int, now: int, v: float) -> None:
    """Begin or go on with the effect of cell i, which is at v."""
    if since[i] == 0:
        since[i] = now
        above[i] = 0
        over[i] = 0.0
        peak[i] = v
    peak[i] = max(peak[i], v)
    below[i] = 0


@inlined
def _end(
    since: I8, below: I8, above: I8, over: F8, peak: F8, shortest: int, i: int, at: int, how: int,
    told: I8, key: I8, figures: F8,
) -> None:  # fmt: skip
    """End the effect of cell i at `at`, and tell it if it lasted long enough; see Out for the rows."""
    if above[i] > 0 and above[i] >= shortest:
        row = told[0]
        if row < key.shape[0]:
            key[row, 0] = i
            key[row, 1] = since[i]
            key[row, 2] = at
            key[row, 3] = how
            figures[row, 0] = peak[i]
            figures[row, 1] = over[i] / above[i]
            told[0] = row + 1
        else:
            told[1] += 1
    since[i] = 0
    below[i] = 0


@kernel
def _cells(p: Pots, c: Streams, s: State, k: int, now: int) -> tuple[int, int, int]:
    """Return how many cells of potline k are in circuit, not known yet, and in circuit and seen."""
    in_circuit, last_t, gap = s.in_circuit, s.last_t, c.gap_ns
    circuit, unknown, seen = 0, 0, 0
    for i in range(p.first[k], p.first[k] + p.cells[k]):
        if in_circuit[i] < 0:
            unknown += 1
        elif in_circuit[i] == 1:
            circuit += 1
            if now - last_t[i] <= gap[i]:
                seen += 1
    return circuit, unknown, seen
