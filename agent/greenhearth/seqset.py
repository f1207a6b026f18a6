"""A set of sequence numbers kept as disjoint closed ranges.

Acknowledgements and de-duplication speak of millions of numbers that are nearly
contiguous; ranges keep that at a few bytes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class SeqSet:
    """Sequence numbers as sorted, disjoint, non-adjacent closed ranges."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for first, last in ranges:
            self.add_range(first, last)

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._ranges, (seq, 1 << 62)) - 1
        return at >= 0 and self._ranges[at][0] <= seq <= self._ranges[at][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def add(self, seq: int) -> bool:
        """Add one number; return whether it was new."""
        if seq in self:
            return False
        self.add_range(seq, seq)
        return True

    def add_range(self, first: int, last: int) -> None:
        """Add all numbers from `first` to `last`, both included."""
        if last < first:
            raise ValueError(f"range {first}..{last} runs backwards")
        low = bisect_right(self._ranges, (first - 1, -1))
        if low > 0 and self._ranges[low - 1][1] >= first - 1:
            low -= 1
        high = low
        while high < len(self._ranges) and self._ranges[high][0] <= last + 1:
            first = min(first, self._ranges[high][0])
            last = max(last, self._ranges[high][1])
            high += 1
        self._ranges[low:high] = [(first, last)]

    def upto(self, start: int = 1) -> int:
        """Return the last number of the unbroken run from `start` (`start - 1` if none)."""
        for first, last in self._ranges:
            if first <= start <= last:
                return last
        return start - 1

    def above(self, seq: int) -> list[tuple[int, int]]:
        """Return the ranges that lie wholly above `seq`."""
        return [(first, last) for first, last in self._ranges if first > seq]
