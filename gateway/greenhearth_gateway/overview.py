"""Build what the page shows from the hub's state; here is decided what is stale."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from greenhearth.clock import NS, Clock
from greenhearth.quality import is_comparable
from greenhearth_gateway.alarms.mute import Heard, mute_sentences
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.benchmarks import Benchmark
from greenhearth_gateway.config import Config
from greenhearth_gateway.count_views import count_views, missing_sentences
from greenhearth_gateway.freshness import NOTHING, Told
from greenhearth_gateway.intake import Source
from greenhearth_gateway.live import AgentState, Hub, LineState, SeriesState
from greenhearth_gateway.names import quality_text
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.twin_views import twin_views, why_no_twins
from greenhearth_gateway.views import (
    alarm_view,
    bus_views,
    finished_view,
    line_event_views,
    only_comparable,
    running_grades,
    running_views,
    window_view,
)
from greenhearth_gateway.web import types

STALE_WALL_S = 3.0
"""Nothing younger than this is called stale, whatever its interval: messages take their time."""

REFUSED_SHOWN_S = 600.0
"""How long unreadable messages stay among the problems after the last one."""

COMPARED = ("batch", "15min", "1h", "24h")


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a view of the house is made from."""

    config: Config
    clock: Clock
    hub: Hub
    problems: Problems
    benchmarks: dict[str, Benchmark]


def build_overview(scene: Scene) -> types.Overview:
    """Return the whole screen as of now."""
    now = scene.clock.now_ns()
    with scene.hub.lock:
        return types.Overview(
            now_ns=now,
            speed=scene.clock.speed,
            title=scene.config.gateway.title,
            agents=[_agent(scene, a, now) for a in scene.hub.agents.values()],
            lines=[_line(scene, line, now) for line in scene.hub.lines.values()],
            alarms=alarm_views(scene),
            devices=[d for a in scene.hub.agents.values() for d in _devices(scene, a, now)],
            buses=[b for a in scene.hub.agents.values() for b in bus_views(a)],
            reconciliation=reconciliation_views(scene),
            problems=problem_sentences(scene),
        )


def alarm_views(scene: Scene) -> list[types.AlarmView]:
    """Return all configured alarms with their states; the caller holds the hub's lock."""
    states = scene.hub.alarms
    return [alarm_view(n, part, states.get(n, AlarmState())) for n, part in scene.config.alarms.items()]


def reconciliation_views(scene: Scene) -> list[types.ReconciliationView]:
    """Return the count of every agent that has sent its own; the caller holds the hub's lock."""
    return count_views(scene.hub, scene.clock)


def series_views(scene: Scene) -> list[types.SeriesView]:
    """Return every series with its last reading."""
    now = scene.clock.now_ns()
    with scene.hub.lock:
        return [_series(scene, one, now) for one in scene.hub.series.values()]


def problem_sentences(scene: Scene) -> list[str]:
    """Return what is wrong right now; the caller holds the hub's lock."""
    found = scene.problems.sentences() + _rival_sentences(scene) + _silence_sentences(scene)
    found += missing_sentences(scene.hub)
    found += mute_sentences(scene.config.alarms, _heard(scene.hub))
    for source, refused in scene.hub.refused.items():
        if time.monotonic() - refused.last_monotonic < REFUSED_SHOWN_S:
            found.append(
                f"{refused.times} message(s) from {_path(source)} could not be read and are in quarantine; "
                f"the last because: {refused.reason}"
            )
    found += scene.hub.damage.sentences(time.monotonic()) + scene.hub.clashes.sentences(time.monotonic())
    for agent in scene.hub.agents.values():
        found += [f"{agent.source.agent}: {text}" for text in (agent.health.problems if agent.health else [])]
    return found


def _heard(hub: Hub) -> dict[str, Heard]:
    """Return what can be heard of every line: from which agent, which metrics, whether batches."""
    return {
        name: Heard(_path(line.source), hub.agents[line.source].metrics, bool(line.info.batch_word))
        for name, line in hub.lines.items()
    }


def _rival_sentences(scene: Scene) -> list[str]:
    """Name the lines that two living agents announce; one that was replaced is no rival."""
    now, agents = scene.clock.now_ns(), scene.hub.agents
    return [
        f"Line '{line}' is announced by two agents, {_path(shown)} and {_path(other)}; the newer is "
        "shown, both are stored. Give one of the lines another name."
        for line, (shown, other) in scene.hub.rivals.items()
        if not _is_stale(scene, _agent_age_ns(scene, now, agents[other]), 3 * agents[other].scan_s)
    ]


def _silence_sentences(scene: Scene) -> list[str]:
    """Name the agents of lines on the page that nothing comes from; none while no broker is there."""
    if scene.problems.is_open("broker"):
        return []
    shown = {line.source for line in scene.hub.lines.values()}
    now = scene.clock.now_ns()
    return [
        _silence(agent)
        for agent in scene.hub.agents.values()
        if agent.source in shown and _is_stale(scene, _agent_age_ns(scene, now, agent), 3 * agent.scan_s)
    ]


