"""What a site file makes of its streams: which metrics travel, and which roles share a meter's error."""

import math
from pathlib import Path

import pytest

from greenhearth.engine import Engine
from greenhearth.metrics import METRIC_UNITS
from greenhearth.metrics import METRICS as ALL
from greenhearth.model import build_model
from greenhearth.site import load_site

from .conftest import BLOCKS, METRICS, Bench

T0 = 1_700_006_400.0


def test_results_hold_only_the_metrics_that_some_line_of_the_site_has(bench):
    result = bench.scan(T0, number=1).results[0]

    assert bench.engine.metrics == METRICS
    assert bench.engine.metric_units == [METRIC_UNITS[ALL.index(name)] for name in METRICS]
    assert len(result.x) == len(result.u) == len(METRICS)
    assert not [name for name in bench.engine.metrics if "heat" in name]


def test_finished_windows_name_the_same_metrics(bench):
    bench.scan(T0, number=1)
    events = bench.scan(T0 + 900, work=10).events

    assert [list(e.metrics) for e in events if e.window == "15min"] == [METRICS, METRICS]


def half_width(shelf: Path, folder: Path, **meters: str) -> float:
    """Interval of the CO2 of 600 kWh and 600 Nm3 with these meters on the roles."""
    text = (shelf / "site.toml").read_text()
    for role, name in meters.items():
        found = next(row for row in text.splitlines() if row.startswith(f"{role} = {{"))
        text = text.replace(found, found.replace(" }", f', meter = "{name}" }}'))
    (folder / "site.toml").write_text(text)
    bench = Bench(Engine(build_model(load_site(folder / "site.toml")), BLOCKS))
    for k in range(61):
        window = bench.scan(T0 + k, number=1, work=10 * k, gas=10 * k).results[2]
    return window.u[METRICS.index("co2_total_kg")]


def test_roles_with_the_same_meter_share_its_error(shelf, tmp_path):
    """600 kWh x 0.5 kg and 600 Nm3 x 2 kg, errors 0.5 % and 2 % as rectangles, the factor's 2 % apart."""
    work, gas, factor = 300 * 0.005 / math.sqrt(3), 1200 * 0.02 / math.sqrt(3), 1200 * 0.02

    apart = half_width(shelf, tmp_path)
    shared = half_width(shelf, tmp_path, work="cabinet", gas="cabinet")
    two = half_width(shelf, tmp_path, work="cabinet", gas="gas skid")

    assert apart == pytest.approx(2 * math.hypot(work, gas, factor), rel=0.005)
    assert shared == pytest.approx(2 * math.hypot(work + gas, factor), rel=0.005)
    assert two == apart
