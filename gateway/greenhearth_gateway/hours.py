"""The public count hour by hour: sequence numbers that an agent told against those that are here; pure.

Nothing is estimated. A number of a told run is stored, quarantined, waiting by the agent's own
list, or given up; what remains is missing. That holds at every moment: an agent takes an item
off its list only when this gateway has committed it, or when it counts it as given up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from greenhearth.seqset import SeqSet
from greenhearth.wire_counts import HourRun

Seqs = Mapping[int, SeqSet]
"""Sequence numbers by epoch."""
EMPTY = SeqSet()


@dataclass(slots=True)
class HourCount:
    """One hour of one agent: measured = stored + waiting + quarantined + dropped + difference."""

    hour_ns: int
    measured: int = 0
    readings: int = 0
    stored: int = 0
    waiting: int = 0
    quarantined: int = 0
    dropped: int = 0
    difference: int = 0
    """Above zero: items that are missing."""
    is_running: bool = False

    @property
    def state(self) -> Literal["closes", "waiting", "dropped", "missing"]:
        """``missing``, ``dropped``, ``waiting`` or ``closes``, the worst that holds."""
        if self.difference:
            return "missing"
        if self.dropped:
            return "dropped"
        return "waiting" if self.waiting else "closes"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that is known of the numbers of one agent at one moment."""

    runs: Iterable[HourRun]
    seen: Seqs
    """Stored and quarantined."""
    refused: Seqs
    """Quarantined."""
    waiting: Seqs | None = None
    """By the agent's own list; None where it did not tell."""
    dropped: Mapping[int, int] = field(default_factory=dict)
    """Begin of an hour -> items given up."""
    running: HourRun | None = None
    most_waiting: int = 0
    """Items that wait in all, for agents whose list is too long to tell."""
    settled: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    """(epoch, first) -> (last, stored, quarantined) of runs that are here whole; filled as they are found."""
    most_dropped: int = 0
    """Items given up in all, of whatever hour."""


def count_hours(ledger: Ledger) -> list[HourCount]:
    """Return the count of every hour that was told, oldest first."""
    hours: dict[int, HourCount] = {}
    for run in ledger.runs:
        _add(hours.setdefault(run.hour_ns, HourCount(run.hour_ns)), run, ledger)
    if ledger.running and ledger.running.hour_ns in hours:
        hours[ledger.running.hour_ns].is_running = True
    counts = [hours[start] for start in sorted(hours)]
    elsewhere = ledger.most_dropped
    for one in counts:
        elsewhere -= _give_up(one, min(elsewhere, ledger.dropped.get(one.hour_ns, 0)))
    if ledger.waiting is None:  # the newest wait, as far as the agent's sum goes
        left = ledger.most_waiting
        for one in reversed(counts):
            one.waiting = min(one.difference, left)
            one.difference, left = one.difference - one.waiting, left - one.waiting
    for one in counts:  # given up, but of another hour by the agent's books: the oldest go first
        elsewhere -= _give_up(one, elsewhere)
    return counts


def _give_up(hour: HourCount, most: int) -> int:
    """Count up to `most` of what is not accounted for as given up; return how many."""
    given_up = min(max(hour.difference, 0), most)
    hour.dropped, hour.difference = hour.dropped + given_up, hour.difference - given_up
    return given_up


def _add(hour: HourCount, run: HourRun, ledger: Ledger) -> None:
    """Add one run; what is neither here nor waiting goes to `difference`."""
    settled = ledger.settled.get((run.epoch, run.first))
    if settled is not None and settled[0] == run.last and not run.final:
        hour.measured += settled[1] + settled[2]
        hour.readings += run.readings
        hour.stored += settled[1]
        hour.quarantined += settled[2]
        return
    seen, refused = ledger.seen.get(run.epoch, EMPTY), ledger.refused.get(run.epoch, EMPTY)
    last = max(run.last, seen.last) if run.final else run.last
    here, quarantined = seen.count_between(run.first, last), refused.count_between(run.first, last)
    waiting = 0
    if ledger.waiting is not None:
        waiting = unseen(ledger.waiting.get(run.epoch, EMPTY), seen, run.first, run.last)
    beyond = seen.count_between(run.last + 1, last) if last > run.last else 0
    measured = run.last - run.first + 1 + beyond
    hour.measured += measured
    hour.readings += run.readings
    hour.stored += here - quarantined
    hour.quarantined += quarantined
    hour.waiting += waiting
    hour.difference += measured - here - waiting
    if measured == here:
        ledger.settled[(run.epoch, run.first)] = (run.last, here - quarantined, quarantined)


def unseen(waiting: SeqSet, seen: SeqSet, first: int, last: int) -> int:
    """Return how many numbers of first..last wait and are not here."""
    total = 0
    for low, high in waiting:
        low, high = max(low, first), min(high, last)
        if low <= high:
            total += high - low + 1 - seen.count_between(low, high)
    return total


def uncounted(runs: Iterable[HourRun], seen: Seqs) -> int:
    """Return how many stored items an agent's own count forgot: above the end of an epoch that was killed."""
    ends = {run.epoch: run.last for run in runs if run.final}
    return sum(seen[epoch].count_between(end + 1, 1 << 63) for epoch, end in ends.items() if epoch in seen)
