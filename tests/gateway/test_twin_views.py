"""Green twins at the gateway: kept, beside the line's own figures, and why there is none."""

import msgspec
import pytest

from greenhearth import wire
from greenhearth.clock import NS
from greenhearth.factor_sets import FactorInfo
from greenhearth.quality import Validity
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.past import expanded_set, finished_between
from greenhearth_gateway.live import Hub
from greenhearth_gateway.store.lines import event_lines
from greenhearth_gateway.twin_ledger import TwinLedger
from greenhearth_gateway.twin_views import twin_views, why_no_twins

TWIN = "eaf_scrap__eaf_near_zero"
HOUR = 3600 * NS
INFO = wire.TwinInfo(
    "The same steel", "eaf_near_zero", "Near-zero electric steelmaking", "typical", "same scrap", "fs-twin",
    {"grid.x": FactorInfo(0.5, "kgCO2/kWh", "2023", "here", roles=["grid"])},
)  # fmt: skip
FURNACE = wire.LineInfo(
    "furnace", "Furnace 1", "eaf_scrap", "crude steel", "fs-1", batch_word="heat", twins={TWIN: INFO}
)
OURS = {
    "co2_total_kg_per_t": (266.0, 8.0),
    "electricity_kwh_per_t": (400.0, 4.0),
    "co2_electricity_kg_per_t": (200.0, 6.0),
    "energy_kwh_per_t": (450.0, 5.0),
    "product_t": (96.0, 0.9),
}
ITS = {
    "co2_total_kg_per_t": (230.0, 6.0),
    "electricity_kwh_per_t": (440.0, 40.0),
    "co2_electricity_kg_per_t": (220.0, 20.0),
    "energy_kwh_per_t": (455.0, 40.0),
    "product_t": (96.0, 0.0),
}
NOT_TOLD = "the agent has not told the twin's figures for that heat"
UNITS = {"product_t": "t", "energy_kwh_per_t": "kWh/t", "electricity_kwh_per_t": "kWh/t"}


def event(
    what: str, figures: dict[str, tuple[float | None, float]], end: int = 10, **changes: object
) -> wire.Event:
    metrics = {name: wire.MetricValue(x, UNITS.get(name, "kg CO2e/t"), u) for name, (x, u) in figures.items()}
    one = wire.Event(
        7, 5, end * HOUR, what, "furnace", "batch", "4711", (end - 1) * HOUR, end * HOUR, 0, 1.0, metrics,
        "fs-twin" if what == "twin" else "fs-1", TWIN if what == "twin" else "",
    )  # fmt: skip
    return msgspec.structs.replace(one, **changes)


def ledger(*events: wire.Event) -> TwinLedger:
    found = TwinLedger()
    for one in events:
        found.take_twin(one) if one.what == "twin" else found.take_own(one)
    return found


def results(*events: wire.Event):
    (view,) = twin_views(FURNACE, ledger(*events))
    assert (view.title, view.green_title, view.source) == (INFO.title, INFO.green_title, "typical")
    return {one.window: one for one in view.results}


def test_a_heat_stands_beside_its_twin_with_gap_verdict_and_break_even():
    batch = results(event("batch_finished", OURS), event("twin", ITS))["batch"]
    assert (batch.why, batch.batch, batch.product_t, batch.factor_set) == ("", "4711", 96.0, "fs-twin")
    total, *others = batch.figures
    assert (total.ours, total.twin, total.gap, total.gap_uncertainty) == (266.0, 230.0, 36.0, 10.0)
    assert total.gap_percent == pytest.approx(100 * 36 / 266)
    assert total.verdict == "better"
    assert [(one.metric, one.verdict) for one in others] == [
        ("energy_kwh_per_t", "within uncertainty"), ("electricity_kwh_per_t", "within uncertainty")
    ]  # fmt: skip
    assert (batch.saved_kg, batch.saved_kg_uncertainty) == (36.0 * 96, 10.0 * 96)
    turn = batch.break_even
    assert (turn.better, turn.grid, turn.grid_now) == ("below", pytest.approx((66 - 10) / 40), 0.5)
    assert turn.supply == pytest.approx((266 - 10) / 440)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_coming_and_older_ones_change_nothing(order):
    events = [
        event("batch_finished", OURS),
        event("twin", ITS),
        event("twin", ITS, 9),
        event("batch_finished", OURS, 9),
    ]
    assert results(*events[::order])["batch"].end_ns == 10 * HOUR
    assert results(*events[::order])["batch"].why == ""


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "no heat has finished yet"),
        ([event("batch_finished", OURS)], NOT_TOLD),
        ([event("batch_finished", OURS, 11), event("twin", ITS)], NOT_TOLD),
        ([event("batch_finished", OURS, validity=4)], "there was no product in that heat"),
        ([event("batch_finished", OURS, validity=5)], "the line's result is not valid (NO_DATA)"),
        ([event("batch_finished", OURS, validity=3), event("twin", ITS, validity=3)],
         "the line's result is not valid (PARTIAL)"),
    ],
)  # fmt: skip
def test_why_there_is_no_comparison_is_said(events, why):
    batch = results(*events)["batch"]
    assert batch.why == why
    assert (batch.saved_kg, batch.break_even) == (None, None)
    assert all(one.gap is None and one.verdict == "" for one in batch.figures)


