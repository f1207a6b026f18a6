"""From a folder of segments to the state of the outbox; reads only.

The newest segment tells the state at its head, twice; what was written after that is taken
up entry by entry. Whatever should be there and is not was damaged, and is counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from greenhearth.seqset import SeqSet
from greenhearth_agent.hour_count import add_dropped
from greenhearth_agent.outbox_state import State, restored
from greenhearth_agent.outbox_tally import read_tally
from greenhearth_agent.segment_format import (
    BOOKS,
    CHECKPOINT,
    ITEM,
    VERSION,
    Piece,
    body_of,
    end_of,
    is_newer,
)
from greenhearth_agent.segments import SUFFIX, Segment, look_at, read_footer, scanned


class NewerFormat(Exception):  # noqa: N818 - it is not an error of this program
    """A segment that a later version has written."""


@dataclass
class Recovered:
    """What was found."""

    state: State = field(default_factory=State)
    segments: list[Segment] = field(default_factory=list)
    """In the order of writing."""
    ends: dict[int, int] = field(default_factory=dict)
    """Segments without a footer: where their last entry ends."""
    unusable: list[Path] = field(default_factory=list)
    """Files in which nothing is whole."""
    next_number: int = 1
    """Of the next segment."""
    told_damaged: int = 0
    """Damaged items that were counted before."""
    uncounted: tuple[int, int] = (0, 0)
    """Items and readings that were numbered and never reached the outbox; no commit tells them yet."""


@dataclass
class _Look:
    """A folder as far as it has been looked through."""

    paths: dict[int, Path]
    found: Recovered = field(default_factory=Recovered)
    seen: dict[int, tuple[bytes, list[Piece]]] = field(default_factory=dict)

    def look(self, number: int, keep: bool) -> list[Piece]:
        """Read a segment whole; note what it holds."""
        if number in self.seen:
            return self.seen[number][1]
        path = self.paths[number]
        data, pieces = look_at(Segment(path, number))
        if not pieces and is_newer(data):
            raise NewerFormat(
                f"{path} was written by a newer version of this program (format {VERSION} here)"
            )
        if keep:
            self.seen[number] = data, pieces
        if pieces or not data:
            self.found.segments.append(scanned(path, number, data, pieces))
            self.found.ends[number] = end_of(pieces)
        else:
            self.found.unusable.append(path)
        return pieces

    def state(self) -> State:
        """Take up the state from the newest checkpoint on."""
        state, todo = State(), []
        for number in sorted(self.paths, reverse=True):
            todo.append(number)
            pieces = self.look(number, keep=True)
            heads = [piece for piece in pieces if piece.kind == CHECKPOINT]
            if heads:
                state = restored(body_of(self.seen[number][0], heads[0]))
                break
        self.found.told_damaged = state.counts.damaged
        for number in reversed(todo):
            data, pieces = self.seen[number]
            for piece in pieces:
                state.replay(number, piece, b"" if piece.kind == ITEM else body_of(data, piece))
                if piece.kind == BOOKS:
                    self.found.told_damaged = state.counts.damaged
        return state


def recover(folder: Path, verify: bool = False) -> Recovered:
    """Read a folder; with `verify` every byte of it. OSError, NewerFormat: it cannot be read."""
    look = _Look(_numbered(folder.glob(f"*{SUFFIX}")))
    found = look.found
    found.state, found.next_number = look.state(), max(look.paths, default=0) + 1
    for number, path in look.paths.items():
        if number not in look.seen:
            told = None if verify else read_footer(path, number)
            if told is not None:
                found.segments.append(told)
            else:
                look.look(number, keep=False)
    found.segments.sort(key=lambda segment: segment.number)
    found.state.settle(_all_held(found.segments))
    _count_tally(folder, found)
    return found


def _numbered(paths: Iterable[Path]) -> dict[int, Path]:
    return {int(path.stem): path for path in sorted(paths) if path.stem.isdigit()}


def _all_held(segments: Iterable[Segment]) -> dict[int, SeqSet]:
    held: dict[int, SeqSet] = {}
    for segment in segments:
        for epoch, seqs in segment.held.items():
            for first, last in seqs:
                held.setdefault(epoch, SeqSet()).add_range(first, last)
    return held


def _count_tally(folder: Path, found: Recovered) -> None:
    """Count what was numbered and is not on the disk as measured and dropped."""
    told, books, counts = read_tally(folder), found.state.books, found.state.counts
    if told is None or told.epoch < counts.epoch:
        return
    if told.epoch > counts.epoch:  # not one commit of that epoch
        found.state.begin_epoch(told.epoch)
        lost, readings = told.carried + told.seq, told.carried_readings + told.readings
    else:
        lost = max(told.seq - books.epoch_measured, 0)
        readings = max(told.readings - books.epoch_readings, 0) if lost else 0
        counts.hour_last_seq = max(counts.hour_last_seq, told.seq) if lost else counts.hour_last_seq
    found.state.count(lost, readings, lost)
    counts.dropped_hours = add_dropped(counts.dropped_hours, [told.t_ns] * lost)
    found.uncounted = lost, readings
