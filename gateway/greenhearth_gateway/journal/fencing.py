"""Two agents under one name: whose live data drives the page and the alarms, and how it is noticed; pure.

An epoch is a start of an agent. Of two that send live data the newer one is shown: the older is
stored like everything else, but a process that was started before can only be a leftover or a copy.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.books import Sequence

FEW = 3
"""Live items of an older epoch that may still be under way when an agent starts again."""

SHOWN_S = 60.0
"""How long it is told after the last such item."""


class Fence:
    """Which epoch of each agent is the newest; drafted per transaction."""

    def __init__(self, newest: Mapping[Source, int]) -> None:
        self._committed = newest
        self.newest: dict[Source, int] = {}
        """Only those that changed."""
        self.late: dict[Sequence, int] = {}
        """Live items of older epochs, that are new to the journal."""

    def is_current(self, source: Source, epoch: int) -> bool:
        """Note a live item; False if a newer start of its agent sends live data as well."""
        known = self.newest.get(source, self._committed.get(source, 0))
        if epoch > known:
            self.newest[source] = epoch
        elif epoch < known:
            sequence = Sequence(source, epoch)
            self.late[sequence] = self.late.get(sequence, 0) + 1
        return epoch >= known


def newest_epochs(sequences: Iterable[Sequence]) -> dict[Source, int]:
    """Return the newest epoch of every agent."""
    found: dict[Source, int] = {}
    for sequence in sequences:
        found[sequence.source] = max(found.get(sequence.source, 0), sequence.epoch)
    return found


@dataclass(slots=True)
class Rival:
    """An older epoch that goes on sending live data."""

    older: int
    newer: int
    times: int
    last: float


class Rivals:
    """Agents that are there twice, and numbers that were used twice."""

    def __init__(self) -> None:
        self._rivals: dict[Source, Rival] = {}
        self._clashes: dict[Source, tuple[int, float]] = {}

    def note(self, fence: Fence, newest: Mapping[Source, int], clashes: Mapping[Source, int]) -> None:
        """Take over what a transaction found."""
        now = time.monotonic()
        for (source, epoch), times in fence.late.items():
            had = self._rivals.get(source)
            before = had.times if had and had.older == epoch and now - had.last < SHOWN_S else 0
            self._rivals[source] = Rival(epoch, newest[source], before + times, now)
        for source, times in clashes.items():
            had_times, _ = self._clashes.get(source, (0, 0.0))
            self._clashes[source] = (had_times + times, now)

    def sentences(self) -> list[str]:
        """Return what a person should look at."""
        now = time.monotonic()
        told = [
            f"Two agents call themselves {source.site}/{source.agent}: epochs {one.older} and {one.newer} "
            f"both send live data. Both are stored; the page and the alarms follow {one.newer}, which was "
            "started last. End one of them, or give it an id of its own."
            for source, one in self._rivals.items()
            if one.times > FEW and now - one.last < SHOWN_S
        ]
        return told + [
            f"{times} item(s) of {source.site}/{source.agent} came under numbers that were used for other "
            "items. What was stored first stays, the others are in quarantine. Was this agent, or its "
            "machine, put back to an earlier state while it ran? Start it again: it then counts anew."
            for source, (times, last) in self._clashes.items()
            if now - last < SHOWN_S * 10
        ]
