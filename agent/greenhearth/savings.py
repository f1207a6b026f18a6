"""What was saved against a baseline, period by period and in all (CUSUM, confidence interval).

CUSUM_t = CUSUM_(t-1) + E_actual - E_expected: it falls while energy is saved. Pure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greenhearth.baseline import F8, Check, Model, check_energy

B1 = NDArray[np.bool_]


@dataclass(frozen=True)
class Saving:
    """A reporting period against its baseline; arrays have one entry a row, all in the unit of the energy."""

    expected: F8
    adjustments: F8
    difference: F8
    """Actual less expected and adjustment; 0 where the row does not count."""
    cusum: F8
    counts: B1
    """Which rows count."""
    outside: list[list[str]]
    """Drivers of each row that lie outside the baseline's range; empty where the row does not count."""
    counted: int
    actual_total: float
    expected_total: float
    adjustment_total: float
    saving: float
    """Expected + adjustments - actual, over the rows that count."""
    interval: float | None
    """Half width of the confidence interval on `saving`; None for a declared baseline."""


def save(
    model: Model,
    x: F8,
    energy: F8,
    confidence: float,
    adjustments: F8 | None = None,
    counts: B1 | None = None,
) -> Saving:
    """Compare the energy [n] of rows of drivers [n, k] with what the model expects.

    `adjustments` [n] are added to the expectation (non-routine events); rows where `counts` is
    false are shown but add nothing. BaselineError for negative energy.
    """
    check_energy(energy)
    used = np.ones(len(energy), np.bool_) if counts is None else counts
    added = np.zeros(len(energy)) if adjustments is None else adjustments
    expected = model.expected(x)
    difference = np.where(used, energy - expected - added, 0.0)
    outside = [names if use else [] for names, use in zip(model.outside(x), used, strict=True)]
    return Saving(
        expected=expected,
        adjustments=added,
        difference=difference,
        cusum=np.cumsum(difference),
        counts=used,
        outside=outside,
        counted=int(used.sum()),
        actual_total=float(energy[used].sum()),
        expected_total=float(expected[used].sum()),
        adjustment_total=float(added[used].sum()),
        saving=-float(difference.sum()),
        interval=model.interval(x[used], confidence),
    )


def range_check(model: Model, x: F8, counts: B1, margin: float = 0.0) -> Check:
    """Return the test that no row that counts lies outside what the baseline has seen (and a margin)."""
    beyond = sum(map(bool, model.outside(x[counts], margin)))
    source = "a regression says nothing about what it has not seen; key range_margin_percent"
    return Check("periods outside the range of the drivers", float(beyond), "<=", 0.0, beyond == 0, source)


def spread(amount: float, rows: B1) -> F8:
    """Share an amount equally among the rows that are true; nothing anywhere if none is."""
    number = int(rows.sum())
    return np.where(rows, amount / number, 0.0) if number else np.zeros(len(rows))
