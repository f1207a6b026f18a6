"""From amounts to metrics outside the live engine, through the same compiled kernel.

`account`, `recompute`, `sweep` and the green twin have amounts (kWh, t, Nm3 of a window) instead of
registers; what they are given here becomes the same arrays that a site's streams become.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from greenhearth.error_sources import (
    CHARGE,
    FACTOR,
    PRODUCT,
    Ledger,
    Source,
    StreamWeight,
    ledgers,
    weight_tables,
)
from greenhearth.hourly import hourly_table
from greenhearth.kernels.arrays import F8, I4, Lines, Streams
from greenhearth.kernels.intensity import evaluate
from greenhearth.metrics import DIVIDED_BY, METRICS, PER_PRODUCT, PLAIN, ROLLING_S


@dataclass(frozen=True)
class Evaluated:
    """Metrics of L lines and W windows, in the order of METRICS."""

    x: F8
    """[L, W, M]; NaN where there is no product (or charge) to divide by, or an amount is not known."""
    u: F8
    """[L, W, M] expanded uncertainty (k = 2)."""
    v: I4
    """[L, W] Validity."""


def evaluate_amounts(weights: Sequence[StreamWeight], amounts: F8, lines: int = 1) -> Evaluated:
    """Return the metrics of amounts [W, m], in the units of the m streams, as one window each.

    A NaN amount makes the metrics that need it NaN, and NO_DATA where the stream is required.
    ValueError when the shapes do not fit, or a stream names a line that is not there.
    """
    a = np.ascontiguousarray(amounts, np.float64)
    if a.ndim != 2 or a.shape[1] != len(weights):
        raise ValueError(f"amounts of shape {a.shape} do not fit {len(weights)} streams: [windows, streams]")
    if wrong := [one.line for one in weights if not -1 <= one.line < lines]:
        raise ValueError(f"a stream belongs to line {wrong[0]}, there are {lines}")
    shape, metrics = (lines, a.shape[0]), len(METRICS)
    found = Evaluated(np.empty((*shape, metrics)), np.empty((*shape, metrics)), np.zeros(shape, np.int32))
    covered = np.isfinite(a).astype(np.float64)
    evaluate(
        stream_table(weights), _line_table(weights, lines), 0, lines, a, covered, np.ones(shape), False,
        found.x, found.u, found.v, np.empty(shape),
    )  # fmt: skip
    return found


def numerators(weights: Sequence[StreamWeight], amounts: F8) -> F8:
    """Return [M] what is divided in each metric of line 0, for amounts [m]: kg, kWh, t."""
    book = ledgers(weights, 1)[0]
    return np.array([_total(book.amounts[m], amounts) for m in range(len(METRICS))])


def contributions(
    weights: Sequence[StreamWeight], amounts: Sequence[float] | F8, metric: str, line: int = 0
) -> dict[str, float]:
    """Return the share [%] of each source of error in the variance of one metric, largest first.

    Names are those of factors and parameters, and "meter NAME". Empty where nothing is uncertain, or
    there is no product to divide by. ValueError for an unknown metric.
    """
    column = METRICS.index(metric)
    book = ledgers(weights, max(line + 1, *(one.line + 1 for one in weights)))[line]
    by = DIVIDED_BY[column]
    below = -1 if by == PLAIN else PRODUCT if by == PER_PRODUCT else CHARGE
    d = _total(book.amounts[below], amounts) if below >= 0 else 1.0
    if not d > 0.0:
        return {}
    r = _total(book.amounts[column], amounts) / d
    squares: dict[str, float] = {}
    for source in dict.fromkeys([*book.errors[column], *book.errors[below]]):
        error = _error(book, column, source, amounts) - r * _error(book, below, source, amounts)
        name = _title(source)
        squares[name] = squares.get(name, 0.0) + error * error
    whole = sum(squares.values())
    shares = {name: 100.0 * one / whole for name, one in squares.items() if one > 0.0}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _title(source: Source) -> str:
    return source[1] if source[0] == FACTOR else f"meter {source[1]}"


def _error(book: Ledger, column: int, source: Source, amounts: Sequence[float] | F8) -> float:
    return _total(book.errors[column].get(source, {}), amounts)


def _total(per_unit: Mapping[int, float], amounts: Sequence[float] | F8) -> float:
    return float(sum(amounts[i] * value for i, value in per_unit.items()))


def stream_table(weights: Sequence[StreamWeight]) -> Streams:
    """Return the stream table of streams that have amounts, but no registers."""
    m = len(weights)
    return Streams(
        kind=np.zeros(m, np.int32),
        line=np.array([one.line for one in weights], np.int32),
        required=np.array([one.required for one in weights], np.int32),
        modulus=np.zeros(m),
        max_per_h=np.full(m, np.inf),
        gap_ns=np.zeros(m, np.int64),
        p=per_unit(weights, "product_t"),
        pe=per_unit(weights, "product_estimate_t"),
        charge=per_unit(weights, "charge_t"),
    )


def per_unit(weights: Sequence[StreamWeight], output: str) -> F8:
    """Return [m] what one unit of each stream causes of an output."""
    sums = [sum(f.value for f in one.flows if f.output == output) * one.unit for one in weights]
    return np.array(sums, np.float64)


def _line_table(weights: Sequence[StreamWeight], lines: int) -> Lines:
    members = [[i for i, one in enumerate(weights) if one.line == line] for line in range(lines)]
    return Lines(
        ptr=np.cumsum([0, *(len(one) for one in members)]).astype(np.int32),
        series=np.array([i for one in members for i in one], np.int32),
        batch=np.full(lines, -1, np.int32),
        phase=np.full(lines, -1, np.int32),
        offset_ns=np.zeros((lines, len(ROLLING_S)), np.int64),
        min_product_t_per_h=np.zeros(lines),
        weights=weight_tables(ledgers(weights, lines), range(len(METRICS))),
        hourly=hourly_table([]),
    )


__all__ = [
    "Evaluated",
    "StreamWeight",
    "contributions",
    "evaluate_amounts",
    "numerators",
    "per_unit",
    "stream_table",
]
