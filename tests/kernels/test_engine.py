"""The step as a whole: energy, batches, windows, validity, uncertainty, restart, history."""

import math
import shutil

import numpy as np
import pytest

from greenhearth.clock import NS
from greenhearth.engine import Engine
from greenhearth.model import Model, build_model
from greenhearth.quality import Quality, Validity
from greenhearth.site import load_site
from greenhearth.wire import Record, WindowResult

from .conftest import BLOCKS, METRICS, WORKS, Bench

T0 = 1_700_006_400.0
"""A whole hour, so that windows begin with it."""


def metric(result, name: str) -> float:
    """Value of one metric of a window result or of a finished event."""
    if isinstance(result, WindowResult):
        return result.x[METRICS.index(name)]
    return result.metrics[name].value


def run_heat(bench, seconds: int = 600, number: int = 7, start: float = T0, base: int = 0) -> list:
    """One heat at 36 MW (10 kWh/s) with gas, 100 t charged at once and 80 t made at the end."""
    events = []
    for k in range(seconds + 1):
        made = 80_000 * max(0, k - seconds + 100) // 100
        scan = bench.scan(
            start + k, number=number, work=base + 1000 + 10 * k, power=36000.0, gas=500 + k,
            charge=base + (100_000 if k else 0), made=base + made, current=400.0, cell_work=5000 + 2 * k,
            v1=4200, v2=4200, v3=4200, v4=65535,
        )  # fmt: skip
        events += scan.events
    return events


def test_a_finished_heat_has_the_energy_of_its_counters(bench):
    run_heat(bench)
    scan = bench.scan(T0 + 601, number=8)

    (event,) = [e for e in scan.events if e.what == "batch_finished"]

    assert event.batch == "7"
    assert metric(event, "electricity_kwh") == 6000.0
    assert metric(event, "fuel_kwh") == 6000.0
    assert metric(event, "energy_kwh_per_t") == pytest.approx(12000 / 80)
    assert metric(event, "energy_gj_per_t") == pytest.approx(12000 / 80 * 0.0036)
    assert metric(event, "kgce_per_t") == pytest.approx(6000 * 0.1229 / 80)
    assert metric(event, "co2_fuel_kg_per_t") == pytest.approx(600 * 2.0 / 80)
    assert metric(event, "co2_scope2_kg_per_t") == pytest.approx(3000 / 80)
    assert metric(event, "co2_total_kg_per_t") == pytest.approx(4200 / 80)
    assert event.validity == Validity.START_UNSEEN


def test_the_second_heat_is_valid_because_its_start_was_seen(bench):
    run_heat(bench)
    run_heat(bench, number=8, start=T0 + 601, base=80_000)
    scan = bench.scan(T0 + 1202, number=9)

    (event,) = [e for e in scan.events if e.what == "batch_finished"]

    assert event.validity == Validity.VALID
    assert event.coverage == pytest.approx(1.0, abs=0.01)


def test_the_running_heat_estimates_its_product_from_the_charge(bench):
    run_heat(bench, seconds=300)
    running = bench.scan(T0 + 301).results[0]

    assert running.v == Validity.START_UNSEEN
    assert metric(running, "product_t") == pytest.approx(80.0)
    assert metric(running, "electricity_kwh_per_t") == pytest.approx(3000 / 90)


def test_power_integrates_to_the_counter(bench):
    run_heat(bench)

    assert bench.engine.balances()["furnace.power"] == pytest.approx(0.0, abs=1e-9)


