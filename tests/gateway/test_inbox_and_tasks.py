"""Bounded queue, restarted tasks and stated problems: the parts that keep one fault from spreading."""

import logging
import threading

import pytest

from greenhearth import wire
from greenhearth_gateway.config import BrokerPart
from greenhearth_gateway.downlink import Downlink
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.live import Hub
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.supervised import Supervised


def test_the_inbox_keeps_the_order_and_gives_at_most_what_is_asked():
    inbox = Inbox()
    for n in range(5):
        assert inbox.put(n)
    assert inbox.take_batch(3, 0, 0) == [0, 1, 2]
    assert inbox.take_batch(3, 0, 0) == [3, 4]
    assert inbox.take_batch(3, 0, 0) == []


def test_a_full_inbox_refuses_and_counts():
    inbox = Inbox(max_entries=2)
    assert [inbox.put(n) for n in range(4)] == [True, True, False, False]
    assert (len(inbox), inbox.refused) == (2, 2)


def test_the_inbox_is_bounded_in_bytes_but_takes_one_large_entry():
    inbox = Inbox(max_bytes=100)
    assert inbox.put("large", size=1000)
    assert not inbox.put("small", size=1)
    assert inbox.take_batch(9, 0, 0) == ["large"]
    assert inbox.put("small", size=100)


def test_whoever_puts_waits_for_room():
    inbox = Inbox(max_entries=1)
    inbox.put(0)
    threading.Timer(0.1, lambda: inbox.take_batch(1, 0, 0)).start()
    assert inbox.put(1, wait_s=10)
    assert inbox.refused == 0


def test_what_comes_shortly_after_the_first_is_in_the_same_batch():
    inbox = Inbox()
    inbox.put(0)
    threading.Timer(0.05, lambda: inbox.put(1)).start()
    assert inbox.take_batch(2, 0, 10) == [0, 1]


def test_a_task_that_fails_is_stated_and_started_again(monkeypatch, wait_until, caplog):
    monkeypatch.setattr("greenhearth_gateway.supervised.FIRST_WAIT_S", 0.01)
    problems, runs, seen = Problems(), [], []

    def run():
        runs.append(len(runs))
        seen.append(problems.sentences())
        if len(runs) < 3:
            raise RuntimeError("no such thing")

    with caplog.at_level(logging.CRITICAL):
        task = Supervised("projection", run, problems)
        task.start()
        assert task.join(10)
    assert runs == [0, 1, 2]
    assert seen[1:] == [["projection failed and was started again: no such thing"]] * 2
    assert problems.sentences() == []


def test_a_problem_is_logged_when_it_begins_and_when_it_ends_only(caplog):
    problems = Problems()
    with caplog.at_level(logging.INFO):
        for n in range(5):
            problems.begin("disk", f"full for {n} s")
        assert problems.sentences() == ["full for 4 s"]
        problems.end("disk")
        problems.end("disk")
    assert [record.message for record in caplog.records] == ["full for 0 s", "over: full for 4 s"]


@pytest.fixture
def stuck(mosquitto):
    """A downlink whose writer takes nothing, with room for one message."""
    inbox, problems, hub = Inbox(max_entries=1), Problems(), Hub()
    broker = BrokerPart(host=mosquitto[0], port=mosquitto[1])
    downlink = Downlink(broker, "stuck", inbox, hub, problems)
    downlink.start()
    yield inbox, problems, hub
    downlink.stop()


def test_messages_without_room_are_left_to_the_agents_and_counted(stuck, mosquitto, agent, make, wait_until):
    inbox, problems, hub = stuck
    sender = make.Sender(mosquitto, agent)
    frame = agent.frame(agent.birth())
    try:

        def is_heard():
            sender.publish("status", wire.encode(wire.Status(1, "edge", True, 7)))
            return any(one.online for one in hub.agents.values())

        wait_until("the gateway listens", is_heard)
        for _ in range(2):
            sender.publish("birth", frame.payload)
        sender.publish("status", wire.encode(wire.Status(1, "edge", False, 8)))
        wait_until("live messages still pass", lambda: not any(one.online for one in hub.agents.values()))
    finally:
        sender.link.stop()
    assert (len(inbox), inbox.refused) == (1, 1)
    assert "cannot write as fast as data comes: 1 message(s)" in problems.sentences()[0]
