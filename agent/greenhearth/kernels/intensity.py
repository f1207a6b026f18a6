"""Sums of a window to metrics: amounts, ratios to product or charge, validity and uncertainty.

Uncertainty is GUM first order (JCGM 100:2008, 5.1.2 and 5.2.2). A meter's error is taken as
constant over the window, and every source of error - a meter, a factor, a parameter - counts once,
wherever it occurs: in several streams, in several metrics, in numerator and divisor. With
N = sum(A g), D = sum(A p), r = N / D, and the standard uncertainties J (of N) and P (of D) that
source s brings per unit of a stream, signed:

    u(r)^2 = sum over s of [sum (A J_s) - r sum (A P_s)]^2 / D^2,   U = 2 u(r)

Columns of x and u are the metrics of `Lines.weights`, which need not be all of METRICS.
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import F8, I4, Lines, Streams, Weights
from greenhearth.quality import Validity

MIN_COVERAGE = 0.95
NS_PER_H = 3.6e12
_ESTIMATED = int(Validity.PRODUCT_ESTIMATED)
_PARTIAL = int(Validity.PARTIAL)
_ZERO = int(Validity.PRODUCT_ZERO)
_NO_DATA = int(Validity.NO_DATA)


@kernel
def evaluate(
    c: Streams, n: Lines, first: int, last: int, a: F8, covered: F8, span_ns: F8, estimate: bool,
    x: F8, u: F8, v: I4, cover: F8,
) -> None:  # fmt: skip
    """Evaluate W windows of the lines first..last-1.

    a, covered [W, m]; span_ns [lines, W]; writes metrics x, u [lines, W, M], validity v and
    coverage [lines, W]. `estimate` allows the product of window 0 (the running batch) to be
    estimated from the charge. Ratios are NaN when there is too little product to divide by,
    shares when there is no charge.
    """
    ptr, series, required, floor = n.ptr, n.series, c.required, n.min_product_t_per_h
    p, pe, charged, weights = c.p, c.pe, c.charge, n.weights
    below = np.zeros(weights.divisor_ptr.size)
    over = np.ones(3)
    for line in range(first, last):
        row = line - first
        for k in range(a.shape[0]):
            span = span_ns[row, k]
            worst, product, estimated, charge = 1.0, 0.0, 0.0, 0.0
            for at in range(ptr[line], ptr[line + 1]):
                i = series[at]
                # Asked, not multiplied: the amount of a stream that is no product may be NaN.
                product += a[k, i] * p[i] if p[i] != 0.0 else 0.0
                estimated += a[k, i] * pe[i] if pe[i] != 0.0 else 0.0
                charge += a[k, i] * charged[i] if charged[i] != 0.0 else 0.0
                if required[i] == 1:
                    worst = min(worst, covered[k, i] / span if span > 0.0 else 0.0)
            code = code_of(worst)
            d = product
            guess = estimate and k == 0 and estimated > 0.0
            if guess:
                code = max(code, _ESTIMATED)
                d = max(product, estimated)
            guess = guess and estimated > product
            if d <= floor[line] * span / NS_PER_H:
                code = max(code, _ZERO)
                d = 0.0
            v[row, k] = code
            cover[row, k] = min(worst, 1.0)
            over[1] = d
            over[2] = charge
            _divisors(weights, a, k, line, guess, below)
            _metrics(weights, a, k, line, over, below, x[row, k], u[row, k])


@inlined
def code_of(worst: float) -> int:
    """Return the validity of a window of which this share is covered."""
    return 0 if worst >= MIN_COVERAGE else (_PARTIAL if worst > 0.0 else _NO_DATA)


@inlined
def _divisors(w: Weights, a: F8, k: int, line: int, guess: bool, below: F8) -> None:
    """Sum what each source of error brings into the product, or into the charge."""
    ptr, series = w.divisor_ptr, w.divisor_series
    per_unit = w.divisor_ue if guess else w.divisor_u
    for s in range(w.line_divisor[line], w.line_divisor[line + 1]):
        total = 0.0
        for t in range(ptr[s], ptr[s + 1]):
            total += a[k, series[t]] * per_unit[t]
        below[s] = total


@inlined
def _metrics(w: Weights, a: F8, k: int, line: int, over: F8, below: F8, x: F8, u: F8) -> None:
    """Write every metric of a line and its expanded uncertainty (k = 2)."""
    ratio, sum_ptr, sum_series, sum_g = w.ratio, w.sum_ptr, w.sum_series, w.sum_g
    pair_ptr, pair_divisor = w.pair_ptr, w.pair_divisor
    term_ptr, term_series, term_u = w.term_ptr, w.term_series, w.term_u
    columns = ratio.size
    for m in range(columns):
        j = line * columns + m
        d = over[ratio[m]]
        if not d > 0.0:
            x[m] = np.nan
            u[m] = np.nan
            continue
        total = 0.0
        for t in range(sum_ptr[j], sum_ptr[j + 1]):
            total += a[k, sum_series[t]] * sum_g[t]
        r = total / d
        variance = 0.0
        for q in range(pair_ptr[j], pair_ptr[j + 1]):
            s = pair_divisor[q]
            error = -r * below[s] if s > 0 else 0.0
            for t in range(term_ptr[q], term_ptr[q + 1]):
                error += a[k, term_series[t]] * term_u[t]
            variance += error * error
        x[m] = r
        u[m] = 2.0 * np.sqrt(variance) / d


@kernel
def evaluate_windows(
    c: Streams, n: Lines, first: int, last: int, a: F8, covered: F8, span_ns: F8,
    x: F8, u: F8, v: I4, cover: F8,
) -> None:  # fmt: skip
    """Evaluate W past windows of the lines first..last-1: what `evaluate` finds, with the windows inside.

    a, covered [m, W]; span_ns [W]; writes metrics x, u [lines, M, W], validity v and coverage
    [lines, W]. The inner loops run over neighbours in memory, four or eight at once: a line with
    60 windows costs an eighth. Live there are four windows of amounts that lie the other way.
    """
    windows = span_ns.size
    below = np.zeros((_most(n.weights.line_divisor), windows))
    over, error = np.ones((3, windows)), np.zeros(windows)
    for line in range(first, last):
        row = line - first
        _bases(c, n, line, row, a, covered, span_ns, over, v, cover)
        _divisor_rows(n.weights, line, a, below)
        _metric_rows(n.weights, line, row, a, over, below, error, x, u)


@inlined
def _most(ptr: I4) -> int:
    """Return the largest number of rows that a line has."""
    most = 0
    for k in range(ptr.size - 1):
        most = max(most, ptr[k + 1] - ptr[k])
    return most


@inlined
def _bases(
    c: Streams, n: Lines, line: int, row: int, a: F8, covered: F8, span_ns: F8, over: F8, v: I4, cover: F8
) -> None:
    """Write validity and coverage, and what is divided by: NaN where there is too little."""
    series, required, p, charged = n.series, c.required, c.p, c.charge
    floor, windows = n.min_product_t_per_h[line], span_ns.size
    for k in range(windows):
        over[1, k] = 0.0
        over[2, k] = 0.0
        cover[row, k] = 1.0
    for at in range(n.ptr[line], n.ptr[line + 1]):
        i = series[at]
        if p[i] != 0.0:  # the amount of a stream that is no product may be NaN
            for k in range(windows):
                over[1, k] += a[i, k] * p[i]
        if charged[i] != 0.0:
            for k in range(windows):
                over[2, k] += a[i, k] * charged[i]
        if required[i] == 1:
            for k in range(windows):
                share = covered[i, k] / span_ns[k] if span_ns[k] > 0.0 else 0.0
                cover[row, k] = min(cover[row, k], share)
    for k in range(windows):
        v[row, k] = code_of(cover[row, k])
        if over[1, k] <= floor * span_ns[k] / NS_PER_H:
            v[row, k] = max(v[row, k], _ZERO)
            over[1, k] = 0.0
        over[1, k] = over[1, k] if over[1, k] > 0.0 else np.nan
        over[2, k] = over[2, k] if over[2, k] > 0.0 else np.nan


@inlined
def _divisor_rows(w: Weights, line: int, a: F8, below: F8) -> None:
    """Sum what each source of error brings into the product, or into the charge."""
    ptr, series, per_unit = w.divisor_ptr, w.divisor_series, w.divisor_u
    begin = w.line_divisor[line]
    for s in range(begin, w.line_divisor[line + 1]):
        to = s - begin
        for k in range(below.shape[1]):
            below[to, k] = 0.0
        for t in range(ptr[s], ptr[s + 1]):
            i, one = series[t], per_unit[t]
            for k in range(below.shape[1]):
                below[to, k] += a[i, k] * one


@inlined
def _metric_rows(
    w: Weights, line: int, row: int, a: F8, over: F8, below: F8, error: F8, x: F8, u: F8
) -> None:
    """Write every metric of a line and its expanded uncertainty (k = 2)."""
    ratio, sum_ptr, sum_series, sum_g = w.ratio, w.sum_ptr, w.sum_series, w.sum_g
    pair_ptr, pair_divisor = w.pair_ptr, w.pair_divisor
    term_ptr, term_series, term_u = w.term_ptr, w.term_series, w.term_u
    windows, begin = error.size, w.line_divisor[line]
    for m in range(ratio.size):
        j = line * ratio.size + m
        by = ratio[m]
        for k in range(windows):
            x[row, m, k] = 0.0
            u[row, m, k] = 0.0
        for t in range(sum_ptr[j], sum_ptr[j + 1]):
            i, g = sum_series[t], sum_g[t]
            for k in range(windows):
                x[row, m, k] += a[i, k] * g
        for k in range(windows):
            x[row, m, k] /= over[by, k]
        for q in range(pair_ptr[j], pair_ptr[j + 1]):
            s = pair_divisor[q] - begin
            begin_t, end_t = term_ptr[q], term_ptr[q + 1]
            if s < 0 and end_t - begin_t == 1:  # two pairs of three
                i, one = term_series[begin_t], term_u[begin_t]
                for k in range(windows):
                    u[row, m, k] += (a[i, k] * one) ** 2
                continue
            for k in range(windows):
                error[k] = -x[row, m, k] * below[s, k] if s >= 0 else 0.0
            for t in range(begin_t, end_t):
                i, one = term_series[t], term_u[t]
                for k in range(windows):
                    error[k] += a[i, k] * one
            for k in range(windows):
                u[row, m, k] += error[k] * error[k]
        for k in range(windows):
            u[row, m, k] = 2.0 * np.sqrt(u[row, m, k]) / over[by, k]
