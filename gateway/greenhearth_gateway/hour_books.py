"""What agents told of their hours, in memory: runs, the newest health message, the quarantined numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from greenhearth.seqset import SeqSet
from greenhearth.wire import Event, Health
from greenhearth.wire_counts import HourRun
from greenhearth_gateway.hour_runs import told_run
from greenhearth_gateway.hours import HourCount, Ledger, Seqs, count_hours
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.books import Sequence

Place = tuple[int, int]
"""Epoch and first number of a run."""

MOST_HEARD = 48
MOST_RUNS = 2000
"""Runs kept per agent, 80 days at one an hour; the journal has the others."""


@dataclass
class HourBooks:
    """See the module; guarded by the hub's lock."""

    runs: dict[Source, dict[Place, HourRun]] = field(default_factory=dict)
    """Told by events, and so in the journal."""
    heard: dict[Source, dict[Place, HourRun]] = field(default_factory=dict)
    """From health messages, until an event tells the same."""
    refused: dict[Source, dict[int, SeqSet]] = field(default_factory=dict)
    _settled: dict[Source, dict[Place, tuple[int, int, int]]] = field(default_factory=dict)

    def load(self, runs: Iterable[tuple[Source, HourRun]], refused: Iterable[tuple[Sequence, int]]) -> None:
        """Take over what the journal holds."""
        for source, run in runs:
            self._tell(source, run)
        self.take_refused(refused)

    def take_event(self, source: Source, event: Event) -> None:
        """Take over what an event tells, if it tells a run."""
        run = told_run(event)
        if run is not None:
            self._tell(source, run)

    def take_health(self, source: Source, health: Health) -> None:
        """Take over the running hour; what an earlier start only said, its end tells better."""
        heard = self.heard.setdefault(source, {})
        for place in [place for place in heard if place[0] < health.epoch]:
            del heard[place]
        run = health.hour
        if run is not None and (run.epoch, run.first) not in self.runs.get(source, {}):
            heard[(run.epoch, run.first)] = run
        if len(heard) > MOST_HEARD:
            del heard[min(heard)]

    def take_refused(self, places: Iterable[tuple[Sequence, int]]) -> None:
        """Enter numbers that are in quarantine."""
        for sequence, seq in places:
            self.refused.setdefault(sequence.source, {}).setdefault(sequence.epoch, SeqSet()).add(seq)

    def told(self, source: Source) -> list[HourRun]:
        """Return all runs that are known of an agent."""
        return [*self.runs.get(source, {}).values(), *self.heard.get(source, {}).values()]

    def counts(self, source: Source, seen: Seqs, health: Health | None) -> list[HourCount]:
        """Return the count of every hour of an agent, oldest first."""
        runs = self.told(source)
        refused = self.refused.get(source, {})
        if health is None:  # an agent that was not heard may still hold everything
            return count_hours(Ledger(runs, seen, refused, most_waiting=1 << 62))
        dropped, waiting = dict(health.dropped_hours), waiting_seqs(health)
        settled = self._settled.setdefault(source, {})
        most = (health.waiting, settled, health.dropped)
        return count_hours(Ledger(runs, seen, refused, waiting, dropped, health.hour, *most))

    def _tell(self, source: Source, run: HourRun) -> None:
        mine, heard = self.runs.setdefault(source, {}), self.heard.get(source, {})
        heard.pop((run.epoch, run.first), None)
        if run.final:
            for place in [place for place in heard if place[0] == run.epoch]:
                del heard[place]
        had = mine.get((run.epoch, run.first))
        if had is None or run.final or run.last >= had.last:
            mine[(run.epoch, run.first)] = run
        if len(mine) > MOST_RUNS:
            del mine[min(mine, key=lambda place: mine[place].hour_ns)]


def waiting_seqs(health: Health) -> Mapping[int, SeqSet] | None:
    """Return the numbers that wait by an agent's list; None where the list is not there or not whole."""
    if health.waiting_ranges is None:
        return None
    found: dict[int, SeqSet] = {}
    for epoch, first, last in health.waiting_ranges:
        if last < first:
            return None
        found.setdefault(epoch, SeqSet()).add_range(first, last)
    return found if sum(map(len, found.values())) == health.waiting else None
