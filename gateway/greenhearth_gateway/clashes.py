"""Two agents that run with one id: found by live records of an older start after those of a newer; pure.

An agent that was started again sends what its last start left as backlog only. So when live records
of two starts take turns, two programs send them: a copied disk, a copied site file. Both are stored,
by (epoch, seq), and nothing is mixed; but the broker throws one out for the other all the time.
"""

from dataclasses import dataclass, field

from greenhearth.wire import Lane
from greenhearth_gateway.intake import Source

TURNS = 2
"""Live records of an older start from which on a person is told."""
SHOWN_S = 600.0
"""How long it is told after the last one."""


@dataclass(slots=True)
class _Seen:
    newest: int = 0
    turns: int = 0
    last_monotonic: float = 0.0


@dataclass(slots=True)
class ClashLedger:
    """What was heard live from each agent. Guarded by its owner's lock; times are monotonic seconds."""

    by_source: dict[Source, _Seen] = field(default_factory=dict)

    def hear(self, source: Source, lane: Lane, epoch: int, now: float) -> None:
        """Note the epoch of a record; one of the backlog says nothing about who runs."""
        if lane != "live":
            return
        seen = self.by_source.setdefault(source, _Seen())
        if epoch < seen.newest:
            seen.turns, seen.last_monotonic = seen.turns + 1, now
        seen.newest = max(seen.newest, epoch)

    def sentences(self, now: float) -> list[str]:
        """Return what a person should look at."""
        return [
            f"Two agents run as {source.site}/{source.agent}: the broker keeps throwing one out for the "
            "other. What both measure is stored. Stop the one that should not run, or give it its own id."
            for source, seen in self.by_source.items()
            if seen.turns >= TURNS and now - seen.last_monotonic < SHOWN_S
        ]
