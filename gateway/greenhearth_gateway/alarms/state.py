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
    epoch: int = 0
    """Epoch of the newest sample."""
    passed_ns: int = 0
    """Its time without the steps of its agent's clock since that epoch began."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One result as an alarm sees it."""

    t_ns: int
    value: float | None
    """None where the result is invalid."""
    epoch: int = 0
    steps_ns: int = 0
    """Steps of the agent's clock since the epoch began: they are no time that passed."""


def step(limits: Limits, before: AlarmState, sample: Sample) -> AlarmState:
    """Show one sample. Old samples change nothing; delays run on the time that passed within an epoch."""
    t_ns, value = sample.t_ns, sample.value
    passed = t_ns - sample.steps_ns
    if (sample.epoch, passed) <= (before.epoch, before.passed_ns):
        return before
    elapsed = passed - before.passed_ns if sample.epoch == before.epoch else 0
    before = msgspec.structs.replace(before, t_ns=t_ns, epoch=sample.epoch, passed_ns=passed)
    if value is None:
        return msgspec.structs.replace(before, valid=False)
    watched = elapsed if before.valid and elapsed <= limits.silence_ns else 0
    after = msgspec.structs.replace(
        before,
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
