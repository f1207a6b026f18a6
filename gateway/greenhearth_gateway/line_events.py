"""What happened on a line beside its results: anode effects, and counters that began anew."""

from bisect import insort
from dataclasses import dataclass, field

from greenhearth.wire import Event

ANODE_EFFECT, NOT_LISTED = "anode_effect", "anode_effects_not_listed"
KINDS = (ANODE_EFFECT, NOT_LISTED, "counter_reset")
"""Events that a line's list takes. Devices that fall silent stand with the meters."""

MOST = 20
"""Events of a line that are kept; the journal has all."""


def ended_ns(event: Event) -> int:
    """Return when something was over; what has no duration, when it was told."""
    return event.end_ns or event.t_ns


@dataclass(slots=True)
class LineEvents:
    """The newest events of one line, in whichever order they come."""

    kept: list[Event] = field(default_factory=list)
    """Oldest first, at most MOST."""

    def take(self, event: Event) -> None:
        """Keep an event among the newest; one that came before (the disk had refused it) is kept once."""
        places = {(one.epoch, one.seq) for one in self.kept}
        if (event.epoch, event.seq) not in places:
            insort(self.kept, event, key=ended_ns)
            del self.kept[:-MOST]

    def concerns(self, event: Event, own_series: bool) -> bool:
        """Tell whether an event belongs here: it is of the line's own series, or speaks of its effects.

        How many effects were left out is told of the whole site, so to every line that has had some.
        """
        if event.what == NOT_LISTED:
            return any(one.what == ANODE_EFFECT for one in self.kept)
        return own_series
