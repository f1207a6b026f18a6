"""The agent's outbox and the gateway's journal, driven through their own code and told to the rig.

Every item is a function of its epoch and number, so whoever opens the folder later can tell what is
missing, what was never written, and what was altered. What is told with ``done`` has been reported
durable by the product; what is told with ``trying`` may or may not be there.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.seqset import SeqSet

T0 = 1_767_225_600 * NS
SEGMENT_BYTES = 64 << 10
"""So that the outbox begins and deletes files all the time."""

SITE, AGENT = "works", "edge"

Tell = Callable[[dict[str, Any]], None]


def birth(epoch: int) -> wire.Birth:
    """The first item of an epoch."""
    series = [wire.SeriesInfo(f"line.power{n}_kw", "kW", "meter", "line") for n in range(8)]
    return wire.Birth(epoch, 1, T0 + epoch, SITE, AGENT, "rig", series, [], [], [], [])


def record(epoch: int, seq: int) -> wire.Record:
    """An item of which every byte is known beforehand; some are long, so that pages end anywhere."""
    values: list[float | None] = [epoch * 1000.0 + seq / 7 + k for k in range(8)]
    blocks = [wire.Block(0, 0, values)] * (40 if seq % 17 == 0 else 1 + seq % 3)
    return wire.Record(epoch, seq, T0 + epoch * NS + seq * 1_000_000, 1, blocks, [])


def payload(epoch: int, seq: int) -> bytes:
    """The bytes of an item."""
    return wire.encode(birth(epoch) if seq == 1 else record(epoch, seq))


class Store(Protocol):
    """What the rig can do with a durable store."""

    def open(self) -> None:
        """Open it as the product does; raises the product's own error."""

    def inventory(self) -> dict[str, Any]:
        """What is there, and what of it is altered."""

    def commit(self, n: int, tell: Tell) -> bool:
        """Store `n` more items; whether the product reported them durable."""

    def close(self) -> None:
        """Close in order."""


def ranges(places: Iterable[tuple[int, int]]) -> dict[str, list[list[int]]]:
    """Return places as epoch -> closed ranges of numbers, fit for JSON."""
    sets: dict[int, SeqSet] = {}
    for epoch, seq in places:
        sets.setdefault(epoch, SeqSet()).add_range(seq, seq)
    return {str(epoch): [list(pair) for pair in seqs] for epoch, seqs in sorted(sets.items())}


