"""Hourly grid factors that end soon, have ended or lack the hour of now are said while it can be mended."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from greenhearth.clock import Clock
from greenhearth.site import Site, load_site
from greenhearth_agent.grid_hours import grid_hour_problems
from greenhearth_agent.health import Reporter
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.spool import Spool

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 100
GAP = 20
SITE = """
[site]
id = "w"
name = "Works"
[agent]
id = "a"
[bus.b]
kind = "tcp"
host = "h"
[device.m]
bus = "b"
profile = "meters/eastron_sdm630"
[hourly.north]
file = "north.csv"
unit = "kgCO2/kWh"
source = "a test"
[hourly.unused]
file = "north.csv"
unit = "kgCO2/kWh"
source = "a test"
[line.mill]
title = "Mill"
process = "electricity_only"
hourly = "north"
[line.mill.role]
electricity = { device = "m", point = "import_energy_kwh" }
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A line with a table of 100 hours that lacks the twentieth; a second table is used by nobody."""
    rows = [f"{FIRST + timedelta(hours=h):%Y-%m-%dT%H:%MZ},0.5" for h in range(HOURS) if h != GAP]
    (tmp_path / "north.csv").write_text("\n".join(["from,location", *rows]) + "\n")
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return load_site(path)


def _told(site: Site, hour: float) -> str:
    found = grid_hour_problems(site, int((FIRST + timedelta(hours=hour)).timestamp()) * 1_000_000_000)
    assert len(found) <= 1
    return found[0] if found else ""


def test_a_table_that_reaches_two_days_ahead_is_no_problem(site: Site) -> None:
    assert _told(site, 0.0) == ""
    assert _told(site, HOURS - 48.1) == ""


def test_a_table_that_ends_within_two_days_is_said_with_its_end_and_what_follows(site: Site) -> None:
    assert _told(site, HOURS - 48.0) == (
        "the grid factors of [hourly.north] (line mill) end at 2026-03-05 04:00 UTC: electricity after that "
        "is counted with the yearly factor and marked PARTIAL; put newer hours into its file"
    )


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (GAP + 0.5, "lack the hour from 2026-03-01 20:00 UTC: its electricity is counted with the yearly"),
        (HOURS, "ended at 2026-03-05 04:00 UTC: electricity since then is counted with the yearly"),
        (-1.0, "begin at 2026-03-01 00:00 UTC: electricity before that is counted with the yearly"),
    ],
)
def test_an_hour_that_is_not_in_the_table_is_said(site: Site, hour: float, words: str) -> None:
    assert words in _told(site, hour)


def test_the_agent_says_so_in_its_health(site: Site, tmp_path: Path) -> None:
    """A day after the table's end."""
    after = int((FIRST + timedelta(hours=HOURS + 24)).timestamp()) * 1_000_000_000
    outbox = Outbox(tmp_path / "outbox", 1_000_000)
    outbox.open()
    silent = SimpleNamespace(problems=list)
    clock = Clock(after, time.monotonic_ns(), 1.0)
    pipeline = cast(Any, SimpleNamespace(clock=clock, pollers=[], keeping=silent))
    reporter = Reporter(site, cast(Any, None), pipeline, Spool(outbox, 1, lambda *_: None), outbox)
    (told,) = reporter.problems()
    outbox.close()
    assert told.startswith("the grid factors of [hourly.north] (line mill) ended at 2026-03-05 04:00 UTC")