def test_megawatts_balance_with_kilowatt_hours(tmp_path, monkeypatch):
    shelf = shutil.copytree(WORKS, tmp_path / "shelf")
    monkeypatch.setenv("GREENHEARTH_CONFIGS", str(shelf))
    for name, old, new in (
        ("plcs/bench.toml", 'power_kw]\naddress = 3\ntype = "float32"\nunit = "kW"',
         'power_mw]\naddress = 3\ntype = "float32"\nunit = "MW"\nscale = 0.001'),
        ("site.toml", "power_kw", "power_mw"),
    ):  # fmt: skip
        text = (shelf / name).read_text()
        assert old in text
        (shelf / name).write_text(text.replace(old, new))
    bench = Bench(Engine(build_model(load_site(shelf / "site.toml")), BLOCKS))
    run_heat(bench)

    assert bench.engine.balances()["furnace.power"] == pytest.approx(0.0, abs=1e-6)


def test_an_hour_closes_with_the_energy_of_its_hour(bench):
    run_heat(bench, seconds=60)
    events = []
    for k in range(61, 3700):
        events += bench.scan(T0 + k, work=1000 + 10 * k).events
    hours = [e for e in events if e.window == "1h" and e.subject == "furnace"]
    quarters = [e for e in events if e.window == "15min" and e.subject == "furnace"]

    assert [metric(e, "electricity_kwh") for e in hours] == [pytest.approx(36000.0)]
    assert sum(metric(e, "electricity_kwh") for e in quarters) == pytest.approx(36000.0)
    assert [(e.start_ns, e.end_ns) for e in hours] == [(int(T0 * 1e9), int((T0 + 3600) * 1e9))]


def test_a_boundary_inside_an_interval_splits_its_energy(bench):
    bench.scan(T0 + 890, work=0, number=1)
    events = bench.scan(T0 + 910, work=20).events
    (quarter,) = [e for e in events if e.window == "15min" and e.subject == "furnace"]
    rest = bench.scan(T0 + 1810, work=20).events
    (next_quarter,) = [e for e in rest if e.window == "15min" and e.subject == "furnace"]

    assert metric(quarter, "electricity_kwh") == pytest.approx(10.0)
    assert metric(next_quarter, "electricity_kwh") == pytest.approx(10.0)


def test_a_gap_in_the_counter_loses_no_energy_but_a_gap_in_power_is_not_covered(bench):
    bench.scan(T0, work=0, power=36000.0, number=1)
    bench.scan(T0 + 120, work=1200, power=36000.0)
    window = bench.scan(T0 + 121, work=1210, power=36000.0).results[2]

    assert metric(window, "electricity_kwh") == pytest.approx(1210)
    assert bench.engine._state.sum_c[2, 2] == pytest.approx(1e9)


def test_a_bad_scan_changes_coverage_and_no_energy(bench):
    run_heat(bench, seconds=10)
    bench.q[0] = int(Quality.TIMEOUT)
    blocks = bench.scan(T0 + 11, work=999_999).blocks
    bench.q[0] = 0
    window = bench.scan(T0 + 12, work=1120).results[1]

    assert blocks[0].x == [None] * 6
    assert blocks[0].q == [int(Quality.TIMEOUT)] * 6
    assert metric(window, "electricity_kwh") == pytest.approx(120.0)


