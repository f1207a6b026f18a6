"""A works with one line whose electricity is counted by the hour, as files in a temporary folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

SITE = """
[site]
id = "s"
name = "S"
[agent]
id = "a"
[bus.one]
kind = "tcp"
host = "127.0.0.1"
[device.meter]
bus = "one"
profile = "meters/siemens_pac3200"
[device.counter]
bus = "one"
unit = 2
profile = "plcs/demo_kiln_scales"
[line.kiln]
title = "Kiln"
process = "electricity_only"
hourly = "grid"
[line.kiln.factors]
grid = "grid.cn.national.2023"
[line.kiln.role]
electricity = { device = "meter", point = "import_energy_kwh" }
produced = { device = "counter", point = "clinker_t" }
[hourly.grid]
file = "grid.csv"
unit = "kgCO2/kWh"
source = "this test"
uncertainty_percent = 4.0
"""

TABLE = """from,location,market
2026-03-01T00:00Z,0.10,0.00
2026-03-01T01:00Z,0.40,0.02
2026-03-01T02:00Z,0.70,0.04
2026-03-01T04:00Z,0.20,0.06
"""


@pytest.fixture
def works(tmp_path: Path) -> Callable[..., Path]:
    """Write the site and its table, with one text replaced in either; return the site file."""

    def write(site: tuple[str, str] = ("", ""), table: tuple[str, str] = ("", "")) -> Path:
        assert site[0] in SITE
        assert table[0] in TABLE
        path = tmp_path / "site.toml"
        path.write_text(SITE.replace(*site) if site[0] else SITE, encoding="utf-8")
        text = TABLE.replace(*table) if table[0] else TABLE
        (tmp_path / "grid.csv").write_text(text, encoding="utf-8")
        return path

    return write
