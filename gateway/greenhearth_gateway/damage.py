"""What arrived damaged, by agent: counted, told when it happens again and again; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from greenhearth_gateway.intake import Source

REPEATED = 3
"""Damaged items from which on a person is told; a single one mends itself unseen."""
SHOWN_S = 600.0
"""How long it is told after the last one."""
MOST_SENDERS = 100
"""Names that are told apart; damage makes new ones up. Beyond, the one longest silent is forgotten."""


@dataclass(slots=True)
class Damage:
    """What came damaged from one agent, since the start of the gateway."""

    times: int = 0
    last_monotonic: float = 0.0


@dataclass(slots=True)
class DamageLedger:
    """Counts by agent. Guarded by its owner's lock; times are monotonic seconds."""

    by_source: dict[Source, Damage] = field(default_factory=dict)
    total: int = 0

    def count(self, source: Source, times: int, now: float) -> None:
        """Note that `times` items or messages of an agent were damaged."""
        had = self.by_source.pop(source, None) or Damage()
        self.by_source[source] = Damage(had.times + times, now)
        self.total += times
        while len(self.by_source) > MOST_SENDERS:
            self.by_source.pop(next(iter(self.by_source)))

    def count_all(self, damaged: Mapping[Source, int], now: float) -> None:
        """Note what one transaction left out."""
        for source, times in damaged.items():
            self.count(source, times, now)

    def sentences(self, now: float) -> list[str]:
        """Return what a person should look at."""
        return [
            f"{damage.times} item(s) from {source.site or '?'}/{source.agent or '?'} were damaged on the way "
            "(their checksums do not fit). None is stored, the agent sends them again; look for a faulty "
            "network card, switch, converter or memory between that agent, the broker and this gateway."
            for source, damage in self.by_source.items()
            if damage.times >= REPEATED and now - damage.last_monotonic < SHOWN_S
        ]
