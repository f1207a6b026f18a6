"""What the gateway tells Prometheus: the public count, its own parts, and the live intensity of lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from greenhearth.measures import Family, Sample, counter, gauge, histogram, table
from greenhearth.prometheus import render
from greenhearth_gateway.downlink import Downlink
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.transaction import Entry
from greenhearth_gateway.journal.writer import Writer
from greenhearth_gateway.overview import Scene, build_overview
from greenhearth_gateway.store.projection import Projection
from greenhearth_gateway.web import types

MOST_VALUES = 5000
"""Values of lines in one answer: 100 lines of 5 windows and 10 metrics. Those left out are counted."""

STATES: tuple[str, ...] = ("normal", "unack", "ack", "returned_unack")

_Count = tuple[Literal["counter", "gauge"], str, str]
COUNTS: dict[str, _Count] = {
    "measured": ("counter", "items_measured_total", "Items that the agent ever gave a number, by its count."),
    "stored": ("counter", "items_stored_total", "Items in the journal or once in it."),
    "duplicates": ("counter", "items_duplicate_total", "Items that came again and were only acknowledged."),
    "quarantined": ("counter", "items_quarantined_total", "Items refused as data, kept with the reason."),
    "dropped": ("counter", "items_dropped_total", "Items that the agent gave up, by its count."),
    "waiting": ("gauge", "items_waiting", "Items that wait on the agent's disk, by its count."),
    "overlap": ("gauge", "items_in_flight", "Items that are stored and still counted as waiting or dropped."),
    "difference": ("gauge", "items_difference", "Accounting error: above zero items are missing."),
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the gateway that are measured."""

    scene: Scene
    reader: Reader
    inbox: Inbox[Entry]
    writer: Writer
    downlink: Downlink
    projection: Projection | None = None

    def text(self) -> bytes:
        """Return the answer to a scrape."""
        return render(families(self))


def families(parts: Parts) -> list[Family]:
    """Return all families of now."""
    view = build_overview(parts.scene)
    return [
        gauge("greenhearth_build_info", "Version of the program.", 1.0, version=version("greenhearth")),
        *_counts(view.reconciliation),
        *_agents(view),
        *_own(parts),
        *_projection(parts),
        *_problems(parts, view),
        *_lines(view.lines),
    ]


def _counts(counts: Iterable[types.ReconciliationView]) -> list[Family]:
    counts = list(counts)
    return [
        table(
            kind, f"greenhearth_gateway_{name}", text, _by_agent((c.agent, getattr(c, key)) for c in counts)
        )
        for key, (kind, name, text) in COUNTS.items()
    ]


def _agents(view: types.Overview) -> list[Family]:
    counts = view.reconciliation
    late = _by_agent((c.agent, c.backlog.oldest_age_s) for c in counts)
    left = _by_agent((c.agent, c.hours_left * 3600.0) for c in counts if c.hours_left is not None)
    drain = _by_agent((c.agent, c.backlog.drain_s) for c in counts if c.backlog.drain_s is not None)
    online = _by_agent((a.agent, float(a.online)) for a in view.agents)
    stale = _by_agent((a.agent, float(a.stale)) for a in view.agents)
    name = "greenhearth_gateway_agent_"
    return [
        table("gauge", f"{name}oldest_waiting_seconds", "Age of the oldest item that waits there.", late),
        table("gauge", f"{name}outbox_left_seconds", "How long its disk lasts without us.", left),
        table("gauge", f"{name}drain_seconds", "Until nothing waits, at the present rate.", drain),
        table("gauge", f"{name}online", "1 while the agent is connected to the broker.", online),
        table("gauge", f"{name}stale", "1 while no fresh record of it has come.", stale),
    ]


def _own(parts: Parts) -> list[Family]:
    name, writer, inbox = "greenhearth_gateway_", parts.writer, parts.inbox
    return [
        gauge(f"{name}broker_connected", "1 while the MQTT broker is there.", parts.downlink.connected),
        gauge(f"{name}inbox_messages", "Messages before the writer.", len(inbox)),
        counter(f"{name}inbox_refused_total", "Messages left to the agents: full inbox.", inbox.refused),
        counter(f"{name}messages_let_go_total", "Messages left to the agents: full disk.", writer.let_go),
        histogram(f"{name}commit_seconds", "What a commit of the journal took.", writer.commit_s),
        gauge(f"{name}journal_items", "Items in it.", _journal_items(parts.reader)),
        gauge(f"{name}journal_bytes", "Size of the journal's files.", _journal_bytes(parts.reader)),
        counter(f"{name}items_damaged_total", "Items damaged on their way.", parts.scene.hub.damage.total),
    ]


def _journal_items(reader: Reader) -> int:
    """Return how many ids lie between the oldest and the newest item; to count rows would read them all."""
    newest = reader.last_id()
    oldest = reader.rows("SELECT coalesce(min(id), 1) FROM items")
    return newest - int(oldest[0][0]) + 1 if newest and oldest else 0


def _journal_bytes(reader: Reader) -> int:
    files = (reader.path, reader.path.with_name(reader.path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _projection(parts: Parts) -> list[Family]:
    one = parts.projection
    if one is None:
        return []
    behind = parts.reader.last_id() - parts.reader.cursor(one.name)
    name = "greenhearth_gateway_projection_"
    return [
        gauge(f"{name}behind_items", "Items the server does not have yet.", behind, projection=one.name),
        counter(f"{name}refused_total", "Lines the server refused.", one.refused, projection=one.name),
    ]


def _problems(parts: Parts, view: types.Overview) -> list[Family]:
    keys = parts.scene.problems.keys()
    others = len(view.problems) - len(keys)
    open_now = [Sample({"key": key}, 1.0) for key in keys] + [Sample({"key": "others"}, float(others))]
    states = Counter[str](alarm.state for alarm in view.alarms)
    alarms = [Sample({"state": state}, float(states[state])) for state in STATES]
    return [
        table("gauge", "greenhearth_gateway_problems_open", "What a person should see to.", open_now),
        table("gauge", "greenhearth_gateway_alarms", "Configured alarms by state.", alarms),
    ]


def _lines(lines: Iterable[types.LineView]) -> list[Family]:
    """Return what the lines show now; one that is stale has no value, as it has none on the page."""
    values, validity = [], []
    for line in lines:
        for window, one in line.windows.items() if not line.stale else ():
            labels = {"site": line.site, "line": line.line, "window": window}
            validity.append(Sample(labels, float(one.validity)))
            for metric, found in one.metrics.items():
                if found.value is not None:
                    values.append(Sample({**labels, "metric": metric, "unit": found.unit}, found.value))
    left_out = max(0, len(values) - MOST_VALUES)
    return [
        table("gauge", "greenhearth_line_value", "Live metric of a line.", values[:MOST_VALUES]),
        table("gauge", "greenhearth_line_validity", "0 valid; see the page.", validity[:MOST_VALUES]),
        gauge("greenhearth_line_values_left_out", "Values beyond the most in one answer.", left_out),
    ]


def _by_agent(pairs: Iterable[tuple[str, float]]) -> list[Sample]:
    return [Sample({"agent": agent}, float(value)) for agent, value in pairs]
