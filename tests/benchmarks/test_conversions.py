"""Every figure on the shelf is in our unit exactly what its source prints: converted again, independently."""

import re
from collections.abc import Callable

import pytest

from greenhearth_gateway.benchmarks import Benchmark, load_benchmarks

CATALOGUE = load_benchmarks()
KGCE_MJ, KGOE_MJ, HYDROGEN_MJ_PER_KG, CASE_KG = 29.3076, 41.868, 119.96, 50.0

TO_OURS: list[tuple[str, str, Callable[[float], float]]] = [
    (r"tCO2e?/t( .*)?", "kg CO2e/t", lambda x: x * 1000),
    (r"allowances/t", "kg CO2e/t", lambda x: x * 1000),  # an allowance is one tonne of CO2e
    (r"kgCO2e?/kg", "kg CO2e/t", lambda x: x * 1000),
    (r"kgCO2e?/t( .*)?", "kg CO2e/t", lambda x: x),
    (r"gCO2e/MJ", "kg CO2e/t", lambda x: x * HYDROGEN_MJ_PER_KG),  # g/kg is kg/t
    (r"kgce/weight-case", "kgce/t", lambda x: x * 1000 / CASE_KG),
    (r"kgoe/t", "kgce/t", lambda x: x * KGOE_MJ / KGCE_MJ),
    (r"kgce/t", "kgce/t", lambda x: x),
    (r"MWh/t( .*)?", "kWh/t", lambda x: x * 1000),
    (r"kWh/kg( .*)?", "kWh/t", lambda x: x * 1000),
    (r"kWh/t( .*)?", "kWh/t", lambda x: x),
    (r"MJ/t( .*)?", "GJ/t", lambda x: x / 1000),
    (r"GJ/t( .*)?", "GJ/t", lambda x: x),
    (r"kg/kg", "kg/kg", lambda x: x),
    (r"%", "%", lambda x: x),
]


def converted(benchmark: Benchmark) -> float:
    """Convert as printed to the unit of the figure; KeyError for a unit nobody foresaw."""
    if benchmark.original_unit == "%" and benchmark.unit == "kg/t":
        return benchmark.original_value * 10.0  # mass percent
    for pattern, unit, convert in TO_OURS:
        if re.fullmatch(pattern, benchmark.original_unit) and benchmark.unit == unit:
            return convert(benchmark.original_value)
    raise KeyError(f"{benchmark.original_unit} to {benchmark.unit}")


def test_the_whole_catalogue_is_there() -> None:
    assert len(CATALOGUE) > 500


def test_every_measured_figure_is_its_printed_one_in_our_unit() -> None:
    wrong = {
        name: (one.value, one.original_value, one.original_unit)
        for name, one in CATALOGUE.items()
        if one.metric and one.value != pytest.approx(converted(one), rel=1e-9)
    }
    assert wrong == {}


def test_a_figure_that_no_metric_measures_stands_as_printed_and_says_why_where_it_is_of_a_process() -> None:
    for name, one in CATALOGUE.items():
        if not one.metric:
            assert (one.value, one.unit) == (one.original_value, one.original_unit), name
            assert one.why_no_metric or not one.processes, name


def test_every_figure_has_a_source_and_what_is_doubtful_is_not_verified() -> None:
    for name, one in CATALOGUE.items():
        assert one.source, name
        assert one.verified == (one.confidence not in ("low", "memory_verify")), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("h2.eu.rfnbo", 3382.872),
        ("h2.cn.clean", 4900.0),
        ("h2.cn.low_carbon", 14510.0),
        ("cn.glass.float_gt800.l1", 160.0),
        ("cn.ethylene.l1", 828.575),
        ("target.cn2027.scrap_steel", 22.0),
        ("target.cn2027.recycled_copper", 30.0),
        ("target.cn2027.recycled_aluminium", 25.0),
        ("taxonomy.eaf_carbon", 209.0),
        ("voc.ink_flexo_water_absorbent", 50.0),
    ],
)
def test_converted_figures_that_people_know(name: str, value: float) -> None:
    assert CATALOGUE[name].value == pytest.approx(value, rel=1e-5)


def test_the_targets_for_recycled_shares_want_more() -> None:
    shares = [one for one in CATALOGUE.values() if one.metric == "recycled_share_percent"]
    assert len(shares) == 3
    assert {one.better for one in shares} == {"more"}
    others = [one for one in CATALOGUE.values() if one.metric != "recycled_share_percent"]
    assert {one.better for one in others} == {"less"}
