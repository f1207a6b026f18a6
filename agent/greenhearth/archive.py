"""A historian's file as arrays: what each row amounts to, and why some are not used."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I2 = NDArray[np.int16]


@dataclass(frozen=True)
class Fault:
    """Why a row, or one of its cells, is not used."""

    line: int
    column: str
    reason: str
    text: str


@dataclass(frozen=True)
class Track:
    """One mapped column, row by row in the order of the file."""

    name: str
    point: str
    means: str
    values: F8
    """In the unit of the point; NaN where the quality is BAD."""
    quality: I2
    amounts: F8
    """What each row adds to the running total; 0 where the quality is BAD."""
    totals: F8
    """Running total at the end of each row."""


@dataclass(frozen=True)
class Archive:
    """A historian's file as arrays over its rows."""

    start_ns: I8
    end_ns: I8
    """A row with an unusable time has no length and stands where the row before it ended."""
    time_quality: I2
    batch: I8
    """Number of the batch column; 0 where there is none."""
    tracks: list[Track]
    periods: bool
    """Rows are periods: between them the rate is 0. Otherwise a gap is missing data."""
    counts: dict[str, int] = field(default_factory=dict)
    """Reason -> how many rows or cells are not used."""
    faults: list[Fault] = field(default_factory=list)
    """The first hundred of them."""

    def track(self, name: str) -> Track:
        """Return a column by its name in the file; LookupError if it is not mapped."""
        for one in self.tracks:
            if one.name == name:
                return one
        raise LookupError(f"no mapped column '{name}'")

    def batch_totals(self, name: str) -> dict[int, float]:
        """Return the sum of a column's amounts for each batch, in the order of the file."""
        sums: dict[int, float] = {}
        for batch, amount in zip(self.batch.tolist(), self.track(name).amounts.tolist(), strict=True):
            sums[batch] = sums.get(batch, 0.0) + amount
        return sums
