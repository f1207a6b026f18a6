"""Where the items of one segment are, without their bodies; pure."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable

from greenhearth_agent.segment_format import HEAD_BYTES, ITEM, Key, Piece


class Index:
    """Where the items of one segment are: 33 bytes for each."""

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self.epochs, self.seqs, self.times = array("Q"), array("Q"), array("q")
        self.offsets, self.lengths, self.leaves = array("I"), array("I"), array("B")
        for piece in pieces:
            self.add(piece)

    def __len__(self) -> int:
        return len(self.seqs)

    def add(self, piece: Piece) -> None:
        """Append an item; other kinds are passed over."""
        if piece.kind == ITEM:
            self.epochs.append(piece.epoch)
            self.seqs.append(piece.seq)
            self.times.append(piece.t_ns)
            self.offsets.append(piece.offset)
            self.lengths.append(HEAD_BYTES + piece.length)
            self.leaves.append(piece.leaf)

    def key(self, at: int) -> Key:
        """Return which item is at a place of the index."""
        return self.epochs[at], self.seqs[at]

    def time_near(self, key: Key) -> int:
        """Return the time of an item, or of its neighbour if it is not there; 0 without any."""
        at = self.after((key[0], key[1] - 1))
        return self.times[min(at, len(self) - 1)] if len(self) else 0

    def after(self, key: Key) -> int:
        """Return the place of the first item that is newer than `key`."""
        return bisect_right(range(len(self)), key, key=self.key)
