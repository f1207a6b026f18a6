"""Published figures: loaded strictly, converted rightly, compared only like with like."""

from pathlib import Path
from typing import Any

import pytest

from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.shelf import configs_root
from greenhearth.site import line_boundary, load_site
from greenhearth.strict import ConfigError
from greenhearth.wire import LineInfo, MetricValue
from greenhearth_gateway.benchmarks import Benchmark, Comparison, compare, load_benchmarks

CO2 = "kg CO2e/t"
LINE = LineInfo(
    name="cell",
    title="Cell",
    process="al_prebake",
    product="liquid aluminium",
    factor_set="fs-1",
    boundary={"electricity_kwh_per_t": "rectifier AC, electrolysis", "co2_total_kg_per_t": "gate to gate"},
)


def figure(**changes: Any) -> Benchmark:
    values: dict[str, Any] = {
        "title": "Limit", "processes": ["al_prebake"], "product": "liquid aluminium",
        "metric": "electricity_kwh_per_t", "value": 13000.0, "unit": "kWh/t", "original_value": 13000.0,
        "original_unit": "kWh/t", "boundary": "rectifier AC, electrolysis", "kind": "limit",
        "jurisdiction": "CN", "valid_from": "2022", "source": "GB 21346", "confidence": "high",
    }  # fmt: skip
    return Benchmark(**{**values, **changes})


def electricity(value: float | None, uncertainty: float | None = None) -> dict[str, MetricValue]:
    return {"electricity_kwh_per_t": MetricValue(value=value, unit="kWh/t", uncertainty=uncertainty)}


def one(metrics: dict[str, MetricValue], **changes: Any) -> Comparison:
    (found,) = compare(LINE, metrics, {"x": figure(**changes)})
    return found


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [
        (12900.0, None, "meets"),
        (13000.0, None, "meets"),
        (13100.0, None, "misses"),
        (13100.0, 99.0, "misses"),
        (13100.0, 100.0, "within uncertainty"),
        (12950.0, 60.0, "within uncertainty"),
        (12900.0, 60.0, "meets"),
    ],
)
def test_a_limit_is_met_missed_or_too_close_to_call(
    value: float, uncertainty: float | None, verdict: str
) -> None:
    found = one(electricity(value, uncertainty))
    assert found.comparable
    assert found.why == ""
    assert found.gap == pytest.approx(value - 13000.0)
    assert found.gap_percent == pytest.approx(100 * (value - 13000.0) / 13000.0)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"product": "aluminium ingot"}, "per tonne of aluminium ingot, this line counts liquid aluminium"),
        ({"boundary": "electrolysis DC"}, "covers 'electrolysis DC', this line 'rectifier AC, electrolysis'"),
        ({"boundary": "Rectifier AC, electrolysis"}, "covers 'Rectifier AC"),
        ({"boundary": ""}, "its source does not say what it covers"),
        ({"unit": "MWh/t"}, "it is in MWh/t, this line in kWh/t"),
        ({"scrap_slope": (13000.0, 500.0)}, "slides with the share of scrap"),
        ({"metric": "", "unit": "kg/t"}, "nothing here measures kg/t"),
        (
            {"metric": "kgce_per_t", "unit": "kgce/t"},
            "this line 'nothing stated'; this line has no value yet",
        ),
    ],
)
def test_what_is_not_alike_is_not_compared_and_the_reason_is_said(changes: dict[str, Any], says: str) -> None:
    found = one(electricity(12900.0, 10.0), **changes)
    assert not found.comparable
    assert (found.gap, found.gap_percent, found.verdict) == (None, None, "")
    assert says in found.why


@pytest.mark.parametrize("metrics", [{}, electricity(None)])
def test_a_line_without_a_value_is_not_compared(metrics: dict[str, MetricValue]) -> None:
    found = one(metrics)
    assert not found.comparable
    assert found.why == "this line has no value yet"


def test_a_typical_value_has_a_gap_but_nothing_to_meet() -> None:
    found = one(electricity(13500.0), kind="typical")
    assert found.comparable
    assert found.gap == 500.0
    assert found.verdict == ""


def test_a_negative_limit_keeps_the_sign_of_the_gap() -> None:
    found = one(electricity(-40.0), value=-30.0)
    assert (found.gap, found.verdict) == (-10.0, "meets")
    assert found.gap_percent == pytest.approx(-100 / 3)


def test_a_limit_of_zero_has_no_gap_in_percent() -> None:
    found = one(electricity(5.0), value=0.0)
    assert (found.gap, found.gap_percent, found.verdict) == (5.0, None, "misses")


def test_unverified_figures_and_those_of_other_processes_are_hidden() -> None:
    figures = {"a": figure(verified=False, confidence="memory_verify"), "b": figure(processes=["eaf_scrap"])}
    assert compare(LINE, electricity(1.0), figures) == []


def test_comparable_figures_come_first_and_go_up() -> None:
    figures = {
        "odd": figure(boundary="other", value=1.0),
        "high": figure(value=13350.0),
        "low": figure(value=12950.0),
    }
    assert [c.id for c in compare(LINE, electricity(13000.0), figures)] == ["low", "high", "odd"]


def test_what_was_recollected_is_hidden() -> None:
    doubtful = [b for b in load_benchmarks().values() if b.confidence == "memory_verify"]
    assert doubtful
    assert not any(b.verified for b in doubtful)


