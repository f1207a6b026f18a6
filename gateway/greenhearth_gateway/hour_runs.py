"""Which events tell the numbers of an hour; pure."""

from greenhearth.wire import Event
from greenhearth.wire_counts import HOUR_COUNTED, HourRun, decode_run


def told_run(event: Event) -> HourRun | None:
    """Return the run that an event tells; None for other events, and for one that cannot be read."""
    if event.what != HOUR_COUNTED:
        return None
    try:
        return decode_run(event.detail)
    except ValueError:
        return None
