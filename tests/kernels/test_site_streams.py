"""What a site file makes of its streams: which metrics travel, and which roles share a meter's error."""

import math
from pathlib import Path

import numpy as np
import pytest

from greenhearth.coefficients import Coefficient
from greenhearth.engine import Engine
from greenhearth.error_sources import StreamWeight, used_metrics
from greenhearth.metrics import METRIC_UNITS
from greenhearth.metrics import METRICS as ALL
from greenhearth.model import build_model
from greenhearth.shelf import configs_root
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


def test_a_line_has_no_figure_for_what_only_another_line_of_its_site_has():
    """The aluminium cell burns no fuel: none, not zero."""
    engine = Engine(build_model(load_site(configs_root() / "sites" / "demo.toml")))
    n, names = len(engine.model.series), [line.name for line in engine.model.lines]
    none = np.full(n, np.nan), np.zeros(n, np.int64), np.zeros(n, np.int32), np.zeros(n, np.int32)
    results = engine.apply_readings(int(T0 * 1e9), *none).results
    hour = {names[one.l]: dict(zip(engine.metrics, one.x, strict=True)) for one in results if one.w == 2}
    doubt = {names[one.l]: dict(zip(engine.metrics, one.u, strict=True)) for one in results if one.w == 2}

    assert hour["kiln"]["fuel_kwh"] == 0.0
    assert (hour["cell"]["fuel_kwh"], doubt["cell"]["fuel_kwh"]) == (None, None)
    assert hour["cell"]["electricity_kwh"] == 0.0


def test_a_market_total_is_not_told_where_a_lines_electricity_has_no_such_factor():
    place = StreamWeight([Coefficient("co2_electricity_kg", 0.5)])
    both = StreamWeight(
        [Coefficient("co2_electricity_kg", 0.5), Coefficient("co2_electricity_market_kg", 0.1)]
    )
    market = ALL.index("co2_total_market_kg_per_t")

    assert market not in used_metrics([place])
    assert market in used_metrics([both])
