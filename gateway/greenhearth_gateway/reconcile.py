"""The public count: measured = stored + waiting + quarantined + dropped; pure.

The agent counts when it writes its health message, the gateway when it commits. Between
the two, items are in flight: committed here, still waiting there. They are an overlap, not
a fault; an item that the agent considers gone and that is not here would be.

An agent that lists the numbers that wait is held to them exactly. One that does not (an older
one, or one with too many gaps to list) is allowed what can be in flight.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenhearth.seqset import SeqSet
from greenhearth.wire import Health
from greenhearth.wire_counts import HourRun
from greenhearth_gateway.hours import Seqs, uncounted, unseen
from greenhearth_gateway.journal.books import Totals


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One agent's count."""

    agent: str
    measured: int
    stored: int
    waiting: int
    quarantined: int
    dropped: int
    duplicates: int
    overlap: int
    """Items counted twice: in flight, given up after they were sent, or forgotten by a killed agent."""
    difference: int
    """measured + overlap - stored - quarantined - waiting - dropped; above zero something is missing."""
    hours_left: float | None
    oldest_waiting_ns: int

    @property
    def closes(self) -> bool:
        """Whether every measured item is accounted for."""
        return self.difference == 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is known of an agent's sequence numbers, where it lists those that wait."""

    waiting: Mapping[int, SeqSet]
    seen: Seqs
    runs: Iterable[HourRun]
    missing: int = 0
    """Sum over the hours: at least so many are missing."""


def reconcile(
    health: Health, here: Totals, since_health: int, numbers: Numbers | None = None
) -> Reconciliation:
    """Hold an agent's last health message against the gateway's counts.

    `since_health` is how many items of the agent were committed after that message came: they
    may have been measured after it was written. Without `numbers` no more can overlap than
    these, those that were waiting, and those that were dropped after they had been sent.
    """
    counted = here.stored + here.quarantined + health.waiting + health.dropped
    if numbers is None:
        most = health.waiting + health.dropped + since_health
        overlap = min(max(0, counted - health.measured), most)
    else:
        overlap = _exact_overlap(health, numbers)
        sent = counted - health.measured - overlap  # given up after the gateway had it
        overlap += min(max(0, sent), health.dropped)
        if numbers.missing:  # found number by number: nothing that is doubled elsewhere may hide it
            overlap = max(overlap, numbers.missing + counted - health.measured)
    return Reconciliation(
        agent=health.agent,
        measured=health.measured,
        stored=here.stored,
        waiting=health.waiting,
        quarantined=here.quarantined,
        dropped=health.dropped,
        duplicates=here.duplicates,
        overlap=overlap,
        difference=health.measured + overlap - counted,
        hours_left=health.hours_left,
        oldest_waiting_ns=health.oldest_waiting_ns,
    )


def _exact_overlap(health: Health, numbers: Numbers) -> int:
    """Return how many numbers wait there and are here, or are younger than the health message."""
    empty = SeqSet()
    still = sum(len(seqs) for seqs in numbers.waiting.values())
    for epoch, seqs in numbers.waiting.items():
        still -= unseen(seqs, numbers.seen.get(epoch, empty), 1, 1 << 62)
    newest = health.hour.last if health.hour else 0
    younger = numbers.seen.get(health.epoch, empty).count_between(newest + 1, 1 << 62)
    return still + younger + uncounted(numbers.runs, numbers.seen)
