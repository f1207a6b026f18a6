"""What the document of a run chooses: the last result that can be trusted, the benchmark that is nearest."""

from typing import Any

import pytest

from greenhearth_cli.count import Count
from greenhearth_cli.summary import ENERGY, Shown, document, last_result, nearest_benchmark
from greenhearth_gateway.web.types import (
    AlarmRow,
    Alarms,
    AlarmView,
    ComparisonView,
    FinishedView,
    LineView,
    MetricView,
    Overview,
)

NOW_NS = 1_700_000_000_000_000_000
CLOSED = Count(3, 3, 0, 0, 0, 0)
METRICS = {
    "energy_kwh_per_t": MetricView(value=540.0, unit="kWh/t", uncertainty=7.0),
    "co2_total_kg_per_t": MetricView(value=256.0, unit="kg CO2e/t", uncertainty=3.0),
}


def _made(kind: Any, **given: Any) -> Any:
    """Build a view with `given` values, and the emptiest that its types allow for the rest."""
    empty = {str: "", int: 0, float: 0.0, bool: False}
    values = {}
    for name, field in kind.model_fields.items():
        if field.is_required():
            values[name] = empty.get(field.annotation, [] if "list" in str(field.annotation) else None)
            if "dict" in str(field.annotation):
                values[name] = {}
    return kind.model_construct(**{**values, **given})


def _comparison(metric: str, gap: float | None) -> ComparisonView:
    comparable = gap is not None
    given = {"benchmark": f"{metric}:{gap}", "metric": metric, "comparable": comparable, "gap_percent": gap}
    found: ComparisonView = _made(
        ComparisonView, **given, title="Level 1", why="" if comparable else "another product"
    )
    return found


def _finished(what: str = "batch_finished", validity: int = 0, **given: Any) -> FinishedView:
    names = {0: "VALID", 3: "PARTIAL", 5: "NO_DATA"}
    found: FinishedView = _made(
        FinishedView,
        **{"what": what, "validity": validity, "validity_name": names[validity], "metrics": METRICS, **given},
    )
    return found


def _line(name: str = "furnace", batch_word: str = "heat") -> LineView:
    found: LineView = _made(LineView, line=name, batch_word=batch_word)
    return found


def _shown(finished: dict[str, list[FinishedView]], alarms: Alarms | None = None) -> Shown:
    overview = _made(Overview, now_ns=NOW_NS, speed=60.0, lines=[_line(name) for name in finished])
    return Shown(overview, alarms or Alarms(alarms=[], journal=[]), finished)


def test_a_quarter_of_an_hour_is_no_result_of_a_line_that_has_heats() -> None:
    """Windows end inside a heat; the heat is what is compared."""
    window, heat = _finished("window_finished"), _finished(batch="48213")
    assert last_result(_line(), [window, heat]) is heat
    assert last_result(_line("kiln", ""), [window]) is window


def test_the_newest_valid_result_comes_before_a_newer_partial_one() -> None:
    """At midnight a day that was hardly seen ends together with a quarter that was."""
    day, quarter, older = _finished(validity=3), _finished(), _finished()
    assert last_result(_line(), [day, quarter, older]) is quarter
    assert last_result(_line(), [day]) is day
    assert last_result(_line(), []) is None


def test_the_nearest_comparable_benchmark_is_chosen() -> None:
    """Nearest by gap, whichever side it lies on."""
    found = [_comparison(ENERGY[0], gap) for gap in (12.0, -3.0, None, 5.0)]
    assert nearest_benchmark(found, ENERGY) is found[1]
    assert nearest_benchmark([found[2]], ENERGY) is None


def test_a_benchmark_of_the_headline_metric_comes_before_a_nearer_one_of_another() -> None:
    """kWh/t of energy is compared with kWh/t of energy where there is such a figure."""
    headline, other = _comparison(ENERGY[0], 20.0), _comparison(ENERGY[1], 0.1)
    assert nearest_benchmark([other, headline], ENERGY) is headline


def test_a_run_is_fine_when_every_line_has_a_result_and_the_count_closes() -> None:
    """The document says so in one word."""
    found = document(_shown({"furnace": [_finished(batch="1")]}), CLOSED, ["furnace"])
    assert found["ok"] is True
    assert found["problems"] == []
    assert found["count"]["closes"] is True
    assert found["plant_time"] == "2023-11-14T22:13:20.000Z"
    assert found["lines"]["furnace"]["energy"]["no_benchmark_because"]


@pytest.mark.parametrize(
    ("finished", "count", "said"),
    [
        ({"kiln": [_finished()]}, CLOSED, "line 'furnace' has no finished batch or window"),
        ({"furnace": []}, CLOSED, "line 'furnace' has no finished batch or window"),
        ({"furnace": [_finished(validity=5, metrics={})]}, CLOSED, "without a result (NO_DATA)"),
        ({"furnace": [_finished()]}, Count(4, 3, 0, 0, 0, 0), "1 items are unaccounted for"),
    ],
    ids=["no such line", "nothing finished", "no value", "count"],
)
def test_a_run_is_not_fine_without_a_result_or_with_an_open_count(
    finished: dict[str, list[FinishedView]], count: Count, said: str
) -> None:
    """Each problem is a sentence."""
    found = document(_shown(finished), count, ["furnace"])
    assert found["ok"] is False
    assert any(said in problem for problem in found["problems"])


def test_alarms_are_counted_for_their_line_when_they_are_raised() -> None:
    """Acknowledging and returning are rows of the journal too, but no new alarms."""
    alarm = _made(AlarmView, id="high", line="furnace")
    moves = [
        ("normal", "unack"),
        ("unack", "ack"),
        ("ack", "normal"),
        ("normal", "unack"),
        ("unack", "returned_unack"),
    ]
    rows = [_made(AlarmRow, id="high", t_ns=NOW_NS, was=was, state=state) for was, state in moves]
    alarms = Alarms.model_construct(alarms=[alarm], journal=rows)
    found = document(_shown({"furnace": [_finished()]}, alarms), CLOSED, ["furnace"])
    assert found["lines"]["furnace"]["alarms_raised"] == 2
    assert len(found["alarms"]) == 5