def _silence(agent: AgentState) -> str:
    at = datetime.fromtimestamp(agent.last_ns / NS, UTC)
    since = f"has sent no record since {at:%H:%M:%S} UTC" if agent.last_ns else "has not sent a record yet"
    if agent.online:
        what = f"is connected but {since}: read the log on its machine."
    else:
        what = f"is not connected and {since}: see that it runs and reaches the broker."
    return f"Agent {_path(agent.source)} {what} What it measured waits on its disk."


def _is_stale(scene: Scene, age_ns: int, interval_s: float) -> bool:
    return age_ns > max(STALE_WALL_S * scene.clock.speed, interval_s) * NS


def _age_ns(scene: Scene, now_ns: int, t_ns: int, told: Told) -> int:
    """Return the age of a state: by data time on a shared clock, by its arrival on clocks of their own.

    What was only found in the journal has nothing but its time; a time ahead of the clock says nothing.
    """
    if not scene.clock.follows:
        return now_ns - t_ns
    return time.monotonic_ns() - told.moment_ns if told.moment_ns else abs(now_ns - t_ns)


def _agent_age_ns(scene: Scene, now_ns: int, agent: AgentState) -> int:
    return _age_ns(scene, now_ns, agent.last_ns, agent.told)


def _age_s(scene: Scene, age_ns: int, t_ns: int) -> float:
    return round(scene.clock.wall_s(age_ns / NS), 3) if t_ns else 0.0


def _agent(scene: Scene, agent: AgentState, now: int) -> types.AgentView:
    return types.AgentView(
        agent=agent.source.agent,
        site=agent.source.site,
        online=agent.online,
        epoch=agent.epoch,
        last_ns=agent.last_ns,
        stale=_is_stale(scene, _agent_age_ns(scene, now, agent), 3 * agent.scan_s),
    )


def _line(scene: Scene, line: LineState, now: int) -> types.LineView:
    scan_s = scene.hub.agents[line.source].scan_s
    compared = _compared_window(line)
    window = line.windows.get(compared)
    age_ns = _age_ns(scene, now, line.t_ns, line.told)
    return types.LineView(
        line=line.info.name,
        title=line.info.title,
        process=line.info.process,
        product=line.info.product,
        site=line.source.site,
        agent=line.source.agent,
        batch_word=line.info.batch_word,
        phases=line.info.phases,
        phase=line.phase,
        batch=line.batch,
        t_ns=line.t_ns,
        age_s=_age_s(scene, age_ns, line.t_ns),
        stale=_is_stale(scene, age_ns, 3 * scan_s),
        factor_set=line.info.factor_set,
        windows={name: window_view(one) for name, one in line.windows.items()},
        compared_window=compared,
        comparisons=running_views(scene.benchmarks, line.info, compared, window) if window else [],
        grades=running_grades(scene.benchmarks, line.info, compared, window) if window else [],
        last_finished=_last_finished(scene, line),
        twins=twin_views(line.info, line.twins),
        why_no_twins=why_no_twins(line.info),
        events=line_event_views(line.events),
    )


def _last_finished(scene: Scene, line: LineState) -> types.FinishedView | None:
    if line.finished is None:
        return None
    return only_comparable(finished_view(scene.benchmarks, line.info, line.finished))


def _compared_window(line: LineState) -> str:
    """Return the most immediate window that is valid, or the most immediate there is."""
    names = [n for n in COMPARED if n in line.windows and (n != "batch" or line.info.batch_word)]
    valid = [n for n in names if is_comparable(line.windows[n].validity)]
    return (valid or names or [""])[0]


def _devices(scene: Scene, agent: AgentState, now: int) -> list[types.DeviceView]:
    views = []
    for d in agent.health.devices if agent.health else []:
        seen_ns, told = scene.hub.devices.get((agent.source, d.name), (0, NOTHING))
        last_ns = seen_ns if told.moment_ns else max(d.last_good_ns, seen_ns)
        views.append(
            types.DeviceView(
                name=d.name,
                agent=agent.source.agent,
                bus=d.bus,
                state=d.state,
                last_good_ns=last_ns,
                requests=d.requests,
                errors=d.errors,
                rtt_ms=d.rtt_ms,
                stale=_is_stale(scene, _age_ns(scene, now, last_ns, told), 3 * agent.scan_s),
            )
        )
    return views


def _series(scene: Scene, one: SeriesState, now: int) -> types.SeriesView:
    return types.SeriesView(
        name=one.info.name,
        unit=one.info.unit,
        device=one.info.device,
        line=one.info.line,
        agent=one.source.agent,
        t_ns=one.t_ns,
        value=one.value,
        quality=one.quality,
        quality_name=quality_text(one.quality),
        stale=_is_stale(scene, _age_ns(scene, now, one.t_ns, one.told), one.info.stale_after_s),
    )


def _path(source: Source) -> str:
    return f"{source.site}/{source.agent}" if source.agent else "an unknown agent"
