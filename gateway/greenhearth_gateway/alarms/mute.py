"""Alarms that can never speak: what they watch is not sent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from greenhearth.strict import nearest_name
from greenhearth_gateway.config import AlarmPart


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line's agent sends of it."""

    agent: str
    """Site and agent, for people."""
    metrics: Sequence[str]
    has_batches: bool


def mute_sentences(parts: Mapping[str, AlarmPart], heard: Mapping[str, Heard]) -> list[str]:
    """Return a sentence for each alarm that cannot fire; none before the first line is heard of."""
    found = [(alarm_id, _why(part, heard)) for alarm_id, part in parts.items()] if heard else []
    return [f"Alarm '{alarm_id}' can never fire: {why}" for alarm_id, why in found if why]


def _why(part: AlarmPart, heard: Mapping[str, Heard]) -> str:
    line = heard.get(part.line)
    if line is None:
        near = _near(part.line, heard)
        return f"no agent has a line '{part.line}'. Start its agent, or name a line that is there{near}."
    if part.metric not in line.metrics:
        return (
            f"agent {line.agent} does not send {part.metric} for line '{part.line}', for no process of its "
            f"site has it. Watch one that is sent{_near(part.metric, line.metrics)}, or take the alarm out."
        )
    if part.window == "batch" and not line.has_batches:
        return f"line '{part.line}' has no batches. Watch its window 15min, 1h or 24h instead."
    return ""


def _near(name: str, known: Mapping[str, Heard] | Sequence[str]) -> str:
    near = nearest_name(name, list(known))
    return f" ('{near}'?)" if near else ""
