"""What a comparison may say, and when it may not."""

import pytest

from greenhearth.quality import Validity
from greenhearth.wire import LineInfo, MetricValue
from greenhearth_gateway.benchmarks import Benchmark
from greenhearth_gateway.live import WindowState
from greenhearth_gateway.views import comparison_views, running_views

INFO = LineInfo("furnace", "Furnace", "eaf_scrap", "crude steel", "fs-1", {"kgce_per_t": "furnace"})
LIMITS = {
    name: Benchmark(
        title=name, processes=["eaf_scrap"], product="crude steel", metric="kgce_per_t", value=value,
        unit="kgce/t", original_value=value, original_unit="kgce/t", boundary="furnace", kind="limit",
        jurisdiction="CN", valid_from="2026", source="GB 21256", confidence="high",
    )
    for name, value in (("low", 61.0), ("high", 86.0))
}  # fmt: skip
METRICS = {"kgce_per_t": MetricValue(70.0, "kgce/t", 1.0)}


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
