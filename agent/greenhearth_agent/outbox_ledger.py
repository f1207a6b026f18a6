"""The books of an open outbox and its log, kept in step: what is written, read and let go.

Every method may raise OSError; what a failed commit was about stays to be done.
"""

import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from greenhearth.seqset import SeqSet
from greenhearth_agent.items import Change
from greenhearth_agent.outbox_log import Log
from greenhearth_agent.outbox_quota import RECORDS, Step, any_waits, keeps, steps, victims, worthwhile
from greenhearth_agent.outbox_state import Reference, Removal, State
from greenhearth_agent.segment_format import ACKNOWLEDGED, BOOKS, GIVEN_UP, Block, Key, Piece
from greenhearth_agent.segment_index import Index
from greenhearth_agent.segments import Segment, read_items

log = logging.getLogger(__name__)


@dataclass
class Ledger:
    """See the module."""

    log: Log
    state: State
    untold: list[Removal] = field(default_factory=list)
    """Damaged items that no commit has told yet."""
    _oldest: tuple[Key, int] = ((0, 0), 0)

    def commit(self, change: Change) -> None:
        """Write a change and wait until the disk has it; OSError leaves everything as it was."""
        trial = self.state.trial()
        block = self.log.begin(self.state.checkpoint)
        self._fill(block, trial, change)
        self.log.append(block)
        trial.counts.written_bytes += sum(piece.length for piece in block.pieces)
        self.state, self.untold = trial, []

    def rows_after(self, after: Key, limit: int) -> Iterator[tuple[Piece, bytes]]:
        """Yield at most `limit` waiting items that are newer than `after`, oldest first."""
        for segment in list(self.log.segments):
            if limit > 0 and segment.last > after and any_waits(segment, self.state):
                for piece, body in self._waiting_in(segment, after, limit):
                    yield piece, body
                    after, limit = piece.key, limit - 1

    def records_after(self, after: Key) -> Iterator[bytes]:
        """Yield all records that are newer than `after`, oldest first."""
        for segment in list(self.log.segments):
            if segment.last > after:
                index = self.index(segment)
                places = (at for at in range(index.after(after), len(index)) if index.leaves[at] in RECORDS)
                for _, piece, body in read_items(segment, index, places):
                    if piece is not None:
                        yield body
                        after = piece.key

    def _fill(self, block: Block, trial: State, change: Change) -> None:
        """Put a change into a block, and into the state after it."""
        trial.begin_epoch(change.epoch)
        for removal in self.untold:
            block.note(GIVEN_UP, msgspec.json.encode(removal))
        for batch in change.batches:
            last = trial.last  # what is not newer has been stored before
            trial.take([block.item(entry) for entry in batch.entries if (entry.epoch, entry.seq) > last])
            if batch.snapshot is not None:
                block.snapshot(trial.last, zlib.compress(batch.snapshot, 1))
                trial.note_snapshot(Reference(block.segment, *trial.last))
        trial.count_unstored(change.unstored)
        for ack in change.acks:
            ranges = [(first, last) for first, last in [(1, ack.upto), *ack.also] if first <= last]
            if trial.acknowledge(ack.epoch, ranges):
                block.note(ACKNOWLEDGED, msgspec.json.encode(Removal(ack.epoch, ranges)))
        block.note(BOOKS, msgspec.json.encode(trial.books))

    def _waiting_in(self, segment: Segment, after: Key, limit: int) -> list[tuple[Piece, bytes]]:
        """Read waiting items of one segment; a damaged one is counted and waits no longer."""
        index, rows = self.index(segment), []
        places = (at for at in range(index.after(after), len(index)) if self.state.waits(index.key(at)))
        for at, piece, body in read_items(segment, index, places):
            if piece is None:
                epoch, seq = index.key(at)
                self._count_damaged({epoch: SeqSet([(seq, seq)])}, index)
                continue
            rows.append((piece, body))
            if len(rows) == limit:
                break
        return rows

    def index(self, segment: Segment) -> Index:
        """Return where the items of a segment are; damage that is found on the way is counted."""
        index, lost = self.log.index(segment)
        self._count_damaged(lost, index)
        return index

    def _count_damaged(self, lost: dict[int, SeqSet], index: Index) -> None:
        """Give up items that turned out to be damaged."""
        for epoch, seqs in lost.items():
            here = self.state.waiting.get(epoch, SeqSet())
            waited = [part for first, last in seqs for part in here.within(first, last)]
            if waited:
                removal = Removal(epoch, waited, damaged=True)
                times = [index.time_near((epoch, seq)) for a, b in waited for seq in range(a, b + 1)]
                trial = self.state.trial()  # another thread may be reading the state
                trial.give_up(removal, times)
                self.state, self.untold = trial, [*self.untold, removal]

    def newest_snapshot(self) -> tuple[Key, bytes] | None:
        """Return the newest snapshot that is whole, and the last item that it contains."""
        for one in reversed(self.state.snapshots):
            for body in self.log.snapshots(one.segment, one.key):
                return one.key, zlib.decompress(body)
            log.warning("the newest saved state is damaged; the one before it is taken")
        return None

    def tidy(self, max_bytes: int) -> None:
        """Delete what nobody needs; above `max_bytes` give up what goes first."""
        kept = {one.segment for one in self.state.snapshots}
        for segment in self.log.sealed():
            old = segment.last <= self.state.replay_from and segment.number not in kept
            if old and not any_waits(segment, self.state):
                self.log.delete(segment)
        if self.log.used_bytes() > max_bytes:
            self._keep_within(max(max_bytes - self.log.segment_bytes // 2, max_bytes * 3 // 4))

    def _keep_within(self, target: int) -> None:
        """Give up as little as brings the size to `target`: room for half a segment more."""
        for _ in range(2):
            for step in steps(self.state):
                for segment in self.log.sealed():
                    while (over := self.log.used_bytes() - target) > 0 and self._thin(segment, step, over):
                        pass  # the oldest first: nothing newer goes before a segment has given all it may
                    if over <= 0:
                        return
            self.log.rotate()

    def _thin(self, segment: Segment, step: Step, wanted: int) -> bool:
        """Let `step` take the oldest it may out of a segment; return whether there was anything."""
        if not worthwhile(segment, self.state, step):
            return False
        index = self.index(segment)
        chosen = victims(index, self.state, step, wanted)
        segment.thin = chosen.all_went and step.leaves >= RECORDS and segment.last <= step.upto
        if not chosen.places and 8 * chosen.freed < segment.size:
            return False
        if step.upto > self.state.replay_from:
            self.state.snapshots = self.state.snapshots[-1:]
        if chosen.places:
            self._give_up(index, chosen.places)
        self.log.rewrite(segment, lambda piece: keeps(self.state, step, segment.number, piece))
        if not segment.held and all(one.segment != segment.number for one in self.state.snapshots):
            self.log.delete(segment)
        return True

    def _give_up(self, index: Index, places: list[int]) -> None:
        """Write down which items are given up, before they are."""
        block = self.log.begin(self.state.checkpoint)
        gone: dict[int, SeqSet] = {}
        for at in places:
            gone.setdefault(index.epochs[at], SeqSet()).add_range(index.seqs[at], index.seqs[at])
        trial = self.state.trial()
        for epoch, seqs in gone.items():
            removal = Removal(epoch, list(seqs))
            block.note(GIVEN_UP, msgspec.json.encode(removal))
            trial.give_up(removal, (index.times[at] for at in places if index.epochs[at] == epoch))
        block.note(BOOKS, msgspec.json.encode(trial.books))
        self.log.append(block)
        self.state = trial

    def oldest_ns(self) -> int:
        """Return the time of the oldest item that waits, 0 if none does."""
        while (key := self.state.first_waiting()) is not None:
            if key == self._oldest[0]:
                break
            holds = [one for one in self.log.segments if key[1] in one.held.get(key[0], ())]
            if not holds:
                return self._oldest[1]
            index = self.index(holds[0])
            if self.state.waits(key):
                self._oldest = key, index.time_near(key)
        return self._oldest[1] if key else 0
