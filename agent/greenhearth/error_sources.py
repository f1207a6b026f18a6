"""What each stream is in every metric of its line, and which sources of error reach which of them.

A source is a meter, or a factor or parameter by its name. Wherever the same source occurs - two
streams of one scale, one calorific value in two fuels, one current efficiency in product and CO2 -
its error is the same, so its contributions add before they are squared (JCGM 100:2008, 5.2.2).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import hypot

import numpy as np

from greenhearth.coefficients import Coefficient
from greenhearth.kernels.arrays import F8, I4, Weights
from greenhearth.metrics import DIVIDED_BY, METRICS, PER_CHARGE, PER_PRODUCT, PLAIN, WEIGHTS
from greenhearth.processes import OUTPUTS

PRODUCT, ESTIMATE, CHARGE = (len(METRICS) + k for k in range(3))
"""Columns after those of METRICS: what metrics are divided by."""

_DIVISORS = {PLAIN: (), PER_PRODUCT: (PRODUCT, ESTIMATE), PER_CHARGE: (CHARGE, CHARGE)}
"""What a metric is divided by -> (columns of its divisor, and while the product is estimated)."""

_EXTRA = ("product_t", "product_estimate_t", "charge_t")
_COLUMNS_OF = {
    output: [
        *((m, row[k]) for m, row in enumerate(WEIGHTS) if row[k] != 0.0),
        *((PRODUCT + e, 1.0) for e, extra in enumerate(_EXTRA) if extra == output),
    ]
    for k, output in enumerate(OUTPUTS)
}

OWN, SHARED, FACTOR = 0, 1, 2
Source = tuple[int, str, int]
"""(OWN, name, stream) or (SHARED, name, -1): a meter; (FACTOR, name of a factor or parameter, -1)."""

Per = dict[int, float]
"""Stream -> something per unit of it."""


@dataclass(frozen=True)
class StreamWeight:
    """What one stream is to its line."""

    flows: Sequence[Coefficient]
    """Per unit of the role."""
    line: int = 0
    unit: float = 1.0
    """Unit of the stream in units of the role."""
    u: float = 0.0
    """Relative standard uncertainty of the meter."""
    meter: str = ""
    """Streams with the same meter share its error; empty: a meter of its own."""
    required: bool = False
    name: str = ""
    """What its own meter is called when errors are explained."""
    also: tuple[tuple[str, float], ...] = ()
    """(name of a factor or parameter, relative standard uncertainty that it brings into the amount)."""


def _per() -> dict[Source, Per]:
    return defaultdict(dict)


@dataclass
class Ledger:
    """One line: column -> stream -> amount per unit, and column -> source -> stream -> uncertainty."""

    amounts: dict[int, Per] = field(default_factory=lambda: defaultdict(dict))
    errors: dict[int, dict[Source, Per]] = field(default_factory=lambda: defaultdict(_per))

    def add(self, i: int, one: StreamWeight) -> None:
        """Enter stream i."""
        for flow in one.flows:
            for column, weight in _COLUMNS_OF[flow.output]:
                g = weight * flow.value * one.unit
                _add(self.amounts[column], i, g)
                for source, relative in _meters(i, one):
                    self._add_error(column, source, i, g * relative)
                for name, part in flow.parts:
                    self._add_error(column, (FACTOR, name, -1), i, weight * part * one.unit)

    def _add_error(self, column: int, source: Source, i: int, u: float) -> None:
        if u != 0.0:
            _add(self.errors[column][source], i, u)

    def divisors(self, by: int) -> list[Source]:
        """Return the sources in what a metric is divided by."""
        return list(dict.fromkeys(source for column in _DIVISORS[by] for source in self.errors[column]))

    def pairs(self, column: int) -> list[tuple[Source | None, Per]]:
        """Return what reaches a metric: (source if it is in the divisor too, its terms).

        Sources that are nowhere else and have the same single stream are one: the root of their
        squares saves the kernel two thirds of its work.
        """
        if not self.amounts[column] and not self.errors[column]:
            return []
        below = self.divisors(DIVIDED_BY[column])
        found: list[tuple[Source | None, Per]] = [(s, self.errors[column].get(s, {})) for s in below]
        alone: Per = {}
        for source, terms in self.errors[column].items():
            if source in below:
                continue
            if len(terms) > 1:
                found.append((None, terms))
            for i, u in terms.items() if len(terms) == 1 else ():
                alone[i] = hypot(alone.get(i, 0.0), u)
        return found + [(None, {i: u}) for i, u in alone.items()]


def _add(where: Per, i: int, value: float) -> None:
    where[i] = where.get(i, 0.0) + value


def _meters(i: int, one: StreamWeight) -> Iterator[tuple[Source, float]]:
    """Return the sources of error of the amount itself, with their relative uncertainty."""
    own = (OWN, one.name or f"stream {i + 1}", i)
    yield (SHARED, one.meter, -1) if one.meter else own, one.u
    for name, relative in one.also:
        yield (FACTOR, name, -1), relative


def ledgers(weights: Sequence[StreamWeight], lines: int) -> list[Ledger]:
    """Return the ledger of each line; streams of line -1 are in none."""
    books = [Ledger() for _ in range(lines)]
    for i, one in enumerate(weights):
        if one.line >= 0:
            books[one.line].add(i, one)
    return books


def used_metrics(weights: Iterable[StreamWeight]) -> list[int]:
    """Return the numbers of the metrics that any stream has a flow in, and of `product_t`.

    Without market-based factors there are no market-based totals: they would lack the electricity.
    """
    outputs = {flow.output for one in weights for flow in one.flows}
    columns = {column for output in outputs for column, _ in _COLUMNS_OF[output]}
    if "co2_electricity_kg" in outputs and "co2_electricity_market_kg" not in outputs:
        columns -= {column for column, _ in _COLUMNS_OF["co2_electricity_market_kg"]}
    return [m for m, name in enumerate(METRICS) if m in columns or name == "product_t"]


def weight_tables(books: Sequence[Ledger], columns: Sequence[int]) -> Weights:
    """Return the ledgers as the arrays that the kernel reads, with the metrics `columns`."""
    divisors: list[tuple[Per, Per]] = [({}, {})]
    begins = [1]
    sums: list[Per] = []
    pairs: list[list[tuple[int, Per]]] = []
    for book in books:
        numbers: dict[tuple[int, Source], int] = {}
        for by in (PER_PRODUCT, PER_CHARGE):
            for source in book.divisors(by):
                numbers[by, source] = len(divisors)
                real, estimated = (book.errors[column].get(source, {}) for column in _DIVISORS[by])
                divisors.append((real, estimated))
        begins.append(len(divisors))
        for m in columns:
            sums.append(book.amounts[m])
            by = DIVIDED_BY[m]
            pairs.append([(numbers[by, s] if s else 0, terms) for s, terms in book.pairs(m)])
    flat = [pair for column in pairs for pair in column]
    below = [(i, real.get(i, 0.0), guess.get(i, 0.0)) for real, guess in divisors for i in {**real, **guess}]
    return Weights(
        ratio=np.array([DIVIDED_BY[m] for m in columns], np.int32),
        sum_ptr=_pointers(len(one) for one in sums),
        sum_series=_ints(i for one in sums for i in one),
        sum_g=_reals(g for one in sums for g in one.values()),
        pair_ptr=_pointers(len(one) for one in pairs),
        pair_divisor=_ints(s for s, _ in flat),
        term_ptr=_pointers(len(terms) for _, terms in flat),
        term_series=_ints(i for _, terms in flat for i in terms),
        term_u=_reals(u for _, terms in flat for u in terms.values()),
        line_divisor=_ints(begins),
        divisor_ptr=_pointers(len({**real, **guess}) for real, guess in divisors),
        divisor_series=_ints(i for i, _, _ in below),
        divisor_u=_reals(u for _, u, _ in below),
        divisor_ue=_reals(u for _, _, u in below),
    )


def _pointers(lengths: Iterable[int]) -> I4:
    return np.array([*accumulate(lengths, initial=0)], np.int32)


def _ints(values: Iterable[int]) -> I4:
    return np.array([*values], np.int32)


def _reals(values: Iterable[float]) -> F8:
    return np.array([*values], np.float64)
