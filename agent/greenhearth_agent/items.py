"""What travels from the pipeline through the outbox to the uplink."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from greenhearth import wire


class Entry(NamedTuple):
    """One item, ready to be stored and sent."""

    epoch: int
    seq: int
    t_ns: int
    leaf: str
    payload: bytes
    """The item as JSON."""
    readings: int


@dataclass
class Batch:
    """Items that were made together, and the kernels' state after them where it is taken."""

    entries: list[Entry]
    snapshot: bytes | None = None


@dataclass
class Counts:
    """What the outbox has seen in its life."""

    epoch: int = 0
    last_seq: int = 0
    """Highest number of this epoch on the disk."""
    last_t_ns: int = 0
    """Latest time of any item; the next start stamps after it."""
    measured: int = 0
    """Items ever given a number."""
    waiting: int = 0
    dropped: int = 0
    damaged: int = 0
    """Those of the dropped that were lost to damage on the disk."""
    readings: int = 0
    oldest_waiting_ns: int = 0
    used_bytes: int = 0
    written_bytes: int = 0
    """Payload stored since the start of this process."""
    hour_ns: int = 0
    """When the hour of the newest item on the disk began; this and the next four by `hour_count.note`."""
    hour_epoch: int = 0
    hour_first_seq: int = 0
    hour_last_seq: int = 0
    hour_readings: int = 0
    dropped_hours: tuple[tuple[int, int], ...] = ()
    """(begin of an hour, items of it that were given up), oldest first; by `hour_count.add_dropped`."""


@dataclass(frozen=True)
class Unstored:
    """Items that were numbered but never reached the disk, since the start of this process."""

    items: int = 0
    lost: int = 0
    """Those of them that were given up; the gateway has the others."""
    readings: int = 0


@dataclass
class Change:
    """One transaction's worth of work."""

    epoch: int
    batches: Sequence[Batch] = ()
    acks: Sequence[wire.Ack] = ()
    unstored: Unstored = field(default_factory=Unstored)


def entry_of(item: wire.Item) -> Entry:
    """Turn an item into what is stored."""
    readings = sum(len(block.x) for block in item.blocks) if isinstance(item, wire.Record) else 0
    return Entry(item.epoch, item.seq, item.t_ns, wire.leaf_of(item), wire.encode(item), readings)
