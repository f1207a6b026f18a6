"""Scales of levels: which one is reached, how far the next is, and when a scale does not apply."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth.wire import MetricValue
from greenhearth_gateway.benchmarks import Benchmark, Subject, compare, grade_value, grades, load_benchmarks
from greenhearth_gateway.benchmarks.limits import Circumstances, limit_at, metallic_share

CATALOGUE = load_benchmarks()
EAF = Subject(
    process="eaf_scrap",
    product="crude steel",
    boundary={
        "kgce_per_t": "EAF process energy",
        "co2_cradle_kg_per_t": "cradle to crude steel, direct+indirect",
        "recycled_share_percent": "share of raw materials",
    },
    conditions={"capacity_t": 100.0},
)


def metric(value: float, unit: str, uncertainty: float | None = None) -> MetricValue:
    return MetricValue(value=value, unit=unit, uncertainty=uncertainty)


def kgce(value: float, uncertainty: float | None = None) -> dict[str, MetricValue]:
    return {"kgce_per_t": metric(value, "kgce/t", uncertainty)}


def test_the_published_furnace_of_45_tonnes_reaches_level_3() -> None:
    grade = grade_value("gb21256.eaf", 70.0, {"capacity_t": 45.0})
    assert (grade.level, grade.reached, grade.next_level) == ("3", "level 3", "1")
    assert (grade.next_value, grade.gap) == (61.0, 9.0)
    assert grade.gap_percent == pytest.approx(900 / 61)


@pytest.mark.parametrize(
    ("quality", "value", "published"),
    [
        (1.0, (100.0, 805.0), "D"),
        (1.0, (0.0, 544.0), "A"),
        (1.0, (100.0, 264.0), "A"),
        (0.0, (100.0, 547.0), "D"),
        (0.0, (100.0, 170.0), "A"),
        (1.0, (100.0, 658.0), "C"),
    ],
)
def test_the_published_plants_reach_their_less_class(
    quality: float, value: tuple[float, float], published: str
) -> None:
    conditions = {"quality_steel": quality, "scrap_share_percent": value[0]}
    assert grade_value("less.qst" if quality else "less.bst", value[1], conditions).level == published


def test_beyond_the_last_limit_less_has_an_open_class() -> None:
    conditions = {"quality_steel": 1.0, "scrap_share_percent": 100.0}
    worst = grade_value("less.qst", 850.1, conditions)
    assert (worst.level, worst.reached, worst.next_level) == ("E", "class E", "D")
    assert grade_value("less.qst", 850.0, conditions).level == "D"


def test_the_published_limit_of_responsible_steel() -> None:
    share = {"scrap_share_metallic_percent": 20.0}
    steps = {step.level: step.value for step in grade_value("responsiblesteel.progress", 3000.0, share).steps}
    assert steps["1"] == pytest.approx(2340.0, rel=1e-9)


@pytest.mark.parametrize(
    ("ladder", "value", "level", "reached"),
    [
        ("gb16780.clinker", 100.0, "1", "level 1"),
        ("gb16780.clinker", 100.01, "2", "level 2"),
        ("gb16780.clinker", 117.0, "3", "level 3"),
        ("gb16780.clinker", 117.01, "none", "none: worse than level 3"),
        ("ndrc723.clinker", 118.0, "none", "none: worse than baseline"),
        ("gb21342.coke_top", 110.0, "1", "level 1"),
        ("tcab0078.hydrogen", 4900.0, "clean", "clean"),
        ("tcab0078.hydrogen", 4901.0, "low-carbon", "low-carbon"),
    ],
)
def test_a_limit_itself_is_met(ladder: str, value: float, level: str, reached: str) -> None:
    grade = grade_value(ladder, value)
    assert (grade.level, grade.reached) == (level, reached)


def test_at_the_best_level_there_is_no_next() -> None:
    grade = grade_value("gb16780.clinker", 95.0)
    assert (grade.next_level, grade.next_value, grade.gap, grade.gap_percent) == ("", None, None, None)


def test_what_misses_all_levels_is_measured_against_the_last() -> None:
    grade = grade_value("gb16780.clinker", 120.0)
    assert (grade.next_level, grade.gap) == ("3", 3.0)


@pytest.mark.parametrize(("u", "others"), [(None, []), (0.4, []), (0.6, ["1"]), (7.0, ["1", "3"])])
def test_the_uncertainty_says_what_else_it_could_be(u: float | None, others: list[str]) -> None:
    assert grade_value("gb16780.clinker", 100.5, uncertainty=u).could_be == others


def test_an_unknown_scale_is_answered_with_the_nearest() -> None:
    with pytest.raises(LookupError, match=r"no scale 'gb21256\.eag'; did you mean 'gb21256\.eaf'"):
        grade_value("gb21256.eag", 70.0)


def graded(subject: Subject, metrics: dict[str, MetricValue]) -> dict[str, tuple[str, str]]:
    return {one.ladder: (one.reached, one.why) for one in grades(subject, metrics, CATALOGUE)}


def test_a_line_is_graded_where_it_is_alike_and_told_why_elsewhere() -> None:
    found = graded(EAF, kgce(63.0))
    assert found["gb21256.eaf"] == ("level 2", "")
    assert found["iea.near_zero_steel"][0] == ""
    assert "slides with the share of scrap in the charge" in found["iea.near_zero_steel"][1]
    assert "per tonne of hot-rolled steel, this line counts crude steel" in found["less.qst"][1]
    assert next(one.ladder for one in grades(EAF, kgce(63.0), CATALOGUE)) == "gb21256.eaf"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"conditions": {}}, "it is for capacity_t"),
        ({"boundary": {}}, "this line 'nothing stated'"),
        ({"product": "liquid steel"}, "this line counts liquid steel"),
    ],
)
def test_a_scale_that_does_not_apply_says_why(changes: dict[str, object], says: str) -> None:
    reached, why = graded(replace(EAF, **changes), kgce(63.0))["gb21256.eaf"]
    assert reached == ""
    assert says in why


def test_a_measured_scrap_share_slides_the_scale_and_goes_before_a_declared_one() -> None:
    measured = {
        "co2_cradle_kg_per_t": metric(100.0, "kg CO2e/t"),
        "recycled_share_percent": metric(80.0, "%", 5.0),
    }
    subject = replace(EAF, conditions={"capacity_t": 100.0, "scrap_share_percent": 10.0})
    (grade,) = [one for one in grades(subject, measured, CATALOGUE) if one.ladder == "iea.near_zero_steel"]
    assert (grade.level, grade.steps[0].value) == ("near-zero", pytest.approx(120.0))
    assert grade.could_be == ["low-emission A"]  # 5 % of share are 17.5 kg/t of the limit, more of band A


def test_responsible_steel_takes_its_own_share_only() -> None:
    boundary = {"co2_cradle_kg_per_t": "cradle to crude steel, full CO2e"}
    measured = {
        "co2_cradle_kg_per_t": metric(1500.0, "kg CO2e/t"),
        "recycled_share_percent": metric(40.0, "%"),
    }
    raw = replace(EAF, boundary=boundary, conditions={})
    assert "declare internal_scrap_percent" in graded(raw, measured)["responsiblesteel.progress"][1]
    known = replace(raw, conditions={"internal_scrap_percent": 10.0})
    (grade,) = [one for one in grades(known, measured, CATALOGUE) if not one.why]
    share = 0.98 * 30 / (0.98 * 30 + 0.94 * 60)
    assert grade.steps[-1].value == pytest.approx(2800 - 2300 * share)
    assert metallic_share(100.0) == 100.0
    assert metallic_share(100.0, 100.0) == 0.0


def test_a_recycled_share_is_met_from_above() -> None:
    for share, verdict in ((21.9, "misses"), (22.0, "meets"), (60.0, "meets")):
        found = compare(EAF, {"recycled_share_percent": metric(share, "%")}, CATALOGUE)
        assert {c.id: c.verdict for c in found}["target.cn2027.scrap_steel"] == verdict


LADDERS: dict[str, list[Benchmark]] = defaultdict(list)
for one in CATALOGUE.values():
    LADDERS[one.ladder].append(one)
del LADDERS[""]
SLIDING = sorted(name for name, rows in LADDERS.items() if rows[0].scrap_slope)


def test_the_rows_of_a_scale_are_of_one_metric_and_its_levels_rise() -> None:
    assert len(LADDERS) > 100
    for name, rows in LADDERS.items():
        assert len({(row.metric, row.unit, row.better, row.share) for row in rows}) == 1, name
        classes: dict[str, list[Benchmark]] = defaultdict(list)
        for row in rows:
            classes[str(row.when)].append(row)
        for same in classes.values():
            assert len({row.level for row in same}) == len(same), name
            if all(row.level in "123" for row in same):
                by_level = [row.value for row in sorted(same, key=lambda row: row.level)]
                assert by_level == sorted(by_level), name


@given(ladder=st.sampled_from(SLIDING), share=st.floats(0, 100), value=st.floats(0, 6000))
def test_a_sliding_scale_stays_in_order_and_grades_what_it_says(
    ladder: str, share: float, value: float
) -> None:
    conditions = {"scrap_share_percent": share, "scrap_share_metallic_percent": share}
    conditions["quality_steel"] = 0.0 if ladder == "less.bst" else 1.0
    grade = grade_value(ladder, value, conditions, benchmarks=CATALOGUE)
    limits = [step.value for step in grade.steps]
    assert all(a < b for a, b in pairwise(limits))
    met = [step.level for step in grade.steps if value <= step.value]
    beyond = "E" if ladder.startswith("less") else "none"
    assert grade.level == (met[0] if met else beyond)
    assert (grade.gap is None) == (grade.level == grade.steps[0].level)
    assert grade.gap is None or grade.gap > 0.0


@given(share=st.floats(0, 100))
def test_sliding_lines_are_the_published_formulas(share: float) -> None:
    s = share / 100.0
    given_ = Circumstances({"scrap_share_percent": share, "scrap_share_metallic_percent": share}, {})
    formulas = {
        "steel.nearzero.iea": 400 - 350 * s,
        "steel.lowemission.iea.e": 2400 - 2100 * s,
        "steel.responsiblesteel.pl1": 2800 - 2300 * s,
        "steel.responsiblesteel.pl3": 1200 - 1000 * s,
        "steel.less.near_zero.qst": 520 - 3.5 * share,
        "steel.less.bst.c": 4 * (470 - 3.5 * share),
        "steel.fmc.near_zero": 400 - 350 * s,
        "steel.steelzero.lower_emission": 2000 - 1650 * s,
    }
    for name, expected in formulas.items():
        assert limit_at(CATALOGUE[name], given_).value == pytest.approx(expected, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize(
    ("value", "level", "next_level"),
    [(108.0, "1", ""), (112.0, "1", ""), (116.0, "3", "1"), (150.0, "none", "3")],
)
def test_a_correction_that_only_some_levels_have_does_not_turn_the_scale_around(
    value: float, level: str, next_level: str
) -> None:
    """Coke of an old oven: level 1 is 115.5 and level 2, which the age does not correct, 110."""
    found = grade_value("gb21342.coke_top", value, {"oven_age_years": 30.0})
    assert [step.level for step in found.steps] == ["1", "2", "3"]
    assert (found.level, found.next_level) == (level, next_level)
