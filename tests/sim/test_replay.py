"""A historian's file behind the replay registers, on a real TCP port."""

import math
import struct
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from greenhearth.clock import NS, Clock
from greenhearth.sim.app import SimOptions
from greenhearth.sim.background import BackgroundSim

SITE = """
[history]
time_column = "on"
end_column = "off"
batch_column = "heat"
[history.columns.mw]
point = "historian.column01_total_kwh"
means = "mean_over_period"
scale = 1000.0
[history.columns.oxygen]
point = "historian.column02_value"
means = "interval_amount"
"""
ROWS = """heat,on,off,oxygen,mw
48,2024-03-01 08:00:00,2024-03-01 08:06:00,120,2
49,2024-03-01 08:30:00,2024-03-01 08:36:00,oops,1
"""
EIGHT = 1_709_280_000 * NS


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    csv, site = tmp_path / "heats.csv", tmp_path / "site.toml"
    csv.write_text(ROWS)
    site.write_text(SITE)
    return csv, site


def look(running: BackgroundSim) -> tuple[list[float], int]:
    """Return value and total of the first three columns, and the heat number."""
    host, port = running.endpoint("historian")
    client = ModbusTcpClient(host, port=port, timeout=3, retries=0)
    words = client.read_holding_registers(0, count=24, device_id=1).registers
    heat = client.read_holding_registers(128, count=2, device_id=1).registers
    assert client.read_holding_registers(130, count=1, device_id=1).exception_code == 2
    client.close()
    return list(struct.unpack(">6d", struct.pack(">24H", *words))), heat[0] << 16 | heat[1]


def options(files: tuple[Path, Path], **more: object) -> SimOptions:
    return SimOptions(replay=files[0], site=files[1], **more)  # type: ignore[arg-type]


def test_columns_come_in_the_order_of_the_site_file_at_the_clocks_time(files: tuple[Path, Path]) -> None:
    with BackgroundSim(options(files, clock=Clock.fast(1e-6, EIGHT + 180 * NS))) as running:
        shown, heat = look(running)
    assert shown[:4] == pytest.approx([2000.0, 100.0, 120.0, 60.0], rel=1e-6)
    assert math.isnan(shown[4])
    assert math.isnan(shown[5])
    assert heat == 48


def test_a_bad_cell_is_nan_on_the_wire_and_the_other_column_goes_on(files: tuple[Path, Path]) -> None:
    with BackgroundSim(options(files, clock=Clock.fast(1e-6, EIGHT + 33 * 60 * NS))) as running:
        shown, heat = look(running)
    assert shown[:2] == pytest.approx([1000.0, 250.0], rel=1e-6)
    assert math.isnan(shown[2])
    assert math.isnan(shown[3])
    assert heat == 49


def test_without_a_clock_the_replay_starts_where_the_file_begins(files: tuple[Path, Path]) -> None:
    with BackgroundSim(options(files, speed=2.0)) as running:
        assert running.clock.speed == 2.0
        assert abs(running.clock.now_ns() - EIGHT) < 60 * NS


def test_a_replay_needs_a_site_file(files: tuple[Path, Path]) -> None:
    with (
        pytest.raises(ValueError, match="needs the site file"),
        BackgroundSim(SimOptions(replay=files[0])),
    ):
        pass
