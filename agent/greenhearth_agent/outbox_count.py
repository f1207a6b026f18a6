"""What an outbox holds, for somebody who only counts: reads every byte, changes none."""

from dataclasses import dataclass
from pathlib import Path

from greenhearth.seqset import SeqSet
from greenhearth_agent.items import Counts
from greenhearth_agent.outbox_recover import recover


@dataclass(frozen=True)
class OutboxSummary:
    """The counts of an outbox, and what of it can still be read."""

    counts: Counts
    unacked: dict[int, SeqSet]
    """By epoch: the items that wait for the gateway."""
    epochs: dict[int, int]
    """By epoch, as far as it is still known: the last number on the disk."""


def read_outbox(folder: Path) -> OutboxSummary:
    """Read an outbox that nobody has open, or that a killed process left.

    OSError if the folder is not there or cannot be read. Damaged items count as dropped, as
    they will when the outbox is opened the next time.
    """
    if not folder.is_dir():
        raise FileNotFoundError(2, "there is no outbox", str(folder))
    found = recover(folder, verify=True)
    epochs: dict[int, int] = {}
    for segment in found.segments:
        for epoch, seqs in segment.held.items():
            epochs[epoch] = max(epochs.get(epoch, 0), *(last for _, last in seqs))
    counts = found.state.counts
    if counts.epoch:
        epochs[counts.epoch] = max(epochs.get(counts.epoch, 0), counts.last_seq)
    return OutboxSummary(counts, found.state.waiting, epochs)
