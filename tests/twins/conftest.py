"""A kiln of its own, counted by the hour, with its green twins from the shelf."""

from collections.abc import Callable
from pathlib import Path

import pytest

SITE = """
[site]
id = "works"
name = "Works"
[agent]
id = "edge"
[bus.plc]
kind = "tcp"
host = "127.0.0.1"
[device.meter]
bus = "plc"
profile = "meters/eastron_sdm630"
[device.scales]
bus = "plc"
unit = 2
profile = "plcs/demo_kiln_scales"
[device.feeder]
bus = "plc"
unit = 3
profile = "plcs/demo_feeder"
[line.kiln]
title = "Kiln"
process = "clinker_kiln"
nominal_t_per_h = 200.0
{hourly}
[line.kiln.role]
electricity = {{ device = "meter", point = "import_energy_kwh" }}
coal = {{ device = "feeder", point = "fed_t" }}
raw_meal = {{ device = "scales", point = "raw_meal_t" }}
clinker = {{ device = "scales", point = "clinker_t" }}
"""
HOURLY = """
[hourly.grid]
file = "grid.csv"
unit = "kgCO2/kWh"
source = "this test"
"""
TABLE = """from,location,market
2026-03-01T00:00Z,0.10,0.00
2026-03-01T01:00Z,0.40,0.02
"""


@pytest.fixture
def kiln_site(tmp_path: Path) -> Callable[[bool], Path]:
    """Write the site file; with or without a table of hourly grid factors for two hours."""

    def write(hourly: bool) -> Path:
        path = tmp_path / "site.toml"
        text = SITE.format(hourly='hourly = "grid"' if hourly else "")
        path.write_text(text + (HOURLY if hourly else ""), encoding="utf-8")
        (tmp_path / "grid.csv").write_text(TABLE, encoding="utf-8")
        return path

    return write
