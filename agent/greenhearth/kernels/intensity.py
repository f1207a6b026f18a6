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
            code = 0 if worst >= MIN_COVERAGE else (_PARTIAL if worst > 0.0 else _NO_DATA)
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
