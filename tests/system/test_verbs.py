"""Verbs that a person uses before a cable is trusted, against running plants."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenhearth_cli.supervise import Family

from .conftest import GATEWAY, SITE

HISTORY = Path(os.environ.get("GREENHEARTH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def greenhearth(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    whole = [sys.executable, "-m", "greenhearth_cli", *argv]
    return subprocess.run(whole, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def plants(tmp_path: Path) -> Iterator[Family]:
    """Running plants; their ready file is ``sim.json`` in the folder."""
    family = Family(tmp_path)
    family.start("sim", ["sim"])
    family.ready("sim", 30)
    yield family
    family.end_all(())


def _read(plants: Family, *more: str) -> subprocess.CompletedProcess[str]:
    return greenhearth("agent", "read", str(SITE), "--endpoints", str(plants.folder / "sim.json"), *more)


def test_read_shows_every_point_of_every_meter_with_unit_and_quality(plants: Family) -> None:
    """Over TCP and over the serial line, in one scan."""
    done = _read(plants, "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["faults"] == []
    readings = {(one["device"], one["point"]): one for one in report["readings"]}
    assert len({device for device, _ in readings}) == 6
    energy = readings["furnace_plc_1", "active_energy_kwh"]
    assert (energy["unit"], energy["quality"]) == ("kWh", "GOOD")
    assert energy["value"] > 1e6
    assert readings["kiln_drive_meter", "active_power_kw"]["quality"] == "GOOD"
    good = [one for one in report["readings"] if one["quality"] == "GOOD"]
    assert len(good) > 0.95 * len(report["readings"])
    assert all((one["value"] is None) == (one["quality"] != "GOOD") for one in report["readings"])


def test_read_prints_a_table_for_people(plants: Family) -> None:
    """One row for each point."""
    done = _read(plants)
    assert done.returncode == 0, done.stderr
    for word in ("furnace_plc_1", "coal_feeder", "GOOD", "kWh"):
        assert word in done.stdout


def test_a_meter_that_cannot_be_reached_is_told_and_ends_with_1(plants: Family) -> None:
    """The others are read all the same."""
    ready = json.loads((plants.folder / "sim.json").read_text())
    ready["endpoints"]["kiln_line"]["device"] = "/dev/no-such-port"
    (plants.folder / "sim.json").write_text(json.dumps(ready))
    done = _read(plants, "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert any("/dev/no-such-port" in fault for fault in report["faults"])
    qualities = {one["device"]: one["quality"] for one in report["readings"]}
    assert qualities["coal_feeder"] == "NO_LINK"
    assert qualities["potline_plc_1"] == "GOOD"


def test_gateway_check_tells_what_it_has_read() -> None:
    """As a document and as a table."""
    report = json.loads(greenhearth("gateway", "check", str(GATEWAY), "--json").stdout)
    assert report["gateway"] == "demo"
    assert len(report["alarms"]) == 3
    assert report["benchmarks"] > 20
    assert "furnace_energy_high" in greenhearth("gateway", "check", str(GATEWAY)).stdout


def test_history_of_a_real_works_comes_out_to_the_kilowatt_hour() -> None:
    """The total of half a year of quarters of an hour, 521 199.76 kWh; the bar is 0.1 %."""
    file = HISTORY / "steel_works_15min.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not here; name its folder in GREENHEARTH_DATA")
    done = greenhearth("history", str(file), "--site", str(SITE.parent / "steel_works.toml"), "--json")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)["lines"]
    assert line["electricity_kwh"] == pytest.approx(521_199.76, rel=1e-3)