class OutboxStore:
    """The agent's outbox, with acknowledgements and snapshots in between."""

    errors: tuple[type[Exception], ...]

    def __init__(self, folder: Path) -> None:
        import greenhearth_agent.outbox as module
        from greenhearth_agent.outbox import Outbox, OutboxError

        module.MOST_SEGMENT_BYTES = SEGMENT_BYTES
        self.errors = (OutboxError,)
        self._make = lambda: Outbox(folder / "agent-edge" / "outbox", 1 << 30)
        self.outbox = self._make()
        self.epoch = self.seq = self.upto = 0

    def open(self) -> None:
        self.outbox = self._make()
        self.outbox.open()
        self.epoch, self.seq, self.upto = self.outbox.next_epoch(1), 0, 0

    def close(self) -> None:
        self.outbox.close()

    def inventory(self) -> dict[str, Any]:
        found: list[tuple[int, int]] = []
        altered, after = [], 0
        while rows := self.outbox.waiting_after(after, 500):
            after = rows[-1][0]
            for _, entry in rows:
                found.append((entry.epoch, entry.seq))
                if entry.payload != payload(entry.epoch, entry.seq):
                    altered.append([entry.epoch, entry.seq])
        since = [(one.epoch, one.seq) for one in self.outbox.since_state()]
        altered += [[o.epoch, o.seq] for o in self.outbox.since_state() if o != record(o.epoch, o.seq)]
        state = self.outbox.state()
        return {
            "present": ranges(found),
            "twice": len(found) - len(set(found)),
            "altered": altered,
            "since": ranges(since),
            "state": [int(part) for part in state.split(b" ", 2)[:2]] if state else [0, 0],
            "aside": self.outbox.moved_aside,
        }

    def commit(self, n: int, tell: Tell) -> bool:
        from greenhearth_agent.items import Batch, Change, entry_of

        last = self.seq + n
        numbers = range(self.seq + 1, last + 1)
        items = [birth(self.epoch) if seq == 1 else record(self.epoch, seq) for seq in numbers]
        acked = self.upto if last % 2 else max(self.upto, self.seq * 2 // 3)
        snapshot = b"%d %d %s" % (self.epoch, last, b"s" * 5000) if last % 4 == 2 else None
        told = {"epoch": self.epoch, "last": last, "acked": acked, "state": last if snapshot else 0}
        tell({"trying": told})
        acks = [wire.Ack(wire.VERSION, self.epoch, acked)] if acked else []
        batch = Batch([entry_of(item) for item in items], snapshot)
        try:
            self.outbox.commit(Change(self.epoch, [batch], acks))
        except self.errors as error:
            tell({"failed": str(error)})
            return False
        self.seq, self.upto = last, acked
        tell({"done": told})
        return True


class JournalStore:
    """The gateway's journal through its writer."""

    errors: tuple[type[Exception], ...]

    def __init__(self, folder: Path) -> None:
        from greenhearth_gateway.journal.database import JournalError

        self.folder = folder
        self.errors = (JournalError,)
        self.epoch = self.seq = 0

    def open(self) -> None:
        from greenhearth_gateway.inbox import Inbox
        from greenhearth_gateway.journal.database import FILE_NAME
        from greenhearth_gateway.journal.opening import open_journal
        from greenhearth_gateway.journal.writer import Retention, Writer
        from greenhearth_gateway.problems import Problems

        self.folder.mkdir(exist_ok=True)
        self.path = self.folder / FILE_NAME
        found = open_journal(self.path)
        self.db, self.told = found.db, found.sentence
        retention = Retention(Clock.real())
        self.writer = Writer(self.db, Inbox(), {}, Problems(), retention)
        self.writer.on_commit.append(self._committed)
        self.epoch = max((sequence.epoch for sequence in self.writer.books), default=0) + 1
        self.seq = 0
        self._last = 0

    def close(self) -> None:
        self.db.close()

    def inventory(self) -> dict[str, Any]:
        sql = "SELECT epoch, seq, payload FROM items ORDER BY id"
        with closing(self.db.execute(sql)) as rows:
            found = [(epoch, seq, bytes(kept)) for epoch, seq, kept in rows]
        places = [(epoch, seq) for epoch, seq, _ in found]
        return {
            "present": ranges(places),
            "twice": len(places) - len(set(places)),
            "altered": [[epoch, seq] for epoch, seq, kept in found if kept != payload(epoch, seq)],
            "aside": self.told,
            "books": {str(s.epoch): [list(pair) for pair in b.seen] for s, b in self.writer.books.items()},
        }

    def commit(self, n: int, tell: Tell) -> bool:
        from greenhearth_gateway.intake import Arrival

        last = self.seq + n
        told = {"epoch": self.epoch, "last": last, "acked": 0, "state": 0}
        tell({"trying": told})
        batch: list[Any] = []
        if self.seq == 0:
            name = wire.topic(SITE, AGENT, "birth")
            batch.append(Arrival(name, wire.frame_payload(name, AGENT, "live", [payload(self.epoch, 1)])))
        bodies = [payload(self.epoch, seq) for seq in range(max(2, self.seq + 1), last + 1)]
        name = wire.topic(SITE, AGENT, "records")
        if bodies:
            batch.append(Arrival(name, wire.frame_payload(name, AGENT, "live", bodies)))
        self._last = 0
        self.writer.on_refusal[:] = [lambda _: tell({"failed": "the writer tries again"})]
        self.writer.write(batch)
        if self._last == 0:
            tell({"failed": "the writer was told to stop"})
            return False
        self.seq = last
        tell({"done": told})
        return True

    def _committed(self, commit: Any) -> None:
        self._last = commit.last_id


STORES: dict[str, Callable[[Path], Any]] = {"outbox": OutboxStore, "journal": JournalStore}


def opened(store: Any, within_s: float = 20.0) -> float:
    """Open a store, again and again while its disk refuses; return how long it took [s]."""
    began = time.monotonic()
    while True:
        try:
            store.open()
        except store.errors:
            if time.monotonic() - began > within_s:
                raise
        else:
            return time.monotonic() - began
