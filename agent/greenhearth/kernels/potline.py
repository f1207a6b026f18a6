"""What is not linear in an aluminium potline: Faraday's law over cells, and anode effects.

Aluminium is current x time x cells in circuit (the electrochemical equivalent 0.335573 kg/kAh
and the current efficiency are factors of the derived stream). A cell is in anode effect
while its voltage is at or above the threshold (8 V) for longer than the minimum duration.

PFC by the slope method: CF4 [kg] = SEF x (AE minutes per cell-day) x Al [t] (Regulation (EU)
2025/2547, Annex II.B.7). AE minutes per cell-day times Al is AE minutes times the Al a cell
makes in a day, so the derived stream ``ae_product`` [min x t/(cell-day)] is additive.
"""

import numpy as np

from greenhearth.kernels._compile import kernel
from greenhearth.kernels.arrays import Pots, Scratch, State, Streams
from greenhearth.quality import BAD, Quality

NS_PER_MIN = 6.0e10
_SENTINEL = int(Quality.SENTINEL)


@kernel
def potline(p: Pots, c: Streams, s: State, w: Scratch) -> None:
    """Write the increments of the derived streams of every potline."""
    inc, begin, end, last_t, last_v = w.inc, w.t0, w.t1, s.last_t, s.last_v
    for k in range(p.first.size):
        current, kah, ae_min, ae_product = p.current[k], p.kah[k], p.ae_min[k], p.ae_product[k]
        cells = slice(p.first[k], p.first[k] + p.cells[k])
        minutes, newest = anode_effects(p, c, s, w, k)
        if end[current] > 0:
            inc[kah] = inc[current] * s.in_circuit[cells].sum()
            begin[kah] = begin[current]
            end[kah] = end[current]
        since = last_t[ae_min]
        if newest > since:
            last_t[ae_min] = newest
            if since > 0:
                inc[ae_min] = minutes
                inc[ae_product] = minutes * last_v[current] * p.t_per_ka_day[k]
                for i in (ae_min, ae_product):
                    begin[i] = since
                    end[i] = newest


@kernel
def anode_effects(p: Pots, c: Streams, s: State, w: Scratch, k: int) -> tuple[float, np.int64]:
    """Return the minutes of anode effect that this scan of potline k completes, and its time.

    The effect lasts from the first sample above the threshold to the first below it, so that
    the two errors of up to one scan cancel on average.
    """
    fresh, x, t, q, last_t = w.fresh, s.x, s.t, s.q, s.last_t
    ae_since, ae_booked, in_circuit, gap = s.ae_since, s.ae_booked, s.in_circuit, c.gap_ns
    threshold, shortest = p.threshold_v[k], p.min_ns[k]
    minutes = 0.0
    newest = np.int64(0)
    for i in range(p.first[k], p.first[k] + p.cells[k]):
        if fresh[i] == 0:
            continue
        newest = max(newest, t[i])
        if q[i] >= BAD:
            if q[i] == _SENTINEL:
                in_circuit[i] = 0
                ae_since[i] = 0
            continue
        in_circuit[i] = 1
        since = ae_since[i]
        if t[i] - last_t[i] > gap[i]:
            since = 0  # nobody saw what the cell did meanwhile
        if since > 0 and t[i] - since >= shortest:
            minutes += (t[i] - ae_booked[i]) / NS_PER_MIN
            ae_booked[i] = t[i]
        if since == 0:
            since = t[i]
            ae_booked[i] = since
        ae_since[i] = since if x[i] >= threshold else 0
        last_t[i] = t[i]
    return minutes, newest
