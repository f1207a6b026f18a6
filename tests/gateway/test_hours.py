"""The public count hour by hour: exact at every moment, across restarts, restored disks and lost items."""

import random

import pytest

from greenhearth import wire
from greenhearth.clock import NS
from greenhearth.seqset import SeqSet
from greenhearth.wire_counts import HOUR_COUNTED, HOUR_NS, HourRun, decode_run, encode_run
from greenhearth_gateway.count_views import SETTLED_S, count_views, hour_views, missing_sentence
from greenhearth_gateway.hours import Ledger, count_hours
from greenhearth_gateway.intake import Source
from greenhearth_gateway.live import Hub

EDGE = Source("works", "edge")
H0 = 1_767_225_600 * NS
H1 = H0 + HOUR_NS


def seqs(*ranges):
    return SeqSet(ranges)


def health(hour, epoch=7, measured=None, **changes):
    values = {"v": 1, "agent": "edge", "epoch": epoch, "t_ns": H0, "waiting": 0, "dropped": 0, "readings": 0}
    measured = hour.last if measured is None else measured
    values |= {"measured": measured, "hour": hour, "waiting_ranges": []}
    return wire.Health(**(values | changes))


@pytest.fixture
def hub(desk):
    """A hub that hears of every commit; `tell(run)` has an agent's event committed."""
    one = Hub()
    desk.writer.on_commit.append(one.apply)
    return one


def hours(hub):
    (found,) = hour_views(hub, "edge", 0)
    return {(one.hour_ns - H0) // HOUR_NS: one for one in found.hours}


def count(hub):
    return hub.count_of(EDGE)


def say_hour(agent, run):
    return wire.Event(
        agent.epoch, agent.next_seq(), H0 + agent.seq * NS, HOUR_COUNTED, agent.name, detail=encode_run(run)
    )


def test_a_run_reads_back_and_what_cannot_be_is_refused():
    run = HourRun(7, H0, 1, 60, 600, final=True)
    assert decode_run(encode_run(run)) == run
    for wrong in (HourRun(7, H0, 5, 4), HourRun(0, H0, 1, 2), HourRun(7, H0 + 1, 1, 2), HourRun(7, H0, 0, 2)):
        with pytest.raises(ValueError, match="cannot be"):
            decode_run(encode_run(wrong))


@pytest.mark.parametrize("seed", range(40))
def test_every_number_of_every_hour_is_in_exactly_one_place(seed):
    rng = random.Random(seed)
    kinds = ("stored", "quarantined", "waiting", "dropped", "lost", "both")
    places = {k: rng.choice(kinds) for k in range(1, 301)}
    ends = [*sorted(rng.sample(range(1, 300), 4)), 300]
    runs, first = [], 1
    for n, last in enumerate(ends):
        runs.append(HourRun(7, H0 + n * HOUR_NS, first, last))
        first = last + 1
    of = {k: {n for n, place in places.items() if place == k} for k in set(places.values())}
    here = of.get("stored", set()) | of.get("quarantined", set()) | of.get("both", set())
    waiting = of.get("waiting", set()) | of.get("both", set())
    dropped = {}
    for run in runs:
        dropped[run.hour_ns] = len(of.get("dropped", set()) & set(range(run.first, run.last + 1)))
    refused = {7: seqs(*((n, n) for n in of.get("quarantined", ())))}
    ledger = Ledger(
        runs, {7: seqs(*((n, n) for n in here))}, refused, {7: seqs(*((n, n) for n in waiting))}, dropped,
        most_dropped=sum(dropped.values()),
    )  # fmt: skip
    for run, found in zip(runs, count_hours(ledger), strict=True):
        mine = [places[n] for n in range(run.first, run.last + 1)]
        assert found.stored == mine.count("stored") + mine.count("both")
        assert (found.quarantined, found.waiting) == (mine.count("quarantined"), mine.count("waiting"))
        assert (found.dropped, found.difference) == (mine.count("dropped"), mine.count("lost"))
    settled = dict(ledger.settled)
    assert count_hours(ledger) == count_hours(ledger), "what is settled counts the same again"
    assert settled == ledger.settled


def test_the_running_hour_is_counted_from_the_health_message_and_the_full_one_from_its_event(
    hub, desk, agent
):
    birth, records = agent.birth(), [agent.record() for _ in range(5)]
    desk.writer.write([agent.frame(birth), agent.frame(*records[:4])])
    running = HourRun(7, H0, 1, 6, 50)
    hub.set_health(EDGE, health(running, waiting=2, waiting_ranges=[(7, 5, 6)]))
    one = hours(hub)[0]
    assert (one.measured, one.stored, one.waiting, one.difference, one.running) == (6, 5, 1, 0, True)
    assert (count(hub).overlap, count(hub).difference) == (1, 0)
    desk.writer.write([agent.frame(records[4])])
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H0, 1, 6, 60)))])
    hub.set_health(EDGE, health(HourRun(7, H1, 7, 7), measured=7))
    assert [(n, h.state, h.running) for n, h in hours(hub).items()] == [
        (0, "closes", False),
        (1, "closes", True),
    ]
    assert hours(hub)[0].readings == 60


