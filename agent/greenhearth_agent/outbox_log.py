"""The segments of one outbox as one log: where the next block goes, where an item is.

Knows files, but not what is worth keeping: that is the outbox's.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from greenhearth import failpoints
from greenhearth.seqset import SeqSet
from greenhearth_agent.segment_format import CHECKPOINT, PREAMBLE, SNAPSHOT, Block, Piece, body_of
from greenhearth_agent.segment_index import Index
from greenhearth_agent.segments import (
    SECTOR_BYTES,
    Segment,
    Writer,
    holding,
    look_at,
    rewrite,
    seal,
    segment_path,
    sync_folder,
)

log = logging.getLogger(__name__)

CACHED_INDEXES = 2
"""The oldest segment and the one that the backlog lane has come to."""


@dataclass
class Log:
    """See the module. Every method may raise OSError."""

    folder: Path
    segment_bytes: int
    segments: list[Segment] = field(default_factory=list)
    next_number: int = 1
    _writer: Writer | None = None
    _indexes: dict[int, Index] = field(default_factory=dict)

    def used_bytes(self) -> int:
        """Return the size of all segments."""
        return sum(segment.size for segment in self.segments)

    def sealed(self) -> list[Segment]:
        """Return the segments that are not being written, oldest first."""
        return [one for one in self.segments if self._writer is None or one is not self._writer.segment]

    def begin(self, checkpoint: Callable[[], bytes]) -> Block:
        """Return an empty block for the end of the log; begins a new segment where one is due."""
        if self._writer is not None and self._writer.segment.size >= self.segment_bytes:
            self.rotate()
        if self._writer is not None:
            return Block(self._writer.segment.number, self._writer.segment.size)
        number, self.next_number = self.next_number, self.next_number + 1
        self._writer = Writer(Segment(segment_path(self.folder, number), number))
        block = Block(number, len(PREAMBLE), [PREAMBLE])
        text = checkpoint()
        block.note(CHECKPOINT, text.ljust(SECTOR_BYTES))  # the second must not be in the same sector
        block.note(CHECKPOINT, text)
        return block

    def append(self, block: Block) -> None:
        """Write a block and wait until the disk has it; after an OSError a new segment is begun."""
        assert self._writer is not None
        writer = self._writer
        failpoints.reached("outbox.before_write")
        try:
            writer.append(block, lambda: failpoints.reached("outbox.after_write"))
        except OSError:
            self._writer = None
            writer.abandon()
            raise
        failpoints.reached("outbox.after_fsync")
        if not self.segments or self.segments[-1] is not writer.segment:
            self.segments.append(writer.segment)

    def rotate(self) -> None:
        """End the segment that is being written."""
        if self._writer is None:
            return
        failpoints.reached("outbox.rotate")
        writer, self._writer = self._writer, None
        writer.close()
        self.seal(writer.segment, writer.segment.size)

    def seal(self, segment: Segment, end: int) -> None:
        """Give a segment its footer; without it, it is read whole at the next start."""
        try:
            seal(segment, end)
        except OSError as error:
            log.warning("the segment %s of the outbox got no footer (%s)", segment.path, error.strerror)

    def close(self) -> None:
        """Close the segment that is being written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def index(self, segment: Segment) -> tuple[Index, dict[int, SeqSet]]:
        """Return where the items of a segment are, and those of them that turn out to be damaged."""
        if self._writer is not None and segment is self._writer.segment:
            return self._writer.index, {}
        if segment.number in self._indexes:
            return self._indexes[segment.number], {}
        _, pieces = look_at(segment)
        while len(self._indexes) >= CACHED_INDEXES:
            del self._indexes[next(iter(self._indexes))]
        index = self._indexes[segment.number] = Index(pieces)
        found = holding(pieces)
        lost = _missing(segment.held, found)
        segment.hold_only(found)
        return index, lost

    def snapshots(self, number: int, key: tuple[int, int]) -> Iterator[bytes]:
        """Yield the states of a segment that end at `key`, the newest first."""
        for segment in self.segments:
            if segment.number == number:
                data, pieces = look_at(segment)
                for piece in reversed(pieces):
                    if piece.kind == SNAPSHOT and piece.key == key:
                        yield body_of(data, piece)

    def delete(self, segment: Segment) -> None:
        """Remove a segment for good."""
        failpoints.reached("outbox.before_delete")
        self._indexes.pop(segment.number, None)
        segment.path.unlink(missing_ok=True)
        self.segments.remove(segment)
        sync_folder(self.folder)
        failpoints.reached("outbox.after_delete")

    def rewrite(self, segment: Segment, keep: Callable[[Piece], bool]) -> None:
        """Leave in a segment only what `keep` keeps; without anything left it is deleted."""
        self._indexes.pop(segment.number, None)
        rewrite(segment, keep, lambda: failpoints.reached("outbox.before_replace"))
        failpoints.reached("outbox.after_replace")


def lock_folder(folder: Path) -> int:
    """Return a descriptor that keeps everybody else out; BlockingIOError: somebody is in."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _missing(held: dict[int, SeqSet], found: dict[int, SeqSet]) -> dict[int, SeqSet]:
    rest = {epoch: SeqSet(seqs) for epoch, seqs in held.items()}
    for epoch, seqs in found.items():
        for first, last in seqs:
            if epoch in rest:
                rest[epoch].remove_range(first, last)
    return {epoch: seqs for epoch, seqs in rest.items() if any(True for _ in seqs)}
