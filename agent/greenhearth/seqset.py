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

    def remove_range(self, first: int, last: int) -> int:
        """Remove all numbers from `first` to `last`, both included; return how many were here."""
        inside = list(self.within(first, last))
        if not inside:
            return 0
        low = bisect_right(self._ranges, (inside[0][0], 1 << 62)) - 1
        high = low + len(inside)
        rest = [(self._ranges[low][0], first - 1), (last + 1, self._ranges[high - 1][1])]
        self._ranges[low:high] = [(a, b) for a, b in rest if a <= b]
        return sum(b - a + 1 for a, b in inside)

    def within(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of the ranges that lie between `first` and `last`, both included."""
        at = max(bisect_right(self._ranges, (first, 1 << 62)) - 1, 0)
        while at < len(self._ranges) and self._ranges[at][0] <= last:
            low, high = max(self._ranges[at][0], first), min(self._ranges[at][1], last)
            if low <= high:
                yield low, high
            at += 1

    def upto(self, start: int = 1) -> int:
        """Return the last number of the unbroken run from `start` (`start - 1` if none)."""
        for first, last in self._ranges:
            if first <= start <= last:
                return last
        return start - 1

    def count_between(self, first: int, last: int) -> int:
        """Return how many numbers from `first` to `last`, both included, are in the set."""
        at = max(bisect_right(self._ranges, (first, -1)) - 1, 0)
        count = 0
        while at < len(self._ranges) and self._ranges[at][0] <= last:
            low, high = self._ranges[at]
            count += max(0, min(high, last) - max(low, first) + 1)
            at += 1
        return count

    @property
    def last(self) -> int:
        """Highest number in the set, 0 in an empty one."""
        return self._ranges[-1][1] if self._ranges else 0

    def above(self, seq: int) -> list[tuple[int, int]]:
        """Return the ranges that lie wholly above `seq`."""
        return [(first, last) for first, last in self._ranges if first > seq]

    def copy(self) -> "SeqSet":
        """Return an independent copy."""
        other = SeqSet()
        other._ranges = self._ranges.copy()
        return other

    def without(self, other: "SeqSet") -> "SeqSet":
        """Return the numbers that are here and not in `other`."""
        left = SeqSet()
        gaps = iter([*other._ranges, (1 << 64, 1 << 64)])
        gap = next(gaps)
        for first, last in self._ranges:
            while first <= last:
                while gap[1] < first:
                    gap = next(gaps)
                if first < gap[0]:
                    left._ranges.append((first, min(last, gap[0] - 1)))
                first = gap[1] + 1
        return left

    def union(self, other: "SeqSet") -> "SeqSet":
        """Return the numbers that are here or in `other`."""
        both = self.copy()
        for first, last in other:
            both.add_range(first, last)
        return both
