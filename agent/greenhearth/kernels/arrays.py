"""The flat arrays that the kernels share, by name.

n series come from registers, m >= n with the derived ones a process's own kernel adds;
L lines, M metrics (those that some line has), B = 60 bins, R = 3 rolling windows. Times are Unix ns in int64,
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
    p: F8
    """Product [t] per unit of the stream."""
    pe: F8
    """Estimated product [t] per unit of the stream."""
    charge: F8
    """Metallic (or raw) charge [t] per unit of the stream."""


class Weights(NamedTuple):
    """What the streams of each line are in each metric, and which errors reach it.

    C columns: the metrics that the model has. An error source is a meter, a factor or a
    parameter; a pair is one source in one column of one line, a divisor one source in the
    product or the charge of one line. Divisor 0 is the empty one, of a source that is in neither.
    """

    ratio: I4
    """[C] what the metric is divided by: 0 nothing, 1 product, 2 charge."""
    sum_ptr: I4
    """[L C + 1] into sum_series and sum_g."""
    sum_series: I4
    sum_g: F8
    """Amount of the metric per unit of the stream."""
    pair_ptr: I4
    """[L C + 1] into pair_divisor and term_ptr."""
    pair_divisor: I4
    """Divisor of the same source, 0: none."""
    term_ptr: I4
    """[pairs + 1] into term_series and term_u."""
    term_series: I4
    term_u: F8
    """Standard uncertainty that the source brings into the metric, per unit of the stream, signed."""
    line_divisor: I4
    """[L + 1] divisors of each line."""
    divisor_ptr: I4
    """[divisors + 1] into the three arrays below."""
    divisor_series: I4
    divisor_u: F8
    """The same for the product, or the charge."""
    divisor_ue: F8
    """The same while the product is estimated."""


class Hourly(NamedTuple):
    """One row per hourly stream; arrays [E] unless noted."""

    source: I4
    """Series of the electricity."""
    target: I4
    """Derived series: its increments times the factor of their hour."""
    first: I8
    """Hour (since 1970) of the first factor."""
    ptr: I8
    """[E + 1] into `value`."""
    value: F8
    """Factors of consecutive hours, NaN where there is none."""
    fallback: F8
    """Factor of an hour that has none."""


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
    weights: Weights
    hourly: Hourly


class Pots(NamedTuple):
    """One row per potline; arrays [P]."""

    first: I4
    cells: I4
    current: I4
    """Series of the line current [kA]."""
    kah: I4
    ae_min: I4
    ae_product: I4
    ae_count: I4
    ae_over: I4
    """Derived series."""
    threshold_v: F8
    """Infinite where there are no anode effects."""
    min_ns: I8
    """Shortest anode effect."""
    end_ns: I8
    """An effect is over once its cell was seen below the threshold for so long."""
    normal_v: F8
    """Target voltage of a cell, NaN where none is declared."""
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
    """First sample of the running anode effect (or of what may become one), 0: none."""
    ae_below: I8
    """First sample of the dip below the threshold in it, 0: none."""
    ae_above: I8
    """Time at or above the threshold in it [ns]."""
    ae_over: F8
    """Integral of the overvoltage in it [V ns]."""
    ae_peak: F8
    in_circuit: I4
    """1 in circuit, 0 not, -1 not known yet."""
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
    ae_n: I8
    """[2] anode effects that ended in this step and are told, and how many more did not fit."""
    ae_key: I8
    """[E, 4]: series of the cell, start, end, how it ended."""
    ae_x: F8
    """[E, 2]: highest voltage, mean overvoltage [V]."""
