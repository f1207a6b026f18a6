"""Reading a real served controller and a serial line once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from greenhearth.sim.background import BackgroundSim
from greenhearth_agent.app import Endpoint
from greenhearth_agent.read import Reading, read_once

FURNACE = """
[site]
id = "works"
name = "Works"
[agent]
id = "edge"
[bus.furnace_plc]
kind = "tcp"
host = "127.0.0.1"
port = 1
[device.furnace]
bus = "furnace_plc"
profile = "plcs/demo_eaf"
"""

KILN = """
[site]
id = "works"
name = "Works"
[agent]
id = "edge"
[bus.kiln_line]
kind = "rtu"
device = "/dev/nothing"
[device.drive]
bus = "kiln_line"
unit = 1
profile = "meters/eastron_sdm630"
points = ["active_power_kw", "frequency_hz"]
[device.coal]
bus = "kiln_line"
unit = 2
profile = "plcs/demo_feeder"
[device.nobody]
bus = "kiln_line"
unit = 9
profile = "plcs/demo_feeder"
points = ["state"]
"""


def by_name(readings: list[Reading]) -> dict[str, Reading]:
    return {reading.series: reading for reading in readings}


def test_a_served_controller_is_read_whole(plc: BackgroundSim, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(FURNACE)
    host, port = plc.endpoint("furnace_plc")
    plc.tell("set furnace.active_power_kw 12345")
    report = asyncio.run(read_once(site, {"furnace_plc": Endpoint(host, port)}))
    found = by_name(report.readings)
    assert report.faults == []
    power = found["furnace.active_power_kw"]
    assert (power.value, power.unit, power.quality) == (12345.0, "kW", "GOOD")
    assert {r.quality for r in report.readings} <= {"GOOD", "SENTINEL"}
    assert isinstance(found["furnace.grade_text"].value, str)


def test_a_served_serial_line_is_read_and_a_silent_unit_is_a_timeout(
    serial_line: BackgroundSim, tmp_path: Path
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(KILN)
    report = asyncio.run(read_once(site, {"kiln_line": Endpoint(device=serial_line.device())}))
    found = by_name(report.readings)
    assert found["drive.frequency_hz"].value == pytest.approx(50, abs=1)
    assert found["coal.state"].quality == "GOOD"
    assert (found["nobody.state"].value, found["nobody.state"].quality) == (None, "TIMEOUT")


def test_a_site_without_its_devices_says_what_stands_in_the_way(
    site_file: Callable[..., Path], unused_port: int
) -> None:
    report = asyncio.run(read_once(site_file(unused_port)))
    assert {r.quality for r in report.readings} == {"NO_LINK", "NOT_READ"}
    assert all(r.value is None for r in report.readings)
    assert f"bus plc: cannot connect to 127.0.0.1:{unused_port}" in report.faults[0]