@pytest.mark.parametrize(
    ("name", "metric", "value", "boundary"),
    [
        ("cn.steel.eaf_ge70.l2", "kgce_per_t", 64.0, "EAF process energy"),
        ("cn.cement.clinker.l1", "kgce_per_t", 100.0, "clinker comprehensive"),
        ("cn.al.liquid_ac.l2", "electricity_kwh_per_t", 13000.0, "rectifier AC, electrolysis"),
        (
            "cbam.bm.a.grey_clinker",
            "co2_scope1_kg_per_t",
            666.0,
            "direct, clinker production without precursors",
        ),
        ("ets.2026.eaf_carbon", "co2_scope1_kg_per_t", 142.0, ""),
        ("steel.eaf.typ.electricity", "electricity_kwh_per_t", 450.0, ""),
    ],
)
def test_well_known_figures_are_as_published(name: str, metric: str, value: float, boundary: str) -> None:
    found = load_benchmarks()[name]
    assert (found.metric, found.value, found.boundary) == (metric, value, boundary)


def test_sliding_thresholds_keep_both_ends() -> None:
    catalogue = load_benchmarks()
    assert catalogue["steel.nearzero.iea"].scrap_slope == (400.0, 50.0)
    assert catalogue["steel.responsiblesteel.pl2"].scrap_slope == (2000.0, 350.0)
    assert catalogue["steel.c2f.a"].scrap_slope == (400.0, 50.0)


def demo_line(name: str) -> LineInfo:
    site = load_site(configs_root() / "sites" / "demo.toml")
    line = site.lines[name]
    process = site.processes[line.process]
    return LineInfo(
        name=name, title=line.title, process=process.id, product=process.product, factor_set="fs-1",
        boundary=line_boundary(process, line), conditions=line.conditions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "comparable"),
    [
        (
            "furnace",
            {
                *(f"cn.steel.eaf_ge70.l{level}" for level in "123"),
                *(f"steel.lowemission.iea.{band}" for band in "abcde"),
                "steel.nearzero.iea",
                "target.cn2027.scrap_steel",
            },
        ),
        ("kiln", {"cement.bat_kiln", "cbam.bm.a.grey_clinker", "cbam.default.cn.grey_clinker.direct"}),
        (
            "cell",
            {
                "cn.al.liquid_ac.l1",
                "cn.al.liquid_ac.l2",
                "cn.al.liquid_ac.l3",
                "cn.ndrc723.al.bench",
                "cn.ndrc723.al.base",
                "al.anode.co2.tier1.prebake",
            },
        ),
    ],
)
def test_each_demonstration_line_meets_exactly_the_figures_that_are_alike(
    line: str, comparable: set[str]
) -> None:
    values = {
        m: MetricValue(value=100.0, unit=u, uncertainty=1.0)
        for m, u in zip(METRICS, METRIC_UNITS, strict=True)
    }
    found = compare(demo_line(line), values, load_benchmarks())
    assert {c.id for c in found if c.comparable} == comparable
    assert all(c.why for c in found if not c.comparable)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'metric = "kgce_per_t"',
            'metric = "kgce_per_tonne"',
            "no metric 'kgce_per_tonne'; did you mean 'kgce_per_t'",
        ),
        ('unit = "kgce/t"', 'unit = "kWh/t"', "is kWh/t; kgce_per_t is in kgce/t"),
        ('processes = ["eaf_scrap"]', 'processes = ["eaf_scrapp"]', "no process 'eaf_scrapp'; did you mean"),
        ('source = "s"', 'source = ""', "needs a title, a product, a source"),
        ('confidence = "high"', 'confidence = "memory_verify"', "must be false with confidence"),
        ('kind = "limit"', 'kind = "limits"', "did you mean 'limit'"),
        ("value = 61.0", "value = 61.0\nlow = 70.0", "must be below 'value'"),
        ("value = 61.0", "valu = 61.0", "did you mean 'value'"),
        ("value = 61.0", 'value = 61.0\nladder = "gb"', "needs both 'ladder' and 'level', or neither"),
        (
            "value = 61.0",
            'value = 61.0\nladder = "gbs"\nlevel = "1"',
            "no table [ladder.gbs] in this file; did",
        ),
        ("value = 61.0", 'value = 61.0\nscale = { title = "x" }', "belongs in a [ladder.NAME] table"),
        (
            "value = 61.0",
            'value = 61.0\ncorrections = ["gb21256.fe_grad"]',
            "did you mean 'gb21256.fe_grade'",
        ),
        ("value = 61.0", "value = 61.0\nwhen = { capacity = { below = 50.0 } }", "did you mean 'capacity_t'"),
        (
            "value = 61.0",
            "value = 61.0\nscrap_slope = [50.0, 60.0]",
            "must be the upper end of 'scrap_slope'",
        ),
    ],
)
def test_a_wrong_figure_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (
        '[ladder.gb]\ntitle = "Scale"\n'
        '[benchmark."a.b"]\ntitle = "T"\nprocesses = ["eaf_scrap"]\nproduct = "crude steel"\n'
        'metric = "kgce_per_t"\nvalue = 61.0\nunit = "kgce/t"\noriginal_value = 61\noriginal_unit = "x"\n'
        'boundary = "b"\nkind = "limit"\njurisdiction = "CN"\nvalid_from = "2025"\nsource = "s"\n'
        'confidence = "high"\n'
    )
    assert old in text
    (tmp_path / "steel.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=r"steel\.toml:\d+: benchmark\.a\.b") as caught:
        load_benchmarks(tmp_path)
    assert says in str(caught.value)