def test_every_validity_that_is_not_comparable_has_no_gap():
    for validity in Validity:
        batch = results(event("batch_finished", OURS, validity=int(validity)), event("twin", ITS))["batch"]
        assert bool(batch.why) == (validity > Validity.PRODUCT_ESTIMATED)


def test_the_hour_has_its_own_figures_and_a_line_without_batches_only_the_hour():
    hour = {"window": "1h", "batch": ""}
    found = results(event("window_finished", OURS, **hour), event("twin", ITS, **hour))
    assert (found["1h"].why, found["batch"].why) == ("", "no heat has finished yet")
    (view,) = twin_views(msgspec.structs.replace(FURNACE, batch_word=""), ledger())
    assert [(one.window, one.why) for one in view.results] == [("1h", "no hour has finished yet")]


def test_a_figure_that_one_side_lacks_has_no_gap():
    without = {**OURS, "co2_total_kg_per_t": (None, 0.0)}
    batch = results(event("batch_finished", without), event("twin", ITS))["batch"]
    assert (batch.figures[0].ours, batch.figures[0].twin, batch.figures[0].gap) == (None, 230.0, None)
    assert (batch.saved_kg, batch.break_even) == (None, None)


def test_a_line_without_a_twin_says_so():
    assert why_no_twins(FURNACE) == ""
    assert "process 'eaf_scrap' is on the shelf" in why_no_twins(msgspec.structs.replace(FURNACE, twins={}))


@pytest.fixture
def told(desk, agent):
    """A journal with a birth that names a twin, a finished heat and the twin's figures for it."""
    birth = agent.birth()
    birth.lines[0] = FURNACE
    own = event("batch_finished", OURS, seq=agent.next_seq())
    twin = event("twin", ITS, seq=agent.next_seq())
    hub = Hub()
    desk.writer.on_commit.append(hub.apply)
    desk.writer.write([agent.frame(birth), agent.frame(own), agent.frame(twin)])
    return desk, hub, own, twin


def test_a_twin_is_kept_in_the_journal_and_found_again_after_a_restart(told):
    desk, hub, own, twin = told
    assert hub.lines["furnace"].twins.beside(own, TWIN) == twin
    again = Hub()
    again.load(desk.reader, desk.writer.books, desk.writer.alarm_states)
    assert again.lines["furnace"].twins == hub.lines["furnace"].twins
    assert again.lines["furnace"].finished == own
    assert (desk.reader.finished("furnace", 9), desk.reader.twins("furnace", 9)) == ([own], [twin])
    assert desk.rows("SELECT count(*) FROM items") == [(3,)]


def test_a_recomputation_does_not_take_a_twin_for_a_finished_heat(told):
    desk, _, own, _ = told
    assert finished_between(desk.reader, "furnace", (0, 100 * HOUR), ["batch"]) == {
        Source("works", "edge"): [own]
    }


def test_the_factors_of_a_twin_are_found_by_the_name_of_their_set(told):
    assert expanded_set(told[0].reader, "fs-twin") == ("furnace", INFO.factors)
    assert expanded_set(told[0].reader, "fs-none") is None


def test_a_twin_has_a_measurement_of_its_own_in_line_protocol():
    """With the tags and the time of the line's own it would replace its fields."""
    source = Source("works", "edge")
    (own,), (its,) = (event_lines(source, event(what, ITS)).lines for what in ("batch_finished", "twin"))
    assert own.startswith(b"finished,site=works,agent=edge,line=furnace,window=batch ")
    assert its.startswith(f"twin,site=works,agent=edge,line=furnace,window=batch,twin={TWIN} ".encode())
    assert b"co2_total_kg_per_t=230.0,u_co2_total_kg_per_t=6.0" in its
