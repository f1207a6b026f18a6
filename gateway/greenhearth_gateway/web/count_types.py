"""The shapes of the public count: by agent, by hour, what waits, what was refused."""

from typing import Literal

from pydantic import Field

from greenhearth_gateway.web.comparison_types import View


class BacklogView(View):
    """How much an agent has to catch up with, and how fast it does; times are of the wall."""

    waiting: int = 0
    oldest_age_s: float = 0.0
    """0 where nothing waits."""
    drain_s: float | None = None
    """Until nothing waits at the rate of the last half minute; null while it does not shrink."""
    drained_per_s: float = 0.0
    """Items a second by which it shrinks; below zero it grows."""
    live_per_s: float = 0.0
    """Items a second that came by the live lane."""
    backlog_per_s: float = 0.0
    """Items a second that came by the backlog lane."""


class HourView(View):
    """measured = stored + waiting + quarantined + dropped + difference, for one UTC hour of data time."""

    hour_ns: int
    """Its begin."""
    state: Literal["closes", "waiting", "dropped", "missing"]
    running: bool
    """True while the agent still measures in it."""
    measured: int
    readings: int
    stored: int
    waiting: int
    quarantined: int
    dropped: int
    difference: int
    """Items that are missing."""


class AgentHours(View):
    """The count of one agent, hour by hour, oldest first; hours without items are left out."""

    agent: str
    site: str
    hours: list[HourView]


class QuarantineView(View):
    """Something that was refused as data, and why."""

    site: str
    agent: str
    epoch: int
    seq: int
    """0 where its place in the sequence could not be read."""
    reason: str
    topic: str
    times: int


class ReconciliationView(View):
    """measured = stored + waiting + quarantined + dropped, for one agent."""

    agent: str
    measured: int
    stored: int
    waiting: int
    quarantined: int
    dropped: int
    duplicates: int
    """Items that came again and were only acknowledged."""
    overlap: int
    """Items committed here whose acknowledgement the agent has not counted yet."""
    closes: bool
    difference: int
    """measured - stored - quarantined - dropped - waiting + overlap."""
    hours_left: float | None
    """How long the agent's disk lasts if nothing is acknowledged; null before that can be said."""
    oldest_waiting_ns: int
    backlog: BacklogView = Field(default=BacklogView())
    damaged: int = 0
    """Items of this agent that came damaged since the gateway's start; they come again."""
    missing: str = ""
    """What is missing, by hour, as a sentence; empty while nothing is, or while it may be in flight."""
