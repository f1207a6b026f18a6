"""T09: the outbox beside a list, through commits, acknowledgements, crashes, damage and fullness."""

import os
import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, Entry
from greenhearth_agent.outbox_count import read_outbox

from ..chaos.tiers import size
from .outboxes import event, open_outbox, record, waiting

STEPS = 25
CAP = 500_000
"""Segments of 32 kB, some ten of which the examples fill."""
MEMORY = "/dev/shm"
"""No disk is needed here, and an fsync takes its time."""
Key = tuple[int, int]


class OutboxMachine(RuleBasedStateMachine):
    """What must wait is what was made, less what is acknowledged, damaged or given up."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None)
        self.life = 0
        self.outbox = open_outbox(Path(self.folder.name) / "0", CAP)
        self.made: dict[Key, Entry] = {}
        self.acked: set[Key] = set()
        self.dropped: set[Key] = set()
        self.covered: Key = (0, 0)
        self.state: bytes | None = None
        self.last: Change | None = None
        self.full = False

    @initialize()
    def start(self) -> None:
        self.epoch, self.seq = self.outbox.next_epoch(7), 0

    @rule(leaves=st.text("re", max_size=6), long=st.sampled_from([0, 100, 9000]), snapshot=st.booleans())
    def append(self, leaves: str, long: int, snapshot: bool) -> None:
        entries = []
        for leaf in leaves:
            self.seq += 1
            one = record(self.epoch, self.seq, long) if leaf == "r" else event(self.epoch, self.seq)
            entries.append(one)
            self.made[self.epoch, self.seq] = one
        state = b"state %d %d" % (self.epoch, self.seq) if snapshot else None
        self.last = Change(self.epoch, [Batch(entries, state)])
        self.outbox.commit(self.last)
        if snapshot:
            self.covered, self.state = (self.outbox.counts.epoch, self.outbox.counts.last_seq), state
        self._see_what_was_given_up()

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        epoch = data.draw(st.sampled_from(sorted({e for e, _ in self.made} | {self.epoch})))
        mine = [s for e, s in self.made if e == epoch]
        upto = data.draw(st.integers(0, max(mine, default=0)))
        also = []
        if upto + 2 <= max(mine, default=0):
            first = data.draw(st.integers(upto + 2, max(mine)))
            also = [(first, data.draw(st.integers(first, max(mine))))]
        self.outbox.commit(Change(self.epoch, acks=[wire.Ack(1, epoch, upto, also)]))
        self.acked |= {(epoch, s) for s in mine if s <= upto or any(a <= s <= b for a, b in also)}
        self._see_what_was_given_up()

    @precondition(lambda self: self.last is not None and self.last.epoch == self.epoch)
    @rule()
    def repeat(self) -> None:
        assert self.last is not None
        batches = [Batch(batch.entries) for batch in self.last.batches]
        self.outbox.commit(Change(self.last.epoch, batches))
        self._see_what_was_given_up()

    @rule()
    def rotate(self) -> None:
        assert self.outbox._ledger is not None
        self.outbox._ledger.log.rotate()

    @rule()
    def fill(self) -> None:
        """Put in more than there is room for."""
        for _ in range(12):
            self.append("rrrrre", 9000, snapshot=True)

    @rule(orderly=st.booleans(), restart=st.booleans(), seed=st.none() | st.integers(0, 1 << 32))
    def reopen(self, orderly: bool, restart: bool, seed: int | None) -> None:
        """End, orderly or not; with a seed a byte of an item is flipped meanwhile."""
        self.life += 1
        path = Path(self.folder.name) / str(self.life)
        if orderly:
            self.outbox.close()
        shutil.copytree(self.outbox.path, path)
        self.outbox.close()
        hit = self._flip(path, random.Random(seed)) if seed is not None else None
        seen = read_outbox(path)
        self.outbox = open_outbox(path, CAP)
        told = waiting(self.outbox)
        if hit is not None and hit in self.made and hit not in self.acked | self.dropped:
            assert hit not in told, "a damaged item was handed out"
            self.dropped.add(hit)
        assert (seen.counts.measured, seen.counts.dropped) == (len(self.made), len(self.dropped))
        assert sum(len(seqs) for seqs in seen.unacked.values()) == len(told)
        if restart:
            self.epoch, self.seq = self.outbox.next_epoch(7), 0
            self.last = None

    @invariant()
    def agrees(self) -> None:
        waits = [key for key in self.made if key not in self.acked | self.dropped]
        rows = [entry for _, entry in self.outbox.waiting_after(0, 1 << 40)]
        assert rows == [self.made[key] for key in waits]
        c = self.outbox.counts
        assert (c.measured, c.waiting, c.dropped) == (len(self.made), len(waits), len(self.dropped))
        assert self.outbox.state() == self.state
        replay = [(r.epoch, r.seq) for r in self.outbox.since_state()]
        after = [key for key, one in self.made.items() if key > self.covered and one.leaf == "records"]
        assert set(after) - self.dropped <= set(replay) <= set(after)
        assert replay == sorted(replay)

    def teardown(self) -> None:
        self.outbox.close()
        self.folder.cleanup()

    def _see_what_was_given_up(self) -> None:
        """Check that the oldest records went, and only they; note which."""
        rest = set(waiting(self.outbox))
        waits = {key for key in self.made if key not in self.acked | self.dropped}
        gone = sorted(waits - rest)
        kept = sorted(key for key in rest if self.made[key].leaf == "records")
        if any(self.made[key].leaf == "events" for key in gone):
            assert not kept, "events went before the records"
        elif gone and kept:
            assert gone[-1] < kept[0], "not the oldest went"
        self.dropped |= set(gone)
        assert self.outbox.counts.used_bytes <= CAP + 2 * 56_000

    def _flip(self, path: Path, luck: random.Random) -> Key | None:
        """Flip one bit in the body of some item that is on the disk."""
        known = [key for key in self.made if key not in self.acked | self.dropped]
        if not known:
            return None
        key = luck.choice(known)
        body = self.made[key].payload
        for file in sorted(path.glob("*.seg")):
            data = bytearray(file.read_bytes())
            at = data.find(body)
            if at >= 0:
                data[at + luck.randrange(len(body))] ^= 1 << luck.randrange(8)
                file.write_bytes(data)
                return key
        raise AssertionError(f"{key} is in no file")


OutboxMachine.TestCase.settings = settings(
    max_examples=size(500, 20_000, 200_000) // STEPS, stateful_step_count=STEPS, deadline=None
)
test_the_outbox_agrees_with_a_list = OutboxMachine.TestCase
