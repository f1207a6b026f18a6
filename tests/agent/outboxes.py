"""Outboxes for tests, and items to put into them."""

import shutil
from pathlib import Path

from greenhearth import wire
from greenhearth_agent.items import Entry, entry_of
from greenhearth_agent.outbox import Outbox

BIG = 64_000_000


def open_outbox(path: Path, max_bytes: int = BIG) -> Outbox:
    """Return an open outbox."""
    outbox = Outbox(path, max_bytes)
    outbox.open()
    return outbox


def after_a_crash(outbox: Outbox, to: Path) -> Outbox:
    """Return an outbox as a new process finds it after this one was killed; this one is not closed."""
    shutil.copytree(outbox.path, to)
    return open_outbox(to, outbox.max_bytes)


def record(epoch: int, seq: int, size: int = 0) -> Entry:
    """Return a record of two readings; `size` bytes longer than it need be."""
    blocks = [wire.Block(d=0, i=0, x=[1.0, None])]
    entry = entry_of(wire.Record(epoch, seq, 1000 * epoch + seq, 1, blocks, []))
    return entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")


def event(epoch: int, seq: int) -> Entry:
    """Return an event."""
    return entry_of(wire.Event(epoch, seq, 1000 * epoch + seq, "x", "y"))


def waiting(outbox: Outbox) -> list[tuple[int, int]]:
    """Return what waits, in the order in which it would be sent."""
    return [(e.epoch, e.seq) for _, e in outbox.waiting_after(0, 1_000_000)]


def ack(epoch: int, upto: int, *also: tuple[int, int]) -> wire.Ack:
    """Return an acknowledgement."""
    return wire.Ack(1, epoch, upto, list(also))
