"""The public count with real processes: hour by hour across kills, and as Prometheus reads it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from greenhearth_cli.page import Page

from ..programs import free_port
from .conftest import SITE, Works, until

SPEED = 240.0
"""An hour in 15 s."""
KEYS = {
    "measured": "items_measured_total",
    "stored": "items_stored_total",
    "duplicates": "items_duplicate_total",
    "quarantined": "items_quarantined_total",
    "dropped": "items_dropped_total",
    "waiting": "items_waiting",
    "difference": "items_difference",
}
Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def fast(broker: Any, tmp_path: Path) -> Iterator[Works]:
    """Works whose hours last 15 s."""
    one = Works(tmp_path, (broker.host, broker.port), SPEED)
    yield one
    one.family.end_all(("agent", "gateway", "sim"))


def start_agent(works: Works, *more: str) -> None:
    where = ["--endpoints", str(works.folder / "sim.json"), "--data", str(works.folder / "agent")]
    works.family.start("agent", ["agent", "run", str(SITE), *where, *works.shared, *more])
    works.family.ready("agent", 90)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def scrape(url: str) -> Metrics:
    families = text_string_to_metric_families(get(f"{url}/metrics").decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(found: Metrics, name: str, **labels: str) -> float:
    return found[(name, frozenset(labels.items()))]


def ask(page: Page, path: str) -> Any:
    return json.loads(get(f"{page.address}/api/v1/{path}"))


def listening(pid: int) -> set[str]:
    """Return the local addresses at which a process listens, as the kernel writes them."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(fd).removeprefix("socket:[").rstrip("]"))
        except FileNotFoundError:
            continue  # closed meanwhile
    tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


def at_rest(page: Page) -> tuple[dict[str, Any], Metrics]:
    """Return the count and the scrape between two equal counts."""
    while True:
        before, found, after = ask(page, "reconciliation"), scrape(page.address), ask(page, "reconciliation")
        if before and [before[0][key] for key in KEYS] == [after[0][key] for key in KEYS]:
            return after[0], found


def closed_hours(page: Page) -> list[dict[str, Any]]:
    (one,) = ask(page, "reconciliation/hours?agent=edge1") or [{"hours": []}]
    return [hour for hour in one["hours"] if not hour["running"]]


def all_close(page: Page) -> None:
    """Wait until nothing of an hour that is over waits or is missing; a failure shows what is.

    What a kill -9 caught between its number and the disk is counted as dropped.
    """
    deadline = time.monotonic() + 60
    while off := [hour for hour in closed_hours(page) if hour["waiting"] or hour["difference"]]:
        assert time.monotonic() < deadline, (off, ask(page, "reconciliation"))
        time.sleep(0.2)  # asked again until the deadline


def test_every_hour_closes_across_kills_of_agent_and_gateway_and_prometheus_reads_the_same(
    fast: Works,
) -> None:
    page, port = fast.start_gateway(), free_port()
    start_agent(fast, "--metrics", f"127.0.0.1:{port}")
    until(lambda: len(closed_hours(page)) >= 1, 60, "the first hour has been told")
    agent = scrape(f"http://127.0.0.1:{port}")
    fast.kill("agent")
    measured = value(agent, "greenhearth_agent_items_measured_total")
    assert measured > 100
    assert value(agent, "greenhearth_agent_broker_connected") == 1.0
    assert value(agent, "greenhearth_agent_commit_seconds_count") > 3
    assert value(agent, "greenhearth_agent_requests_total", device="furnace_plc_1") > 10

    count, found = at_rest(page)
    for key, name in KEYS.items():
        assert value(found, f"greenhearth_gateway_{name}", agent="edge1") == count[key], name
    assert value(found, "greenhearth_gateway_journal_items") == count["stored"]
    assert count["difference"] == 0
    assert count["stored"] >= measured - count["waiting"]

    fast.kill("gateway")
    start_agent(fast)
    page = fast.start_gateway()
    until(lambda: len(closed_hours(page)) >= 3, 90, "two more hours have been told")
    all_close(page)
    fast.kill("gateway")
    page = fast.start_gateway()  # what is over is known without the agent's help
    until(lambda: len(closed_hours(page)) >= 3, 30, "hours come from the journal")
    until(lambda: bool(ask(page, "reconciliation")), 30, "the agent has counted")
    all_close(page)
    fast.family.end("agent")
    count, _ = at_rest(page)
    (hours,) = ask(page, "reconciliation/hours")
    assert (count["difference"], count["closes"], count["missing"]) == (0, True, "")
    for key in ("measured", "stored", "dropped", "quarantined"):
        assert sum(hour[key] for hour in hours["hours"]) == count[key], key
    assert count["dropped"] < 30, "more than a kill can catch"
    fast.family.end("gateway")
    assert fast.count().measured == count["measured"]
    assert fast.count().closes


def test_an_agent_that_is_not_asked_for_metrics_opens_no_port_and_loads_no_library(fast: Works) -> None:
    start_agent(fast)
    pid = fast.family.children["agent"].process.pid
    assert listening(pid) == set()
    port = free_port()
    fast.kill("agent")
    start_agent(fast, "--metrics", f"127.0.0.1:{port}")
    pid = fast.family.children["agent"].process.pid
    until(lambda: listening(pid) == {f"0100007F:{port:04X}"}, 15, "the one port is open")


def test_importing_the_agent_does_not_import_the_metrics_library() -> None:
    code = "import sys, greenhearth_agent.app; sys.exit('prometheus_client' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
