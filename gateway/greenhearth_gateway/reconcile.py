"""The public count: measured = stored + waiting + quarantined + dropped; pure.

The agent counts when it writes its health message, the gateway when it commits. Between
the two, items are in flight: committed here, still waiting there. They are an overlap, not
a fault; an item that the agent considers gone and that is not here would be.
"""

from dataclasses import dataclass

from greenhearth.wire import Health
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
    """Items counted twice because they are in flight."""
    difference: int
    """measured + overlap - stored - quarantined - waiting - dropped; above zero something is missing."""
    hours_left: float | None
    oldest_waiting_ns: int

    @property
    def closes(self) -> bool:
        """Whether every measured item is accounted for."""
        return self.difference == 0


def reconcile(health: Health, here: Totals, since_health: int) -> Reconciliation:
    """Hold an agent's last health message against the gateway's counts.

    `since_health` is how many items of the agent were committed after that message came:
    they may have been measured after it was written. No more can overlap than these, those
    that were waiting, and those that were dropped after they had been sent.
    """
    there = health.waiting + health.dropped
    counted = here.stored + here.quarantined + there
    most = there + since_health
    overlap = min(max(0, counted - health.measured), most)
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