def test_an_hour_is_known_after_a_restart_of_the_gateway(hub, desk, agent):
    items = [agent.birth(), agent.record(), agent.record()]
    items[2].results[0].l = 5  # refused: such a line is not in the birth
    desk.writer.write([agent.frame(items[0]), agent.frame(*items[1:])])
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H0, 1, 3, 6)))])
    again = Hub()
    again.load(desk.reader, desk.writer.books, desk.writer.alarm_states)
    again.set_health(EDGE, health(HourRun(7, H1, 4, 4)))
    assert (hours(again)[0].stored, hours(again)[0].quarantined, hours(again)[0].difference) == (2, 1, 0)
    assert count(again).closes


def test_an_item_that_is_gone_is_named_with_its_hour_once_it_is_no_longer_in_flight(
    hub, desk, agent, monkeypatch
):
    birth, records = agent.birth(), [agent.record() for _ in range(5)]
    desk.writer.write([agent.frame(birth), agent.frame(*records[:3], *records[4:])])
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H0, 1, 6)))])
    running = HourRun(7, H1, 7, 7)
    hub.set_health(EDGE, health(running, waiting=1, waiting_ranges=[(7, 5, 5)]))
    assert (hours(hub)[0].state, count(hub).difference) == ("waiting", 0)
    hub.set_health(EDGE, health(running))
    assert (hours(hub)[0].state, hours(hub)[0].difference, count(hub).difference) == ("missing", 1, 1)
    edge = hub.agents[EDGE]
    assert missing_sentence(hub, edge) == "", "it may still be in flight"
    edge.off_since -= SETTLED_S
    text = missing_sentence(hub, edge)
    assert "1 measured item(s) of agent works/edge are missing (1 of 2026-01-01 00:00 to 01:00 UTC)" in text
    desk.writer.write([agent.frame(records[3], lane="backlog")])
    hub.set_health(EDGE, health(running))
    assert (edge.off_since, missing_sentence(hub, edge)) == (None, "")


def test_a_single_missing_item_shows_even_while_others_are_always_in_flight(hub, desk, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(30)]
    desk.writer.write([agent.frame(birth), agent.frame(records[0])])
    for n in range(2, 30):  # every health message finds one stored item still waiting; record 1 is lost
        desk.writer.write([agent.frame(records[n])])
        last = n + 2
        hub.set_health(EDGE, health(HourRun(7, H0, 1, last), waiting=1, waiting_ranges=[(7, last, last)]))
        assert count(hub).difference == 1, n


def test_a_killed_agent_leaves_no_phantom_items(hub, desk, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(3)]
    desk.writer.write([agent.frame(birth), agent.frame(*records)])
    hub.set_health(EDGE, health(HourRun(7, H0, 1, 6), waiting=2, waiting_ranges=[(7, 5, 6)]))
    agent.epoch, agent.seq = 8, 0
    hub.set_health(EDGE, health(HourRun(8, H0, 1, 2), 8, measured=6, waiting=2, waiting_ranges=[(8, 1, 2)]))
    assert count(hub).closes
    told = [agent.birth(), say_hour(agent, HourRun(7, H0, 1, 4, 8, final=True))]
    desk.writer.write([agent.frame(told[0]), agent.frame(told[1])])
    hub.set_health(EDGE, health(HourRun(8, H0, 1, 2), 8, measured=6))
    assert (hours(hub)[0].measured, hours(hub)[0].state, count(hub).closes) == (6, "closes", True)


def test_items_sent_while_the_disk_refused_them_are_an_overlap_not_a_fault(hub, desk, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(5)]
    desk.writer.write([agent.frame(birth), agent.frame(*records)])  # 1..6 came, the disk had 1..4
    agent.epoch, agent.seq = 8, 0
    told = [agent.birth(), say_hour(agent, HourRun(7, H0, 1, 4, final=True))]
    desk.writer.write([agent.frame(told[0]), agent.frame(told[1])])
    for measured, dropped in ((6, 0), (8, 2)):  # without, and with, the agent's own tally of them
        hub.set_health(EDGE, health(HourRun(8, H0, 1, 2), 8, measured=measured, dropped=dropped))
        assert (count(hub).overlap, count(hub).difference) == (2, 0)
        assert (hours(hub)[0].measured, hours(hub)[0].difference) == (8, 0)


