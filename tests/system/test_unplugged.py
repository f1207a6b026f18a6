"""Unplug a meter, a port, an address, the agent: said on the page and once in the log, the rest goes on."""

import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from greenhearth_cli.page import Page
from greenhearth_gateway.web.types import DeviceView, Overview

from ..programs import free_port
from .conftest import Works, until

ON_THE_WAY = 120
"""Items that may wait at any moment at a hundred times life: two seconds' worth, acks take their time."""

SOON_S = 30.0
"""Far more than any of it takes, for a machine that has other work."""


@pytest.fixture
def page(works: Works) -> Page:
    """Page of works whose gateway runs and whose agent does not yet."""
    return works.start_gateway()


def _tell(works: Works, line: str) -> None:
    control = works.sim["control"]
    with socket.create_connection((control["host"], control["port"]), 5) as link:
        link.sendall(f"{line}\n".encode())
        assert link.recv(100).startswith(b"ok")


def _device(page: Page, name: str) -> DeviceView:
    return next(one for one in page.overview().devices if one.name == name)


def _says(page: Page, pattern: str) -> str:
    """Return the problem on the page that matches, '' if there is none."""
    return next((one for one in page.overview().problems if re.search(pattern, one)), "")


def _fresh(shown: Overview, *lines: str) -> bool:
    found = {one.line: one for one in shown.lines}
    return all(line in found and found[line].t_ns and not found[line].stale for line in lines)


def _logged(works: Works, name: str, text: str) -> int:
    return (works.folder / f"{name}.log").read_text().count(text)


def _end_and_count(works: Works) -> None:
    """End agent and gateway; nothing may be lost or doubled.

    What was on its way when something was unplugged is sent again after 5 s; it may still wait,
    and is counted as waiting.
    """
    works.family.end("agent")
    works.family.end("gateway")
    count = works.count()
    assert count.closes, count
    assert (count.quarantined, count.dropped) == (0, 0), count
    assert count.stored > 5, count


def test_a_page_without_data_is_whole_and_fills_by_itself(works: Works, page: Page) -> None:
    """Opened before the first data: no lines, no problem, and then all lines."""
    empty = page.overview()
    assert (empty.lines, empty.devices, empty.problems) == ([], [], [])
    works.start_agent()
    until(lambda: _fresh(page.overview(), "furnace", "kiln", "cell"), SOON_S, "all lines on the page")
    assert page.overview().problems == []


def test_a_mute_meter_is_named_with_its_place_and_the_others_are_read_on(works: Works, page: Page) -> None:
    """One of four meters of the kiln's serial line falls silent and comes back."""
    works.start_agent()
    until(lambda: _fresh(page.overview(), "kiln"), SOON_S, "the kiln on the page")
    _tell(works, "mute kiln_line 2")
    said = until(lambda: _says(page, "coal_feeder"), SOON_S, "the problem on the page")
    port = re.escape(works.sim["endpoints"]["kiln_line"]["device"])
    assert re.search(rf"device coal_feeder \(unit 2 on bus kiln_line\) does not answer at {port}: see", said)
    assert _device(page, "coal_feeder").state == "down"
    assert _fresh(page.overview(), "furnace", "kiln", "cell")
    for other in ("kiln_drive_meter", "alternative_fuel_feeder", "kiln_scales", "furnace_plc_1"):
        assert (_device(page, other).state, _device(page, other).stale) == ("ok", False)
    _tell(works, "unmute kiln_line 2")
    until(lambda: _device(page, "coal_feeder").state == "ok", SOON_S, "the meter is back")
    until(lambda: not page.overview().problems, SOON_S, "the problem is over")
    assert _logged(works, "agent", "coal_feeder on bus kiln_line is down") == 1
    assert _logged(works, "agent", "coal_feeder on bus kiln_line answers again") == 1
    _end_and_count(works)