def test_intensity_does_not_explode_at_near_zero_product(bench):
    for k in range(900):
        window = bench.scan(T0 + k, number=1, work=10 * k, made=k // 500).results[1]

    assert metric(window, "product_t") == pytest.approx(0.001)
    assert window.v == Validity.PRODUCT_ZERO
    assert metric(window, "energy_kwh_per_t") is None


def test_live_and_replayed_readings_agree_to_the_last_bit(bench, model: Model):
    other = Engine(model)
    rng = np.random.default_rng(4)
    work = 0
    for k in range(2000):
        work += int(rng.integers(0, 20))
        bench.q[0] = int(Quality.TIMEOUT) if rng.random() < 0.05 else 0
        t = T0 + k + rng.random() * 0.3
        live = bench.scan(
            t, number=k // 700, work=work, power=rng.random() * 4e4, made=work * 3, charge=work * 4,
            current=400 + rng.random(), v1=rng.integers(4000, 9000), v2=4100, v3=4200, v4=65535,
        )  # fmt: skip
        again = other.apply(Record(1, k + 1, round(t * 1e9), 1, live.blocks, []))

        assert again.results == live.results
        assert again.events == live.events


def test_a_restart_in_the_middle_of_a_heat_changes_nothing(bench, model: Model):
    run_heat(bench, seconds=300)
    saved = bench.engine.snapshot()
    kept = [bench.scan(T0 + 301 + k, work=4010 + 10 * k) for k in range(5)]
    restarted = Engine(model, bench.engine.blocks)
    restarted.restore(saved)
    for k, scan in enumerate(kept):
        restarted.apply(Record(1, k + 1, round((T0 + 301 + k) * 1e9), 1, scan.blocks, []))

    assert restarted.snapshot() == bench.engine.snapshot()


def test_a_state_of_another_model_and_a_damaged_one_are_refused(bench, model: Model):
    blob = bench.engine.snapshot()

    with pytest.raises(ValueError, match="damaged"):
        Engine(model).restore(blob[:-9])
    bench.engine._fingerprint = lambda: "another"
    with pytest.raises(ValueError, match="another site file"):
        Engine(model).restore(bench.engine.snapshot())


def test_uncertainty_agrees_with_a_monte_carlo_of_meters_and_factors(bench):
    run_heat(bench)
    running = bench.scan(T0 + 601).results[0]
    stated = running.u[METRICS.index("co2_total_kg_per_t")]
    rng = np.random.default_rng(1)
    n = 200_000
    work = 6000 * (1 + rng.uniform(-0.005, 0.005, n))
    gas = 600 * (1 + rng.uniform(-0.02, 0.02, n))
    factor = 2.0 * (1 + rng.normal(0, 0.02, n))
    product = 90 * (1 + rng.uniform(-0.01, 0.01, n))

    simulated = 2 * np.std((work * 0.5 + gas * factor) / product)

    assert stated == pytest.approx(simulated, rel=0.02)


def test_aluminium_and_anode_effects_of_a_potline(bench):
    events = []
    for k in range(3602):
        effect = 30_000 if 100 <= k < 220 else 4200
        blink = 9000 if k == 50 else 4200
        events += bench.scan(
            T0 + k, number=1, current=400.0, cell_work=2 * k, v1=effect, v2=4200, v3=blink, v4=65535
        ).events
    (hour,) = [e for e in events if e.window == "1h" and e.subject == "cell"]
    made = 400.0 * 3 * 0.335573e-3 * 0.94
    minutes_per_cell_day = 2.0 / (3 / 24)

    assert metric(hour, "product_t") == pytest.approx(made, rel=1e-4)
    assert metric(hour, "co2_pfc_kg_per_t") == pytest.approx(1140.0 * minutes_per_cell_day, rel=1e-3)


def test_a_finished_day_begins_at_midnight(bench):
    midnight = T0 - T0 % 86400
    bench.scan(midnight + 86390, work=0, number=1)
    events = bench.scan(midnight + 86410, work=20).events
    days = [e for e in events if e.window == "24h"]

    assert [math.floor(e.start_ns / 1e9) for e in days] == [midnight, midnight]


def test_a_finished_day_begins_at_the_hour_that_the_site_file_says(shelf, tmp_path):
    text = (shelf / "site.toml").read_text()
    site = tmp_path / "site.toml"
    site.write_text(text.replace('process = "cells"', 'process = "cells"\nday_starts_h = 6.0'))
    bench = Bench(Engine(build_model(load_site(site)), BLOCKS))
    six = T0 - T0 % 86400 + 6 * 3600
    bench.scan(six - 10, number=1)
    events = bench.scan(six + 10).events

    assert [(e.subject, e.start_ns, e.end_ns) for e in events if e.window == "24h"] == [
        ("cell", round((six - 86400) * NS), round(six * NS))
    ]
