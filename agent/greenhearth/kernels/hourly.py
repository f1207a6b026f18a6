"""Electricity counted with the factor of the hour it was used in.

A derived stream is the increment of its source times the factor of the hour; an increment that
crosses an hour is split in proportion. Hours without a factor are counted with the fallback and
cover no time, so that a required stream makes its window PARTIAL.
"""

import numpy as np

from greenhearth.kernels._compile import kernel
from greenhearth.kernels.arrays import Hourly, Scratch
from greenhearth.kernels.window import share

NS_PER_HOUR = 3_600_000_000_000


@kernel
def hourly(h: Hourly, w: Scratch) -> None:
    """Write the increments of the hourly streams; see `Hourly` for the shapes."""
    inc, begin, end = w.inc, w.t0, w.t1
    source, target, first, ptr, value, fallback = h.source, h.target, h.first, h.ptr, h.value, h.fallback
    for e in range(source.size):
        i, j = source[e], target[e]
        if end[i] == 0:
            continue
        total, known = 0.0, True
        for hour in range(begin[i] // NS_PER_HOUR, (end[i] - 1) // NS_PER_HOUR + 1):
            part = share(begin[i], end[i], hour * NS_PER_HOUR, (hour + 1) * NS_PER_HOUR)
            at = ptr[e] + hour - first[e]
            factor = np.nan
            if ptr[e] <= at < ptr[e + 1]:
                factor = value[at]
            if np.isnan(factor):
                factor, known = fallback[e], False
            total += part * factor
        inc[j] = inc[i] * total
        begin[j] = begin[i] if known else end[i] - 1
        end[j] = end[i]
