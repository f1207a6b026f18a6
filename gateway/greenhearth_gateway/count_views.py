"""The public count as people read it: what is shown, and what is said when something is missing."""

import time
from datetime import UTC, datetime

from greenhearth.clock import NS, Clock
from greenhearth.wire_counts import HOUR_NS
from greenhearth_gateway.hours import HourCount
from greenhearth_gateway.live import AgentState, Hub
from greenhearth_gateway.reconcile import Reconciliation
from greenhearth_gateway.web import types

SETTLED_S = 5.0
"""A count that has not closed for so long is told; an item in flight takes less than a second."""
MOST_NAMED = 4
"""Hours named in a sentence; the others are summed."""


def count_views(hub: Hub, clock: Clock) -> list[types.ReconciliationView]:
    """Return the count of every agent that has sent its own; the caller holds the hub's lock."""
    views = []
    for source, agent in hub.agents.items():
        count = hub.count_of(source)
        if count is not None:
            views.append(_count_view(hub, agent, count, clock))
    return views


def hour_views(hub: Hub, agent: str, since_ns: int) -> list[types.AgentHours]:
    """Return the hours of one agent, or of all for '', that began at `since_ns` or later."""
    return [
        types.AgentHours(
            agent=source.agent,
            site=source.site,
            hours=[_hour_view(one) for one in hub.hours_of(source, since_ns)],
        )
        for source in hub.agents
        if agent in ("", source.agent)
    ]


def missing_sentences(hub: Hub) -> list[str]:
    """Say of every agent whose count has not closed for a while what is missing, and of which hour."""
    return [text for agent in hub.agents.values() if (text := missing_sentence(hub, agent))]


def missing_sentence(hub: Hub, agent: AgentState) -> str:
    """Say what is missing of one agent; '' while nothing is, or while it may still be in flight."""
    count = hub.count_of(agent.source)
    since = agent.off_since
    if count is None or count.closes or since is None or time.monotonic() - since < SETTLED_S:
        return ""
    name = f"{agent.source.site}/{agent.source.agent}"
    if count.difference < 0:
        return (
            f"{-count.difference} item(s) are stored that the count of agent {name} does not hold: its data "
            "folder was put back to an older state, or two agents use one name. Nothing is lost; see that "
            "each agent has a name and a data folder of its own."
        )
    where = _where(hub.hours_of(agent.source), count.difference)
    return (
        f"{count.difference} measured item(s) of agent {name} are missing{where}: neither stored here nor "
        "waiting there. See whether this journal was put back to an older state or the agent's data folder "
        "was damaged; its log says what it gave up."
    )


def _where(hours: list[HourCount], missing: int) -> str:
    """Name the hours in which something is missing."""
    off = [hour for hour in hours if hour.difference > 0]
    named = [f"{hour.difference} of {_hour_text(hour.hour_ns)}" for hour in off[-MOST_NAMED:]]
    left = missing - sum(hour.difference for hour in off[-MOST_NAMED:])
    if left > 0:
        named.append(f"{left} of other hours")
    return f" ({', '.join(named)})"


def _hour_text(start_ns: int) -> str:
    at = datetime.fromtimestamp(start_ns / NS, UTC)
    return f"{at:%Y-%m-%d %H}:00 to {(at.hour + 1) % 24:02d}:00 UTC"


def _count_view(hub: Hub, agent: AgentState, count: Reconciliation, clock: Clock) -> types.ReconciliationView:
    return types.ReconciliationView(
        agent=count.agent,
        measured=count.measured,
        stored=count.stored,
        waiting=count.waiting,
        quarantined=count.quarantined,
        dropped=count.dropped,
        duplicates=count.duplicates,
        overlap=count.overlap,
        closes=count.closes,
        difference=count.difference,
        hours_left=count.hours_left,
        oldest_waiting_ns=count.oldest_waiting_ns,
        backlog=_backlog_view(agent, count, clock),
        damaged=damage.times if (damage := hub.damage.by_source.get(agent.source)) else 0,
        missing=missing_sentence(hub, agent),
    )


def _backlog_view(agent: AgentState, count: Reconciliation, clock: Clock) -> types.BacklogView:
    age_ns = clock.now_ns() - count.oldest_waiting_ns if count.oldest_waiting_ns and count.waiting else 0
    return types.BacklogView(
        waiting=count.waiting,
        oldest_age_s=round(clock.wall_s(max(age_ns, 0) / NS), 3),
        drain_s=agent.backlog.drain_s(count.waiting),
        drained_per_s=agent.backlog.drained_per_s(),
        live_per_s=agent.backlog.live_per_s(),
        backlog_per_s=agent.backlog.late_per_s(),
    )


def _hour_view(one: HourCount) -> types.HourView:
    return types.HourView(
        hour_ns=one.hour_ns,
        state=one.state,
        running=one.is_running,
        measured=one.measured,
        readings=one.readings,
        stored=one.stored,
        waiting=one.waiting,
        quarantined=one.quarantined,
        dropped=one.dropped,
        difference=one.difference,
    )


def since_of(clock: Clock, hours: int) -> int:
    """Return when the first of the last `hours` hours began, the running one included [Unix ns]."""
    return max(0, (clock.now_ns() // HOUR_NS - hours + 1) * HOUR_NS)