def test_a_missing_port_and_a_refusing_host_are_named_and_the_furnace_goes_on(
    works: Works, page: Page
) -> None:
    """Two of three buses are not there from the beginning."""
    ready = works.folder / "sim.json"
    plants = json.loads(ready.read_text())
    plants["endpoints"]["kiln_line"]["device"] = "/dev/ttyNOTHERE7"
    port = plants["endpoints"]["potline_plc"]["port"] = free_port()
    ready.write_text(json.dumps(plants))
    works.start_agent()
    until(lambda: _says(page, "kiln_line") and _says(page, "potline_plc"), SOON_S, "both on the page")
    said = _says(page, "kiln_line")
    assert "bus kiln_line: the serial port /dev/ttyNOTHERE7 does not exist: plug" in said
    assert "there is" in said or "no serial port" in said
    said = _says(page, "potline_plc")
    assert f"bus potline_plc: cannot connect to 127.0.0.1:{port} (Connection refused): see" in said
    assert "[bus.potline_plc]" in said
    until(lambda: _fresh(page.overview(), "furnace"), SOON_S, "the furnace goes on")
    assert (_device(page, "furnace_plc_1").state, _device(page, "kiln_scales").state) == ("ok", "down")
    until(lambda: _logged(works, "agent", "device kiln_scales on bus kiln_line is down"), SOON_S, "log")
    assert _logged(works, "agent", "trying again until it answers") == 2
    _end_and_count(works)


def test_a_broker_that_is_away_at_the_start_and_again_later_loses_nothing(
    works: Works, page: Page, broker: Any
) -> None:
    """Everything measured meanwhile comes afterwards, in its place."""
    broker.kill()
    away = rf"MQTT broker at 127\.0\.0\.1:{broker.port} cannot be reached: .* Check that it runs"
    works.start_agent()
    for again in (True, False):
        until(lambda: _says(page, away), SOON_S, "the broker is missed")
        broker.start()
        until(lambda: not page.overview().problems, SOON_S, "the broker is back")
        until(lambda: _fresh(page.overview(), "furnace", "kiln", "cell"), SOON_S, "live again")
        until(lambda: _measured(page), SOON_S, "the agent's count")
        if again:
            broker.kill()
    assert _logged(works, "agent", f"the broker at 127.0.0.1:{broker.port} is away") >= 2
    before = _measured(page)
    until(lambda: _measured(page) > before > 0 and _waiting(page) < ON_THE_WAY, SOON_S, "everything stored")
    _end_and_count(works)


def _measured(page: Page) -> int:
    return sum(one.measured for one in page.overview().reconciliation)


def _waiting(page: Page) -> int:
    return sum(one.waiting for one in page.overview().reconciliation)


@pytest.fixture
def frozen(works: Works, page: Page) -> Iterator[int]:
    """Process id of an agent that has just been stopped, as by a machine that hangs."""
    works.start_agent()
    until(lambda: _fresh(page.overview(), "furnace"), SOON_S, "the furnace on the page")
    pid = works.family.children["agent"].process.pid
    os.kill(pid, signal.SIGSTOP)
    yield pid
    with contextlib.suppress(ProcessLookupError):  # the test has ended it
        os.kill(pid, signal.SIGCONT)


def test_an_agent_that_hangs_is_stale_and_named_and_comes_back(works: Works, page: Page, frozen: int) -> None:
    """First only silent, then given up by the broker; both are told apart."""
    until(lambda: _says(page, "demo/edge1 is connected but has sent no record since"), SOON_S, "silent")
    assert all(line.stale for line in page.overview().lines)
    said = until(lambda: _says(page, "demo/edge1 is not connected"), SOON_S, "given up by the broker")
    assert re.search(r"no record since \d\d:\d\d:\d\d UTC: see that it runs", said)
    os.kill(frozen, signal.SIGCONT)
    until(lambda: _fresh(page.overview(), "furnace", "kiln", "cell"), SOON_S, "live again")
    until(lambda: not page.overview().problems, SOON_S, "no problem left")
    _end_and_count(works)
