"""The flat arrays that the kernels share, by name.

n series come from registers, m >= n with the derived ones a process's own kernel adds;
L lines, M metrics, B = 60 bins, R = 3 rolling windows. Times are Unix ns in int64,
increments are in the series' unit (a rate's in unit x h), coverage is in ns.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
U2 = NDArray[np.uint16]
U4 = NDArray[np.uint32]
U8 = NDArray[np.uint64]
F4 = NDArray[np.float32]

GAUGE, COUNTER, RATE, DERIVED = 0, 1, 2, 3
UINT, INT, FLOAT, BIT = 0, 1, 2, 3


class Decode(NamedTuple):
    """How each series is cut out of the scan buffer; all arrays [n] unless noted."""

    block: I4
    at: I4
    """First register in the scan buffer."""
    words: I4
    form: I4
    """UINT, INT, FLOAT or BIT."""
    shift: I4
    """[n, 8]: left shift of each byte in the order the wire brings them."""
    bit: I4
    scale: F8
    offset: F8
    low: F8
    high: F8
    """Physical limits, infinite where there are none."""
    sentinel_ptr: I4
    """[n + 1] into `sentinel`."""
    sentinel: U8


class Streams(NamedTuple):
    """What each series is to its line; all arrays [m] unless noted."""

    kind: I4
    line: I4
    """Line number, -1: none."""
    required: I4
    modulus: F8
    max_per_h: F8
    """Infinite where there is no bound."""
    gap_ns: I8
    """Longest interval over which a rate is integrated."""
    u: F8
    """Relative standard uncertainty of the meter."""
    entry_ptr: I4
    """[m + 1] into the three entry arrays."""
    entry_metric: I4
    entry_g: F8
    """Metric amount per unit of the stream."""
    entry_gu: F8
    """Standard uncertainty of entry_g from its factors, absolute."""
    p: F8
    """Product [t] per unit of the stream."""
    pu: F8
    pe: F8
    """Estimated product [t] per unit of the stream."""
    peu: F8


class Lines(NamedTuple):
    """One row per line; arrays [L] unless noted."""

    ptr: I4
    """[L + 1] into `series`."""
    series: I4
    """Series of each line, derived ones included."""
    batch: I4
    """Series whose change ends a batch, -1: none."""
    phase: I4
    offset_ns: I8
    """[L, R] start of the tumbling windows after midnight UTC."""
    min_product_t_per_h: F8
    """Below this throughput nothing is divided by the product."""
    ratio: I4
    """[M] whether the metric is per tonne."""


class Pots(NamedTuple):
    """One row per potline; arrays [P]."""

    first: I4
    cells: I4
    current: I4
    """Series of the line current [kA]."""
    kah: I4
    ae_min: I4
    ae_product: I4
    """Derived series."""
    threshold_v: F8
    min_ns: I8
    t_per_ka_day: F8
    """Aluminium per kA, cell and day [t]."""


class State(NamedTuple):
    """Everything that must survive a restart; arrays [m] unless noted."""

    x: F8
    t: I8
    q: I4
    last_v: F8
    last_t: I8
    hold_v: F8
    hold_last: F8
    hold_t: I8
    hold_n: I4
    ae_since: I8
    ae_booked: I8
    in_circuit: I4
    bin_id: I8
    """[R] number of the newest bin since 1970."""
    bins_a: F8
    """[R, B, m] increments."""
    bins_c: F8
    """[R, B, m] covered time."""
    sum_a: F8
    """[1 + R, m] increments of the running batch and of the rolling windows."""
    sum_c: F8
    tumble_id: I8
    """[L, R] number of the running tumbling window, -1: none yet."""
    tumble_a: F8
    """[R, m]."""
    tumble_c: F8
    batch_id: F8
    """[L], NaN: none yet."""
    batch_start: I8
    """[L]."""
    batch_seen: I4
    """[L] whether the start of the running batch was seen."""
    began: I8
    """[1] time of the first step."""


class Scratch(NamedTuple):
    """Written by every step, read by the next kernel of the same step; arrays [m]."""

    fresh: I4
    inc: F8
    t0: I8
    t1: I8
    """Interval of the increment; t1 = 0: none."""
    reset: I4
    """1 where a counter reset was confirmed in this step."""
    span: F8
    """[L, 1 + R] length of each running window so far [ns]."""


class Out(NamedTuple):
    """What a step tells."""

    x: F8
    """[L, R + 1, M] metrics of the running batch and the rolling windows."""
    u: F8
    v: I4
    """[L, R + 1]."""
    c: F8
    done_n: I8
    """[1] finished windows in this step."""
    done_key: I8
    """[D, 4]: line, window (0 batch), start, end."""
    done_b: F8
    """[D] batch id."""
    done_x: F8
    """[D, 1, M]."""
    done_u: F8
    done_v: I4
    """[D, 1]."""
    done_c: F8
