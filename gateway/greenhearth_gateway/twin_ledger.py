"""The newest finished batch and hour of a line, and what its green twins would have taken for them."""

from dataclasses import dataclass, field

from greenhearth.wire import Event


@dataclass(slots=True)
class TwinLedger:
    """Both sides of the comparison; it only remembers, in whichever order they come."""

    own: dict[str, Event] = field(default_factory=dict)
    """Window -> the line's newest finished one."""
    twins: dict[tuple[str, str], Event] = field(default_factory=dict)
    """(window, twin) -> the twin's newest."""

    def take_own(self, event: Event) -> None:
        """Take a finished batch or window of the line, unless a later one is here."""
        had = self.own.get(event.window)
        if had is None or event.end_ns >= had.end_ns:
            self.own[event.window] = event

    def take_twin(self, event: Event) -> None:
        """Take the figures of one of its twins, unless later ones are here."""
        key = event.window, event.detail
        had = self.twins.get(key)
        if had is None or event.end_ns >= had.end_ns:
            self.twins[key] = event

    def beside(self, own: Event, twin: str) -> Event | None:
        """Return the figures of a twin for the same time and batch as `own`; None if they are not here."""
        found = self.twins.get((own.window, twin))
        same = found and (found.start_ns, found.end_ns, found.batch) == (own.start_ns, own.end_ns, own.batch)
        return found if same else None
