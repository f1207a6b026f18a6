"""One step of everything: the single entry for live scans, restarts and history.

    words ─ decode ─ accumulate ─ potline ─ windows ─ intensity ─ out

`live` starts from registers, `replay` from readings that were decoded before; both then run
the same compiled `_advance`, which is why history repeats what was shown live.
"""

from greenhearth.kernels._compile import kernel
from greenhearth.kernels.accumulate import accumulate
from greenhearth.kernels.arrays import F8, I4, I8, U2, Decode, Lines, Out, Pots, Scratch, State, Streams
from greenhearth.kernels.decode import decode
from greenhearth.kernels.hourly import hourly
from greenhearth.kernels.intensity import evaluate
from greenhearth.kernels.potline import potline
from greenhearth.kernels.window import BIN_NS, batches, roll, tumble
from greenhearth.metrics import BINS
from greenhearth.quality import Validity

_UNSEEN = int(Validity.START_UNSEEN)
_NO_DATA = int(Validity.NO_DATA)


@kernel
def live(
    d: Decode, c: Streams, n: Lines, p: Pots, s: State, w: Scratch, o: Out,
    t_now: int, words: U2, block_t: I8, block_q: I4,
) -> None:  # fmt: skip
    """Run one scan from registers; see Decode for the shapes."""
    decode(d, words, block_t, block_q, s.x, s.t, s.q, w.fresh)
    _advance(c, n, p, s, w, o, t_now, d.block.size)


@kernel
def replay(
    c: Streams, n: Lines, p: Pots, s: State, w: Scratch, o: Out,
    t_now: int, x: F8, t: I8, q: I4, fresh: I4,
) -> None:  # fmt: skip
    """Run one scan from readings x, t, q [n]; fresh [n] is 1 where there is a new one."""
    for i in range(x.size):
        w.fresh[i] = fresh[i]
        if fresh[i] == 1:
            s.x[i] = x[i]
            s.t[i] = t[i]
            s.q[i] = q[i]
    _advance(c, n, p, s, w, o, t_now, x.size)


@kernel
def _advance(c: Streams, n: Lines, p: Pots, s: State, w: Scratch, o: Out, t_now: int, series: int) -> None:
    if s.began[0] == 0:
        s.began[0] = t_now
    o.done_n[0] = 0
    accumulate(c, s, w, series)
    potline(p, c, s, w, o)
    hourly(n.hourly, w)
    roll(s, w, t_now)
    tumble(c, n, s, w, o, t_now)
    batches(c, n, s, w, o)
    _running(c, n, s, w, o, t_now)


@kernel
def _running(c: Streams, n: Lines, s: State, w: Scratch, o: Out, t_now: int) -> None:
    """Evaluate the running batch and the rolling windows of all lines."""
    lines = n.batch.size
    for line in range(lines):
        w.span[line, 0] = t_now - s.batch_start[line] if s.batch_start[line] > 0 else 0
        for r in range(s.bin_id.size):
            w.span[line, r + 1] = t_now - (s.bin_id[r] - BINS + 1) * BIN_NS[r]
    evaluate(c, n, 0, lines, s.sum_a, s.sum_c, w.span, True, o.x, o.u, o.v, o.c)
    for line in range(lines):
        if s.batch_start[line] == 0:
            o.v[line, 0] = _NO_DATA
        elif s.batch_seen[line] == 0:
            o.v[line, 0] = max(o.v[line, 0], _UNSEEN)
