"""The CO2 of electricity by the hour it was used in, by place and by contract."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from greenhearth.engine import Engine
from greenhearth.factors import set_name
from greenhearth.model import build_model
from greenhearth.quality import Validity
from greenhearth.site import load_site
from greenhearth.strict import ConfigError
from greenhearth.wire import Event

from .conftest import TABLE

H = 3_600_000_000_000
MIDNIGHT = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
LOCATION = {0: 0.10, 1: 0.40, 2: 0.70, 3: 0.5306, 4: 0.20}  # hour 3 is missing: the yearly factor stands in
Works = Callable[..., Path]


def run(path: Path, hours: float, step_s: float, kwh_per_h: Callable[[int], float]) -> list[Event]:
    """Run a meter that is read every `step_s` s; return the finished hours."""
    model = build_model(load_site(path))
    engine = Engine(model)
    work, made = model.index("kiln", "electricity"), model.index("kiln", "produced")
    n = len(model.series)
    x, events, kwh = np.full(n, np.nan), [], 0.0
    fresh = np.zeros(n, np.int32)
    fresh[[work, made]] = 1
    for k in range(int(hours * 3600 / step_s) + 1):
        t = MIDNIGHT + int(k * step_s * 1e9)
        x[work], x[made] = kwh, 10.0 * k * step_s / 3600.0
        events += engine.finish_with(t, x.copy(), np.full(n, t), np.zeros(n, np.int32), fresh)
        kwh += kwh_per_h(int((t - MIDNIGHT) // H)) * step_s / 3600.0
    return [e for e in events if e.what == "window_finished" and e.window == "1h"]


def value(event: Event, metric: str) -> float:
    found = event.metrics[metric].value
    assert found is not None
    return found


def test_every_kilowatt_hour_is_counted_with_the_factor_of_its_hour(works: Works) -> None:
    hours = run(works(), 3.01, 10.0, lambda hour: 1000.0 * (hour + 1))
    assert len(hours) == 3
    for hour, event in enumerate(hours):
        assert event.validity == Validity.VALID
        kwh = value(event, "electricity_kwh")
        assert kwh == pytest.approx(1000.0 * (hour + 1), rel=3e-3)
        assert value(event, "co2_electricity_kg_per_t") == pytest.approx(
            kwh * LOCATION[hour] / 10.0, rel=3e-3
        )


def test_a_day_is_the_sum_of_its_hours_and_not_a_mean_factor(works: Works) -> None:
    use = (100.0, 100.0, 3000.0, 500.0, 10.0)
    hours = run(works(), 5.01, 60.0, lambda hour: use[min(hour, 4)])
    total = sum(value(e, "co2_total_kg") for e in hours)
    by_hand = sum(kwh * LOCATION[hour] for hour, kwh in enumerate(use))
    assert total == pytest.approx(by_hand, rel=0.02)  # a minute of the next hour's use at each edge
    assert abs(total - sum(use) * sum(LOCATION.values()) / 5) > 0.2 * total


def test_an_interval_that_crosses_an_hour_is_split_in_proportion(works: Works) -> None:
    model = build_model(load_site(works()))
    engine, n = Engine(model), len(model.series)
    work = model.index("kiln", "electricity")
    fresh = np.zeros(n, np.int32)
    fresh[work] = 1
    events = []
    for t, kwh in (
        (MIDNIGHT + H // 2, 0.0),
        (MIDNIGHT + 2 * H + H // 2, 2000.0),
        (MIDNIGHT + 30 * H, 2000.0),
    ):
        x = np.full(n, kwh)
        events += engine.finish_with(t, x, np.full(n, t), np.zeros(n, np.int32), fresh)
    day = next(e for e in events if e.window == "24h")
    # 500 kWh in hour 0, 1000 in hour 1, 500 in hour 2
    assert value(day, "co2_total_kg") == pytest.approx(500 * 0.1 + 1000 * 0.4 + 500 * 0.7, rel=1e-9)


def test_an_hour_without_a_factor_takes_the_yearly_one_and_is_partial(works: Works) -> None:
    hours = run(works(), 5.01, 10.0, lambda hour: 1000.0)
    assert [e.validity for e in hours] == [0, 0, 0, int(Validity.PARTIAL), 0]
    assert value(hours[3], "co2_electricity_kg_per_t") == pytest.approx(1000 * 0.5306 / 10, rel=3e-3)


def test_by_contract_the_other_column_counts(works: Works) -> None:
    hours = run(works(), 3.01, 10.0, lambda hour: 1000.0)
    assert value(hours[2], "co2_scope2_market_kg_per_t") == pytest.approx(1000 * 0.04 / 10, rel=3e-3)
    assert value(hours[2], "co2_scope2_kg_per_t") == pytest.approx(1000 * 0.70 / 10, rel=3e-3)


def test_without_a_contract_column_both_ways_are_the_grid_s(works: Works) -> None:
    path = works()
    table = path.parent / "grid.csv"
    table.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()))
    hours = run(path, 2.01, 10.0, lambda hour: 1000.0)
    assert value(hours[1], "co2_scope2_market_kg_per_t") == value(hours[1], "co2_scope2_kg_per_t")


def test_the_table_s_uncertainty_and_the_meter_s_are_both_in_the_interval(works: Works) -> None:
    (hour,) = run(works(), 1.01, 10.0, lambda hour: 1000.0)
    u = hour.metrics["co2_total_kg"].uncertainty or 0.0
    meter = hour.metrics["electricity_kwh"].uncertainty or 0.0
    kwh, kg = value(hour, "electricity_kwh"), value(hour, "co2_total_kg")
    assert u / kg == pytest.approx(((meter / kwh) ** 2 + 0.04**2) ** 0.5, rel=0.01)


def test_another_table_is_another_factor_set(works: Works) -> None:
    one = build_model(load_site(works())).lines[0].used
    other = build_model(load_site(works(table=("0.70", "0.71")))).lines[0].used
    assert set_name(one) != set_name(other)
    assert any(name.startswith("hourly.grid#") for name in one)


def test_the_mean_of_a_stretch_weighs_hours_by_their_share(works: Works) -> None:
    table = load_site(works()).hourly["grid"]
    assert table.mean(MIDNIGHT, MIDNIGHT + H) == 0.10
    assert table.mean(MIDNIGHT + H // 2, MIDNIGHT + 2 * H) == pytest.approx((0.5 * 0.1 + 0.4) / 1.5)
    assert table.mean(MIDNIGHT + 2 * H, MIDNIGHT + 4 * H) is None
    assert table.mean(MIDNIGHT - H, MIDNIGHT + H) is None


@pytest.mark.parametrize(
    ("site", "table", "place", "why"),
    [
        (('hourly = "grid"', 'hourly = "gird"'), ("", ""), "site.toml:20", "did you mean 'grid'"),
        (('unit = "kgCO2/kWh"', 'unit = "kgCO2/t"'), ("", ""), "site.toml:", "does not convert"),
        (('source = "this test"', 'source = ""'), ("", ""), "site.toml:", "needs its origin"),
        (('file = "grid.csv"', 'file = "gone.csv"'), ("", ""), "site.toml:", "gone.csv' cannot be read"),
        (("", ""), ("T01:00Z", "T01:30Z"), "grid.csv:3", "does not begin an hour"),
        (("", ""), ("T01:00Z", "T00:00Z"), "grid.csv:3", "not after the hour of the line before"),
        (("", ""), ("2026-03-01T02:00Z", "2026-03-01T02:00"), "grid.csv:4", "no time zone"),
        (("", ""), ("2026-03-01T02:00Z", "noon"), "grid.csv:4", "no moment like"),
        (("", ""), ("0.40", "400"), "grid.csv:3", "400 kg CO2/kWh is not within 0 to 2"),
        (("", ""), ("0.40", "n/a"), "grid.csv:3", "is no number; leave the line out"),
        (("", ""), ("from,location", "hour,location"), "grid.csv:1", "from: is not a column of this file"),
        (("", ""), (TABLE, TABLE.replace(",", ";")), "grid.csv:1", "stand between semicolons"),
        (("", ""), (TABLE, "location,from\n0.3\n"), "grid.csv:2", "no moment like"),
        (("", ""), (TABLE, ""), "grid.csv:1", "it has none"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused_with_its_line(
    works: Works, site: tuple[str, str], table: tuple[str, str], place: str, why: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_site(works(site, table))
    assert place in str(refused.value)
    assert why in str(refused.value)
