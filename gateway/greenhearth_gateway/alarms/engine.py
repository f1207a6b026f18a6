"""Which result goes to which alarm, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from greenhearth.clock import NS
from greenhearth.quality import is_comparable
from greenhearth.wire import Birth, Record
from greenhearth_gateway.alarms.state import AlarmState, Limits, Name, Sample, acknowledge, step
from greenhearth_gateway.config import AlarmPart


class NothingToAckError(ValueError):
    """An acknowledgement that means nothing: says why."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state, as the alarm journal keeps it."""

    id: str
    t_ns: int
    was: Name
    state: Name
    value: float | None
    who: str
    """The operator, or ``data``."""


class AlarmDraft:
    """Alarm states on the way through one transaction; dropped if that fails."""

    def __init__(self, parts: Mapping[str, AlarmPart], states: Mapping[str, AlarmState]) -> None:
        self._parts = parts
        self.states = dict(states)
        self.changed: set[str] = set()
        self.transitions: list[Transition] = []

    def show(self, record: Record, birth: Birth) -> None:
        """Show a live record to the alarms on its lines."""
        for alarm_id, part in self._parts.items():
            found, value = _value_for(part, record, birth)
            if found:
                before = self.states[alarm_id]
                after = step(
                    limits_of(part), before, Sample(record.t_ns, value, record.epoch, record.steps_ns)
                )
                self._move(alarm_id, before, after, record.t_ns, "data")

    def acknowledge(self, alarm_id: str, who: str, t_ns: int) -> AlarmState:
        """Acknowledge; NothingToAckError if there is nothing to acknowledge, LookupError if no such alarm."""
        if alarm_id not in self._parts:
            raise LookupError(alarm_id)
        before = self.states[alarm_id]
        after = acknowledge(before, who, t_ns)
        if after is before:
            raise NothingToAckError(f"alarm '{alarm_id}' is {before.state}; there is nothing to acknowledge")
        self._move(alarm_id, before, after, t_ns, who)
        return after

    def _move(self, alarm_id: str, before: AlarmState, after: AlarmState, t_ns: int, who: str) -> None:
        if after is before:
            return
        self.states[alarm_id] = after
        self.changed.add(alarm_id)
        if after.state != before.state:
            change = Transition(alarm_id, t_ns, before.state, after.state, after.value, who)
            self.transitions.append(change)


def initial_states(parts: Mapping[str, AlarmPart], saved: Mapping[str, AlarmState]) -> dict[str, AlarmState]:
    """Return a state for every configured alarm: the saved one, or normal."""
    return {alarm_id: saved.get(alarm_id, AlarmState()) for alarm_id in parts}


def limits_of(part: AlarmPart) -> Limits:
    """Return the limits of a configured alarm in ns of data time."""
    return Limits(
        high=part.high,
        deadband=part.deadband,
        on_delay_ns=round(part.on_delay_s * NS),
        off_delay_ns=round(part.off_delay_s * NS),
        silence_ns=round(part.silence_s * NS),
    )


def _value_for(part: AlarmPart, record: Record, birth: Birth) -> tuple[bool, float | None]:
    """Return whether the record speaks of this alarm's line and window, and the valid value if any."""
    line = next((n for n, info in enumerate(birth.lines) if info.name == part.line), -1)
    if line < 0 or part.window not in birth.windows or part.metric not in birth.metrics:
        return False, None
    window = birth.windows.index(part.window)
    for result in record.results:
        if result.l == line and result.w == window:
            usable = is_comparable(result.v)
            return True, result.x[birth.metrics.index(part.metric)] if usable else None
    return False, None
