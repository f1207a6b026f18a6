"""What a comparison may say, and when it may not."""

import pytest
from msgspec.structs import replace

from greenhearth.quality import Validity
from greenhearth.wire import Event, LineInfo, MetricValue
from greenhearth_gateway.benchmarks import Benchmark, Ladder
from greenhearth_gateway.live import WindowState
from greenhearth_gateway.views import (
    comparison_views,
    finished_view,
    grade_views,
    only_comparable,
    running_grades,
    running_views,
)

INFO = LineInfo("furnace", "Furnace", "eaf_scrap", "crude steel", "fs-1", {"kgce_per_t": "furnace"})
LIMITS = {
    name: Benchmark(
        title=name, processes=["eaf_scrap"], product="crude steel", metric="kgce_per_t", value=value,
        unit="kgce/t", original_value=value, original_unit="kgce/t", boundary="furnace", kind="limit",
        ladder="gb", level=level, scale=Ladder(title="Scale", word="level"),
        jurisdiction="CN", valid_from="2026", source="GB 21256", confidence="high",
    )
    for name, value, level in (("low", 61.0, "1"), ("high", 86.0, "3"))
}  # fmt: skip
METRICS = {"kgce_per_t": MetricValue(70.0, "kgce/t", 1.0)}
EVENT = Event(epoch=1, seq=1, t_ns=1, what="batch_finished", subject="furnace", metrics=METRICS)


def verdicts(window: str) -> dict[str, str]:
    """Verdicts of a running window."""
    state = WindowState(validity=int(Validity.PRODUCT_ESTIMATED), coverage=1.0, metrics=METRICS)
    return {one.benchmark: one.verdict for one in running_views(LIMITS, INFO, window, state)}


def test_a_running_batch_can_miss_a_limit_but_has_not_met_one_yet() -> None:
    assert verdicts("batch") == {"low": "misses", "high": ""}
    assert verdicts("1h") == {"low": "misses", "high": "meets"}


@pytest.mark.parametrize("validity", [v for v in Validity if v > Validity.PRODUCT_ESTIMATED])
def test_a_result_that_is_not_valid_is_held_against_nothing(validity: Validity) -> None:
    found = comparison_views(LIMITS, INFO, METRICS, int(validity))

    assert len(found) == len(LIMITS)
    assert not any(one.comparable for one in found)
    assert all(f"its result is not valid ({validity.name})" in one.why for one in found)


def test_a_valid_window_is_graded_with_the_gap_to_the_next_level() -> None:
    state = WindowState(validity=int(Validity.VALID), coverage=1.0, metrics=METRICS)
    (grade,) = running_grades(LIMITS, INFO, "1h", state)

    assert (grade.reached, grade.next_level, grade.gap) == ("level 3", "1", 9.0)
    assert grade.gap_percent == pytest.approx(900 / 61)
    assert [(step.level, step.value) for step in grade.steps] == [("1", 61.0), ("3", 86.0)]
    assert running_grades(LIMITS, INFO, "batch", state) == []


def test_a_result_that_is_not_valid_is_graded_on_nothing() -> None:
    (grade,) = grade_views(LIMITS, INFO, METRICS, int(Validity.PRODUCT_ZERO))

    assert grade.reached == ""
    assert "its result is not valid (PRODUCT_ZERO)" in grade.why


def test_a_finished_batch_keeps_the_grades_that_apply_only() -> None:
    view = finished_view(LIMITS, replace(INFO, product="slab"), EVENT)
    assert view.grades[0].why
    assert only_comparable(view).grades == []
    assert only_comparable(finished_view(LIMITS, INFO, EVENT)).grades[0].reached == "level 3"
