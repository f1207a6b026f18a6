"""The journal as a series store."""

from itertools import pairwise

import pytest

from greenhearth.clock import NS
from greenhearth_gateway.intake import Source
from greenhearth_gateway.store.embedded import EmbeddedStore, Span, thinned

EDGE = Source("works", "edge")


@pytest.fixture
def store(desk):
    return EmbeddedStore(desk.reader)


def test_a_trend_holds_every_result_of_its_span(desk, store, agent, make):
    birth = agent.birth()
    records = [agent.record(energy=400.0 + n, validity=n % 4) for n in range(20)]
    desk.writer.write([agent.frame(birth), agent.frame(*records)])
    span = Span(records[5].t_ns, records[14].t_ns, 100)
    trend = store.trend(EDGE, "furnace", "batch", "energy_kwh_per_t", span)
    assert trend.t_ns == [record.t_ns for record in records[5:15]]
    assert trend.value == [405.0 + n for n in range(10)]
    assert trend.validity == [n % 4 for n in range(5, 15)]
    assert (trend.unit, set(trend.uncertainty)) == ("kWh/t", {2.5})


def test_a_trend_goes_on_over_a_new_birth_that_numbers_its_lines_differently(desk, store, agent, make):
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record(energy=1.0))])
    agent.epoch = 8
    birth, record = agent.birth(), agent.record(energy=2.0)
    birth.lines.reverse()
    birth.metrics.reverse()
    birth.metric_units.reverse()
    record.results[0].l = 1
    record.results[0].x.reverse()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    trend = store.trend(EDGE, "furnace", "batch", "energy_kwh_per_t", Span(0, 1 << 62, 100))
    assert trend.value == [1.0, 2.0]


def test_a_history_holds_values_at_their_response_times_with_quality(desk, store, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(6)]
    desk.writer.write([agent.frame(birth), agent.frame(*records)])
    found = store.history(EDGE, "kiln.coal_t", Span(0, 1 << 62, 100))
    assert found.t_ns == [record.t_ns + 2_500_000 for record in records]
    assert found.value == [None if record.seq % 5 == 0 else record.seq / 7 for record in records]
    assert found.quality == [128 if record.seq % 5 == 0 else 64 for record in records]
    assert found.unit == "t"


def test_what_is_not_known_is_empty(desk, store, agent):
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record())])
    span = Span(0, 1 << 62, 100)
    assert store.history(EDGE, "furnace.nothing", span).t_ns == []
    assert store.trend(EDGE, "furnace", "24h", "energy_kwh_per_t", span).t_ns == []
    assert store.trend(Source("works", "nobody"), "furnace", "batch", "energy_kwh_per_t", span).t_ns == []


def test_a_long_span_is_thinned_at_equal_steps_and_keeps_the_newest(desk, store, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(100)]
    desk.writer.write([agent.frame(birth), agent.frame(*records)])
    trend = store.trend(EDGE, "furnace", "batch", "energy_kwh_per_t", Span(0, 1 << 62, 30))
    assert len(trend.t_ns) <= 30
    assert trend.t_ns[-1] == records[-1].t_ns
    assert {b - a for a, b in pairwise(trend.t_ns)} == {4 * NS}


@pytest.mark.parametrize(("n", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (1000, 7), (3, 1)])
def test_thinning_never_gives_more_than_asked(n, most):
    chosen = thinned(list(range(n)), most)
    assert len(chosen) <= most
    assert chosen == sorted(chosen)
    assert not n or chosen[-1] == n - 1
