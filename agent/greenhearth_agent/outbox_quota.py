"""What goes first when the outbox is full; pure.

What costs nothing goes first: items that the gateway has and no restart needs. Then raw
records, oldest first. Events carry the totals and go only when nothing else is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from greenhearth.seqset import SeqSet
from greenhearth_agent.outbox_state import State
from greenhearth_agent.segment_format import ITEM, LEAVES, SNAPSHOT, Key, Piece
from greenhearth_agent.segment_index import Index
from greenhearth_agent.segments import Segment

RECORDS = frozenset([LEAVES.index("records")])
EVERYTHING = frozenset(range(len(LEAVES)))
ALL: Key = (1 << 64, 0)


class Step(NamedTuple):
    """One step of giving up."""

    upto: Key
    """Records after this one are kept for a restart."""
    leaves: frozenset[int]
    """What of those that wait may go."""

    def needed(self, key: Key, leaf: int) -> bool:
        """Tell whether a restart needs an item."""
        return leaf in RECORDS and key > self.upto


@dataclass
class Victims:
    """What a step takes out of one segment."""

    places: list[int] = field(default_factory=list)
    """Items that wait, by their place in the index."""
    freed: int = 0
    """Bytes, with those of items that wait for nobody."""
    all_went: bool = True
    """Whether nothing is left there that this step could take."""


def steps(state: State) -> Iterator[Step]:
    """Yield what to try, the most harmless first."""
    older = state.replay_from
    newest = state.snapshots[-1].key if state.snapshots else older
    yield Step(older, frozenset())
    yield Step(newest, frozenset())
    yield Step(older, RECORDS)
    yield Step(newest, RECORDS)
    yield Step(ALL, RECORDS)
    yield Step(ALL, EVERYTHING)


def victims(index: Index, state: State, step: Step, wanted: int) -> Victims:
    """Choose the oldest items of a segment that `step` may take, until `wanted` bytes come free."""
    chosen = Victims()
    free = [at for at in range(len(index)) if not step.needed(index.key(at), index.leaves[at])]
    waiting = [at for at in free if state.waits(index.key(at))]
    chosen.freed = sum(index.lengths[at] for at in free) - sum(index.lengths[at] for at in waiting)
    for at in waiting:
        if index.leaves[at] in step.leaves:
            if chosen.freed >= wanted:
                chosen.all_went = False
                break
            chosen.places.append(at)
            chosen.freed += index.lengths[at]
    return chosen


def worthwhile(segment: Segment, state: State, step: Step) -> bool:
    """Tell, without a look into the file, whether `step` may find something in a segment."""
    if step.leaves:
        return any_waits(segment, state) and not (segment.thin and step.leaves == RECORDS)
    return segment.last <= step.upto and 8 * _waiting(segment, state) < 7 * segment.items()


def any_waits(segment: Segment, state: State) -> bool:
    """Tell whether an item of a segment waits for the gateway."""
    return any(True for _ in _parts(segment, state))


def keeps(state: State, step: Step, segment: int, piece: Piece) -> bool:
    """Tell whether an entry stays when its segment is rewritten."""
    if piece.kind == SNAPSHOT:
        return any(one == (segment, *piece.key) for one in state.snapshots)
    return piece.kind == ITEM and (state.waits(piece.key) or step.needed(piece.key, piece.leaf))


def _waiting(segment: Segment, state: State) -> int:
    return sum(last - first + 1 for first, last in _parts(segment, state))


def _parts(segment: Segment, state: State) -> Iterator[tuple[int, int]]:
    for epoch, seqs in segment.held.items():
        waiting = state.waiting.get(epoch, SeqSet())
        for first, last in seqs:
            yield from waiting.within(first, last)
