"""One alarm as a state machine on data time; pure.

A high limit with deadband and on/off delays. States follow ISA-18.2: normal, unacknowledged,
acknowledged, and returned but never acknowledged. Only valid results of the live lane are
shown to it; a sample without a valid value, or a long silence, freezes the delays.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

NOT_RUNNING = -1
"""A delay that has not begun; 0 is one that began with this sample."""

Name = Literal["normal", "unack", "ack", "returned_unack"]


@dataclass(frozen=True, slots=True)
class Limits:
    """When to raise and when to let go; times in ns of data time."""

    high: float
    deadband: float = 0.0
    on_delay_ns: int = 0
    off_delay_ns: int = 0
    silence_ns: int = 60_000_000_000


class AlarmState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an alarm remembers; saved with the data that led to it."""

    state: Name = "normal"
    since_ns: int = 0
    t_ns: int = 0
    """Time of the newest sample it was shown."""
    valid: bool = False
    """Whether that sample had a valid value."""
    value: float | None = None
    """Newest valid value."""
    above_ns: int = NOT_RUNNING
    """How long the value has been watched above the limit."""
    below_ns: int = NOT_RUNNING
    """How long the value has been watched at or below limit - deadband."""
    acked_by: str = ""


def step(limits: Limits, before: AlarmState, t_ns: int, value: float | None) -> AlarmState:
    """Show one sample; `value` is None where the result is invalid. Old samples change nothing."""
    if t_ns <= before.t_ns:
        return before
    if value is None:
        return msgspec.structs.replace(before, t_ns=t_ns, valid=False)
    passed = t_ns - before.t_ns
    watched = passed if before.valid and passed <= limits.silence_ns else 0
    after = msgspec.structs.replace(
        before,
        t_ns=t_ns,
        valid=True,
        value=value,
        above_ns=_run(before.above_ns, value > limits.high, watched),
        below_ns=_run(before.below_ns, value <= limits.high - limits.deadband, watched),
    )
    return _enter(after, _next_state(limits, after), t_ns)


def acknowledge(before: AlarmState, who: str, t_ns: int) -> AlarmState:
    """Note that an operator has seen it; returns `before` itself if there is nothing to see."""
    if before.state == "unack":
        return msgspec.structs.replace(before, state="ack", since_ns=t_ns, acked_by=who)
    if before.state == "returned_unack":
        return msgspec.structs.replace(before, state="normal", since_ns=t_ns, acked_by="")
    return before


def _run(timer_ns: int, holds: bool, watched_ns: int) -> int:
    if not holds:
        return NOT_RUNNING
    return 0 if timer_ns == NOT_RUNNING else timer_ns + watched_ns


def _next_state(limits: Limits, s: AlarmState) -> Name:
    if s.state in ("normal", "returned_unack"):
        return "unack" if s.above_ns >= limits.on_delay_ns else s.state
    if s.below_ns < limits.off_delay_ns:
        return s.state
    return "returned_unack" if s.state == "unack" else "normal"


def _enter(s: AlarmState, state: Name, t_ns: int) -> AlarmState:
    if state == s.state:
        return s
    acked_by = s.acked_by if state == "ack" else ""
    return msgspec.structs.replace(s, state=state, since_ns=t_ns, acked_by=acked_by)
