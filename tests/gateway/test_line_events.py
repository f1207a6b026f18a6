"""What happened on a line: anode effects in the order of their ends, twenty at most, also after a restart."""

import pytest

from greenhearth.wire import Event
from greenhearth_gateway.live import Hub
from greenhearth_gateway.views import line_event_views

SECOND = 1_000_000_000


@pytest.fixture
def hub(desk, agent):
    """A hub that hears of every commit, after the birth of two lines."""
    one = Hub()
    desk.writer.on_commit.append(one.apply)
    desk.writer.write([agent.frame(agent.birth())])
    return one


@pytest.fixture
def effect(make, agent):
    """Returns a function: an anode effect of 100 s that ended so many seconds after T0."""

    def event(end_s, what="anode_effect", subject="furnace.active_power_kw"):
        end = make.T0 + end_s * SECOND
        start = end - 100 * SECOND if what == "anode_effect" else 0
        return Event(
            agent.epoch, agent.next_seq(), end + SECOND, what, subject,
            start_ns=start, end_ns=end if start else 0, detail=f"until {end_s}",
        )  # fmt: skip

    return event


def told(hub, line="furnace"):
    return [one.detail for one in line_event_views(hub.lines[line].events)]


def test_they_stand_with_their_line_newest_first_in_whichever_order_they_come(hub, desk, agent, effect):
    desk.writer.write([agent.frame(effect(30), effect(10)), agent.frame(effect(20), lane="backlog")])
    assert told(hub) == ["until 30", "until 20", "until 10"]
    assert told(hub, "kiln") == []
    view = line_event_views(hub.lines["furnace"].events)[0]
    assert (view.what, view.subject, view.t_ns - view.start_ns) == (
        "anode_effect", "furnace.active_power_kw", 100 * SECOND,
    )  # fmt: skip


def test_twenty_are_kept_and_a_late_old_one_pushes_out_none(hub, desk, agent, effect):
    desk.writer.write([agent.frame(*[effect(s) for s in range(100, 130)])])
    desk.writer.write([agent.frame(effect(5), lane="backlog")])
    assert told(hub) == [f"until {s}" for s in range(129, 109, -1)]


def test_what_is_sent_again_after_the_disk_refused_it_is_listed_once(hub, effect):
    one = effect(10)
    hub.lines["furnace"].events.take(one)
    hub.lines["furnace"].events.take(one)
    assert told(hub) == ["until 10"]


def test_how_many_were_not_listed_stands_only_where_there_were_effects(hub, desk, agent, effect):
    desk.writer.write([agent.frame(effect(10), effect(20, "anode_effects_not_listed", "works"))])
    assert told(hub) == ["until 20", "until 10"]
    assert told(hub, "kiln") == []


def test_other_kinds_and_series_of_no_line_are_left_out(hub, desk, agent, effect):
    others = [effect(10, "device_down"), effect(20, subject="eaf.frequency_hz"), effect(30, "text_changed")]
    desk.writer.write([agent.frame(*others, effect(40, "counter_reset", "kiln.coal_t"))])
    assert told(hub) == []
    assert told(hub, "kiln") == ["until 40"]


def test_a_gateway_that_starts_again_finds_them_in_its_journal(hub, desk, agent, effect):
    desk.writer.write([agent.frame(*[effect(s) for s in range(30)])])
    again = Hub()
    again.load(desk.reader, {}, {})
    assert told(again) == told(hub) == [f"until {s}" for s in range(29, 9, -1)]


def test_a_new_birth_of_the_same_line_keeps_them(hub, desk, agent, effect):
    desk.writer.write([agent.frame(effect(10)), agent.frame(agent.birth())])
    assert told(hub) == ["until 10"]
