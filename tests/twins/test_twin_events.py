"""What an engine tells of green twins when an hour is over, and what that costs."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from greenhearth.engine import Engine
from greenhearth.factors import load_factors, set_name
from greenhearth.line_twins import LineGrid, grid_of, line_twins
from greenhearth.model import Model, build_model
from greenhearth.quality import Validity
from greenhearth.shelf import configs_root
from greenhearth.site import load_site
from greenhearth.twin_events import TwinTeller
from greenhearth.twins import twin_metrics
from greenhearth.wire import Event, MetricValue

NS = 1_000_000_000
T0 = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * NS
PER_H = {"electricity": 12_000.0, "coal": 20.0, "raw_meal": 320.0, "clinker": 200.0}
NATIONAL = "grid.cn.national.2023"
KilnSite = Callable[[bool], Path]
HOUR = Event(
    epoch=0, seq=0, t_ns=T0 + 1, what="window_finished", subject="kiln", window="1h", start_ns=T0,
    end_ns=T0 + 3600 * NS, coverage=0.99, metrics={"product_t": MetricValue(180.0, "t", 1.0)},
)  # fmt: skip


def run(model: Model, minutes: int, works: bool = True) -> list[Event]:
    """Let the kiln work for some minutes, read once a minute."""
    engine, n = Engine(model), len(model.series)
    events: list[Event] = []
    for k in range(minutes + 1):
        x = np.full(n, np.nan)
        for role, rate in PER_H.items():
            x[model.index("kiln", role)] = 1000.0 + (rate * k / 60.0 if works else 0.0)
        t = T0 + k * 60 * NS
        fresh = np.isfinite(x).astype(np.int32)
        events += engine.finish_with(t, x, np.full(n, t), np.where(fresh, 0, 138).astype(np.int32), fresh)
    return events


def twins_in(events: list[Event]) -> list[Event]:
    return [event for event in events if event.what == "twin"]


def value(event: Event, metric: str) -> float:
    found = event.metrics[metric].value
    assert found is not None
    return found


def test_every_finished_hour_is_followed_by_one_event_of_each_twin(kiln_site: KilnSite) -> None:
    model = build_model(load_site(kiln_site(False)))
    events = run(model, 150)
    hours = [event for event in events if event.what == "window_finished" and event.window == "1h"]
    names = list(model.line_info()[0].twins)
    assert names == ["clinker_kiln__clinker_kiln_electric", "clinker_kiln__clinker_kiln_hydrogen"]
    assert [e.detail for e in twins_in(events)] == names * len(hours)
    assert len(hours) == 2
    for hour, twin in zip([h for h in hours for _ in names], twins_in(events), strict=True):
        assert (twin.subject, twin.window, twin.start_ns, twin.end_ns) == (
            "kiln",
            "1h",
            hour.start_ns,
            hour.end_ns,
        )
        assert (twin.t_ns, twin.validity, twin.coverage) == (hour.t_ns, hour.validity, hour.coverage)
        assert value(twin, "product_t") == pytest.approx(value(hour, "product_t"), rel=1e-9)


def test_its_figures_are_those_of_the_twin_for_the_same_product(kiln_site: KilnSite) -> None:
    model = build_model(load_site(kiln_site(False)))
    twin = twins_in(run(model, 70))[0]
    grid, product_t = {"grid": NATIONAL, "contract": NATIONAL}, value(twin, "product_t")
    direct = twin_metrics(model.lines[0].twins[0].twin, product_t, grid, load_factors())
    assert twin.metrics.keys() == direct.keys()
    for name, one in direct.items():
        assert twin.metrics[name].value == pytest.approx(one.value, rel=1e-12, abs=1e-12), name
        assert twin.metrics[name].uncertainty == pytest.approx(one.uncertainty, rel=6e-3, abs=1e-12), name
    assert value(twin, "co2_electricity_kg_per_t") == pytest.approx(694.0 * 0.5306, rel=1e-9)


def test_the_set_of_factors_can_be_looked_up_in_the_birth(kiln_site: KilnSite) -> None:
    model = build_model(load_site(kiln_site(False)))
    twin = twins_in(run(model, 70))[0]
    info = model.line_info()[0].twins[twin.detail]
    assert info.factor_set == twin.factor_set == set_name(model.lines[0].twins[0].used)
    assert info.factors[NATIONAL].value == 0.5306
    assert "grid" in info.factors[NATIONAL].roles
    assert (info.green, info.green_title[:7]) == ("clinker_kiln_electric", "Clinker")


def test_the_grid_is_that_of_the_hour_and_the_yearly_one_where_the_table_ends(kiln_site: KilnSite) -> None:
    model = build_model(load_site(kiln_site(True)))
    electric = [e for e in twins_in(run(model, 190)) if e.detail.endswith("_electric")]
    grids = [value(e, "co2_electricity_kg_per_t") / 694.0 for e in electric]
    assert grids == pytest.approx([0.10, 0.40, 0.5306])
    contracts = [value(e, "co2_total_market_kg_per_t") - value(e, "co2_scope1_kg_per_t") for e in electric]
    assert contracts == pytest.approx([0.0, 694.0 * 0.02, 694.0 * 0.5306])
    assert len({e.factor_set for e in electric}) == 1, "the table is one factor, not one an hour"
    assert [e.validity for e in electric] == [0, 0, int(Validity.PARTIAL)]


def test_a_stretch_over_several_hours_has_their_mean(kiln_site: KilnSite) -> None:
    model = build_model(load_site(kiln_site(True)))
    grid = model.lines[0].twins[0].grid
    ids, catalogue = grid_of(grid, T0 + 1800 * NS, T0 + 7200 * NS)
    assert catalogue[ids["grid"]].value == pytest.approx((0.10 + 2 * 0.40) / 3)
    assert catalogue[ids["contract"]].value == pytest.approx((2 * 0.02) / 3)


def test_a_line_without_a_contract_has_its_grid_in_that_role() -> None:
    ids, _ = grid_of(LineGrid({"grid": "grid.x", "coal": "y"}, {}), 0, 1)
    assert ids == {"grid": "grid.x", "contract": "grid.x"}
    assert grid_of(LineGrid({}, {}), 0, 1)[0] == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"window": "15min"},
        {"window": "24h"},
        {"metrics": {"product_t": MetricValue(0.0, "t", 0.0)}},
        {"metrics": {"product_t": MetricValue(None, "t", None)}},
        {"metrics": {}},
        {"validity": int(Validity.PRODUCT_ZERO)},
        {"validity": int(Validity.NO_DATA)},
    ],
)  # fmt: skip
def test_without_a_product_of_an_hour_there_is_no_twin(changes: dict[str, object]) -> None:
    teller = TwinTeller(line_twins("clinker_kiln", LineGrid({"grid": NATIONAL}, load_factors())))
    assert len(teller.events(HOUR)) == 2
    assert teller.events(replace(HOUR, **changes)) == []


def test_an_hour_that_stood_still_has_no_twin(kiln_site: KilnSite) -> None:
    events = run(build_model(load_site(kiln_site(False))), 70, works=False)
    assert [e.window for e in events if e.window == "1h"] == ["1h"]
    assert twins_in(events) == []


def test_a_batch_keeps_its_name_and_a_line_without_twins_tells_none() -> None:
    teller = TwinTeller(line_twins("eaf_scrap", LineGrid({"grid": NATIONAL}, load_factors())))
    heat = replace(HOUR, what="batch_finished", window="batch", batch="4711")
    (twin,) = teller.events(heat)
    assert (twin.window, twin.batch, twin.detail) == ("batch", "4711", "eaf_scrap__eaf_near_zero")
    assert TwinTeller(line_twins("electricity_only", LineGrid({"grid": NATIONAL}, {}))).events(heat) == []


def test_a_finished_hour_costs_less_than_5_ms_for_all_lines_of_the_demonstration() -> None:
    """Whether the grid has changed (one evaluation a twin) or not."""
    model = build_model(load_site(configs_root() / "sites" / "demo.toml"))
    tellers = [TwinTeller(line.twins) for line in model.lines]
    assert sum(len(teller.events(HOUR)) for teller in tellers) == 5
    took = []
    for k in range(20):
        for teller in tellers:
            teller._known = {} if k % 2 else teller._known
        for teller in tellers:
            began = time.process_time()
            teller.events(HOUR)
            took.append((k % 2, time.process_time() - began))
    again, anew = (sorted(s for new, s in took if new == which) for which in (0, 1))
    assert anew[len(anew) // 2] < 5e-3
    assert again[len(again) // 2] < 0.5e-3