def test_given_up_items_belong_to_their_hour_and_never_look_missing(hub, desk, agent):
    desk.writer.write([agent.frame(agent.birth())])
    agent.seq = 20
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H0, 1, 10)))])
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H1, 11, 20)))])
    running = HourRun(7, H1 + HOUR_NS, 21, 22)
    for told in ([(H0, 9), (H1, 10)], [(H1, 10)], []):  # also when the agent has forgotten of which hour
        hub.set_health(EDGE, health(running, dropped=19, dropped_hours=told))
        assert [(h.dropped, h.difference) for h in hours(hub).values()] == [(9, 0), (10, 0), (0, 0)]
        assert count(hub).closes
    hub.set_health(EDGE, health(running, dropped=18, dropped_hours=[(H0, 8), (H1, 10)]))
    assert [h.difference for h in hours(hub).values()] == [1, 0, 0]
    assert count(hub).difference == 1


def test_a_gateway_put_back_to_an_older_state_says_what_it_lacks(hub, desk, agent):
    birth, records = agent.birth(), [agent.record() for _ in range(50)]
    desk.writer.write([agent.frame(birth), agent.frame(*records[:9])])
    hub.set_health(EDGE, health(HourRun(7, H1, 41, 51), waiting=1, waiting_ranges=[(7, 51, 51)]))
    assert (
        count(hub).difference == 40
    )  # 11..50; 41..50 of the running hour, the others of hours that were lost
    hub.agents[EDGE].off_since -= SETTLED_S
    text = missing_sentence(hub, hub.agents[EDGE])
    assert "40 measured item(s)" in text
    assert "(10 of 2026-01-01 01:00 to 02:00 UTC, 30 of other hours)" in text


def test_an_agent_put_back_to_an_older_state_is_told_apart_from_a_loss(hub, desk, agent):
    desk.writer.write([agent.frame(agent.birth()), agent.frame(*[agent.record() for _ in range(9)])])
    agent.epoch, agent.seq = 8, 0
    desk.writer.write([agent.frame(agent.birth())])
    hub.set_health(EDGE, health(HourRun(8, H0, 1, 1), 8, measured=4))
    assert count(hub).difference == -7
    hub.agents[EDGE].off_since -= SETTLED_S
    assert "put back to an older state, or two agents use one name" in missing_sentence(hub, hub.agents[EDGE])


def test_an_agent_that_cannot_list_what_waits_gets_the_benefit_of_the_doubt_up_to_its_sum(hub, desk, agent):
    desk.writer.write([agent.frame(agent.birth())])
    agent.seq = 20
    desk.writer.write([agent.frame(say_hour(agent, HourRun(7, H0, 1, 10)))])
    hub.set_health(EDGE, health(HourRun(7, H1, 11, 21), waiting=19, waiting_ranges=None))
    assert [(h.waiting, h.difference) for h in hours(hub).values()] == [(9, 0), (10, 0)]
    hub.set_health(EDGE, health(HourRun(7, H1, 11, 21), waiting=12, waiting_ranges=None))
    assert [(h.waiting, h.difference) for h in hours(hub).values()] == [(2, 7), (10, 0)]


def test_a_list_that_does_not_fit_its_sum_is_not_believed(hub, desk, agent):
    desk.writer.write([agent.frame(agent.birth())])
    hub.set_health(EDGE, health(HourRun(7, H0, 1, 5), waiting=4, waiting_ranges=[(7, 5, 2)]))
    assert count(hub).closes


def test_the_time_to_drain_follows_from_what_is_waiting_less_and_less(hub, desk, agent, monkeypatch, make):
    from greenhearth.clock import Clock
    from greenhearth_gateway.backlog import Backlog

    backlog = Backlog()
    for second in range(11):
        backlog.came("backlog", 100)
        backlog.came("live")
        backlog.heard(1000.0 + second, 5000 - 99 * second)
    assert backlog.drained_per_s() == pytest.approx(99.0)
    assert backlog.drain_s(4010) == pytest.approx(40.5, abs=0.1)
    assert (backlog.live_per_s(), backlog.late_per_s()) == (pytest.approx(1.0), pytest.approx(100.0))
    assert Backlog().drain_s(7) is None
    assert Backlog().drain_s(0) == 0.0
    desk.writer.write([agent.frame(agent.birth())])
    hub.set_health(
        EDGE, health(HourRun(7, H0, 1, 3), waiting=2, waiting_ranges=[(7, 2, 3)], oldest_waiting_ns=H0)
    )
    (view,) = count_views(hub, Clock(H0 + 60 * NS, __import__("time").monotonic_ns(), 60.0))
    assert (view.backlog.waiting, view.backlog.drain_s) == (2, None)
    assert view.backlog.oldest_age_s == pytest.approx(1.0, abs=0.5), "a person's seconds"
