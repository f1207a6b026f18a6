"""Published figures, through the kernels that run live."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from greenhearth.engine import Engine
from greenhearth.model import build_model
from greenhearth.site import load_site
from greenhearth.wire import Event

from .conftest import BLOCKS, WORKS, Bench

T0 = 1_700_006_400.0
"""A whole hour, and not the first of its day."""


@pytest.fixture
def works_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Make bench works whose data files have other values: (file, old text, new text)."""

    def make(*changes: tuple[str, str, str]) -> Bench:
        shutil.copytree(WORKS, tmp_path, dirs_exist_ok=True)
        for name, old, new in changes:
            text = (tmp_path / name).read_text()
            assert old in text
            (tmp_path / name).write_text(text.replace(old, new))
        monkeypatch.setenv("GREENHEARTH_CONFIGS", str(tmp_path))
        return Bench(Engine(build_model(load_site(tmp_path / "site.toml")), BLOCKS))

    return make


def hour_of(events: list[Event], line: str) -> Event:
    """Return the one finished hour of a line."""
    (found,) = [e for e in events if e.window == "1h" and e.subject == line]
    return found


def value(event: Event, metric: str) -> float:
    """Return a metric that must have a value."""
    found = event.metrics[metric].value
    assert found is not None
    return found


def test_electrolysis_takes_2_980_volts_over_current_efficiency(works_with: Callable[..., Bench]) -> None:
    """kWh/kg = 2.980 V / CE (from Faraday's law), here 4.2 V at 94 %; direct current."""
    bench = works_with()
    events = []
    for k in range(0, 3610, 10):
        dc_kwh = 400.0 * 4.2 * 3 * k / 3600
        events += bench.scan(
            T0 + k, number=1, current=400.0, cell_work=1000 * dc_kwh, v1=4200, v2=4200, v3=4200, v4=65535
        ).events
    per_kg = value(hour_of(events, "cell"), "electricity_kwh_per_t") / 1000 / 1000  # the counter counts Wh

    assert per_kg == pytest.approx(2.980 * 4.2 / 0.94, rel=1e-3)


def test_the_commissions_example_of_perfluorocarbons(works_with: Callable[..., Bench]) -> None:
    """European Commission CBAM template V2.1: 500 000 t Al, 2.17 effects of 1.23 min a cell-day,
    SEF 0.146, F 0.122, 98 % collected: 1 587 424.347 t CO2e (GWP AR5: 6 630 and 11 100)."""
    per_unit = 0.146 * (6630 + 0.122 * 11100) / 0.98
    bench = works_with(("processes/cells.toml", "multiply = 1140.0", f"multiply = {per_unit!r}"))
    minutes_per_cell_day = 2.17 * 1.23
    effect_s = 1200  # long enough that the two edges of a scan do not count
    events = []
    for k in range(3602):
        v1 = 30_000 if 100 <= k < 100 + effect_s else 4200
        events += bench.scan(
            T0 + k, number=1, current=400.0, cell_work=k, v1=v1, v2=4200, v3=4200, v4=65535
        ).events
    measured_minutes = (effect_s / 60) / (3 / 24)
    kg_per_t = value(hour_of(events, "cell"), "co2_pfc_kg_per_t") * minutes_per_cell_day / measured_minutes

    assert kg_per_t * 500_000 / 1000 == pytest.approx(1_587_424.347, rel=1e-4)


def test_the_commissions_example_of_natural_gas(works_with: Callable[..., Bench]) -> None:
    """Same template, fertiliser example: 6 607 kNm3 at 36.21 GJ/kNm3 and 56.1 t/TJ: 13 421.334 t CO2."""
    kg_per_nm3 = 36.21 * 56.1 / 1000
    bench = works_with(("factors/all.toml", "value = 2.0", f"value = {kg_per_nm3!r}"))
    bench.scan(T0, number=1, gas=0, work=0)
    bench.scan(T0 + 1800, gas=6_607_000, work=0)
    events = bench.scan(T0 + 3601, gas=6_607_000, work=0).events

    assert value(hour_of(events, "furnace"), "co2_total_kg") / 1000 == pytest.approx(13_421.334267, rel=1e-9)
