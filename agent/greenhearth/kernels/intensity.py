"""Sums of a window to metrics: amounts, ratios to product, validity and uncertainty.

Uncertainty is GUM first order (JCGM 100:2008, 5.1.2 and 5.2.2). A meter's error is taken as
constant over the window, so a stream counts once, with its whole amount; a stream that is in
both numerator and product (the current of a potline) is handled by its joint sensitivity.
With N = sum(A g), D = sum(A p), r = N / D and relative standard uncertainties u of meters
and gu, pu of factors:

    u(r)^2 = [sum (A u)^2 (g - r p)^2 + sum (A gu)^2 + r^2 sum (A pu)^2] / D^2,   U = 2 u(r)
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import F8, I4, Lines, Streams
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
    estimated from the charge. Ratios are NaN when there is too little product to divide by.
    """
    ptr, series, required, floor, ratio = n.ptr, n.series, c.required, n.min_product_t_per_h, n.ratio
    p, pu, pe, peu, um = c.p, c.pu, c.pe, c.peu, c.u
    gg = np.zeros(ratio.size)
    gp = np.zeros(ratio.size)
    for line in range(first, last):
        row = line - first
        for k in range(a.shape[0]):
            span = span_ns[row, k]
            worst, product, estimated = 1.0, 0.0, 0.0
            for at in range(ptr[line], ptr[line + 1]):
                i = series[at]
                product += a[k, i] * p[i]
                estimated += a[k, i] * pe[i]
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
            pp = _sums(
                c, ptr, series, a, k, line, pe if guess else p, peu if guess else pu, um, x[row, k], gg, gp
            )
            _ratios(ratio, d, pp, x[row, k], u[row, k], gg, gp)


@inlined
def _sums(
    c: Streams, ptr: I4, series: I4, a: F8, k: int, line: int, p: F8, pu: F8, um: F8, x: F8, gg: F8, gp: F8
) -> float:
    """Sum x = N, gg = sum (A u)^2 g^2 + (A gu)^2, gp = sum (A u)^2 g p; return the same of p."""
    entry_ptr, metric, g, gu = c.entry_ptr, c.entry_metric, c.entry_g, c.entry_gu
    pp = 0.0
    for m in range(x.size):
        x[m] = 0.0
        gg[m] = 0.0
        gp[m] = 0.0
    for at in range(ptr[line], ptr[line + 1]):
        i = series[at]
        amount = a[k, i]
        au = amount * um[i]
        pp += (au * p[i]) ** 2 + (amount * pu[i]) ** 2
        for e in range(entry_ptr[i], entry_ptr[i + 1]):
            m = metric[e]
            x[m] += amount * g[e]
            gg[m] += (au * g[e]) ** 2 + (amount * gu[e]) ** 2
            gp[m] += au * au * g[e] * p[i]
    return pp


@inlined
def _ratios(ratio: I4, d: float, pp: float, x: F8, u: F8, gg: F8, gp: F8) -> None:
    """Divide by the product and give the expanded uncertainty (k = 2)."""
    for m in range(ratio.size):
        if ratio[m] == 0:
            u[m] = 2.0 * np.sqrt(gg[m])
        elif d > 0.0:
            r = x[m] / d
            x[m] = r
            u[m] = 2.0 * np.sqrt(max(gg[m] - 2.0 * r * gp[m] + r * r * pp, 0.0)) / d
        else:
            x[m] = np.nan
            u[m] = np.nan
