"""What came damaged: counted by agent, told from the third on, without a trace in the journal."""

import time
from typing import Any

import pytest

from greenhearth import wire
from greenhearth.clock import Clock
from greenhearth_gateway import clashes
from greenhearth_gateway.benchmarks import load_benchmarks
from greenhearth_gateway.clashes import ClashLedger
from greenhearth_gateway.config import BrokerPart, load_config
from greenhearth_gateway.damage import MOST_SENDERS, REPEATED, SHOWN_S, DamageLedger
from greenhearth_gateway.downlink import Downlink
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival, Source
from greenhearth_gateway.live import Hub
from greenhearth_gateway.overview import Scene, problem_sentences
from greenhearth_gateway.problems import Problems

EDGE = Source("works", "edge")
TOPIC = wire.topic(*EDGE, "records")


def sent(*items: wire.Item) -> bytes:
    return wire.frame_payload(TOPIC, "edge", "live", [wire.encode(item) for item in items])


def test_a_single_damaged_item_is_counted_and_a_third_is_told_until_it_is_long_ago() -> None:
    ledger = DamageLedger()
    ledger.count(EDGE, REPEATED - 1, 100.0)
    assert ledger.sentences(100.0) == []
    ledger.count(EDGE, 1, 200.0)
    (sentence,) = ledger.sentences(200.0)
    assert sentence.startswith(f"{REPEATED} item(s) from works/edge were damaged on the way")
    assert ledger.sentences(200.0 + SHOWN_S) == []


def test_made_up_names_are_bounded_and_the_total_is_not() -> None:
    ledger = DamageLedger()
    for n in range(2 * MOST_SENDERS):
        ledger.count(Source("works", f"e{n}"), 1, float(n))
    assert (len(ledger.by_source), ledger.total) == (MOST_SENDERS, 2 * MOST_SENDERS)


def test_a_damaged_item_leaves_no_trace_but_a_count_and_comes_in_when_sent_again(tmp_path, make, desk, agent):
    path = tmp_path / "gateway.toml"
    path.write_text(make.GATEWAY)
    hub = Hub()
    desk.writer.on_commit.append(hub.apply)
    scene = Scene(
        load_config(path), Clock(make.T0, time.monotonic_ns(), 1.0), hub, desk.problems, load_benchmarks()
    )
    birth, records = agent.birth(), [agent.record() for _ in range(4)]
    desk.writer.write([agent.frame(birth)])
    payload = sent(*records)
    for record in records[:3]:  # one digit of the sequence number of each
        payload = payload.replace(b'"seq":%d,' % record.seq, b'"seq":7%d,' % record.seq)
    desk.writer.write([Arrival(TOPIC, payload)])

    (book,) = desk.writer.books.values()
    assert list(book.seen) == [(1, 1), (records[3].seq, records[3].seq)]
    assert book.quarantined == 0
    assert hub.damage.by_source[EDGE].times == 3
    assert any("were damaged on the way" in one for one in problem_sentences(scene))

    desk.writer.write([Arrival(TOPIC, sent(*records))])
    assert list(book_of(desk).seen) == [(1, records[3].seq)]


def book_of(desk):
    (book,) = desk.writer.books.values()
    return book


@pytest.fixture
def hub_and_inbox() -> tuple[Hub, Inbox[Any], Downlink]:
    """A downlink that has not been started, between an inbox and a hub."""
    hub, inbox = Hub(), Inbox[Any]()
    return hub, inbox, Downlink(BrokerPart(), "g", inbox, hub, Problems())


def test_an_altered_live_message_is_damage_and_changes_nothing(hub_and_inbox) -> None:
    hub, _, downlink = hub_and_inbox
    topic = wire.topic(*EDGE, "health")
    health = wire.Health(1, "edge", 7, 1, measured=1234, waiting=0, dropped=0, readings=0)
    payload = wire.encode_checked(topic, health)
    downlink._on_message(topic, payload.replace(b"1234", b"1235"), False)
    downlink._on_message(wire.topic("works", "edgf", "health"), payload, False)
    status = wire.encode_checked(wire.topic(*EDGE, "status"), wire.Status(1, "edge", False, 7))
    downlink._on_message(wire.topic(*EDGE, "status"), status.replace(b'"epoch":7', b'"epoch":8'), False)
    assert (hub.agents, hub.refused, hub.damage.total) == ({}, {}, 3)
    downlink._on_message(topic, payload, False)
    assert hub.agents[EDGE].health is not None


def test_a_birth_that_the_broker_repeats_with_a_subscription_is_taken_once(hub_and_inbox) -> None:
    _, inbox, downlink = hub_and_inbox
    topic = wire.topic(*EDGE, "birth")
    for _ in range(3):
        downlink._on_message(topic, b"a birth", True)
    assert len(inbox) == 1
    downlink._on_message(topic, b"a birth", False)  # sent again, for it was not acknowledged
    downlink._on_message(topic, b"another", True)
    assert len(inbox) == 3


def test_live_records_of_two_starts_that_take_turns_tell_of_two_agents() -> None:
    ledger = ClashLedger()
    for now, epoch in enumerate((5, 7, 7)):  # a new start is none
        ledger.hear(EDGE, "live", epoch, float(now))
    assert ledger.sentences(3.0) == []
    for now, epoch in enumerate((5, 7, 5), 3):
        ledger.hear(EDGE, "live", epoch, float(now))
    (sentence,) = ledger.sentences(6.0)
    assert sentence.startswith("Two agents run as works/edge")
    assert ledger.sentences(6.0 + clashes.SHOWN_S) == []


def test_the_page_tells_of_two_agents_with_one_id(desk, agent, make) -> None:
    hub, other = Hub(), make.Agent(epoch=9)
    desk.writer.on_commit.append(hub.apply)
    desk.writer.write([agent.frame(agent.birth()), other.frame(other.birth())])
    desk.writer.write([agent.frame(agent.record(), lane="backlog"), other.frame(other.record())])
    desk.writer.write([agent.frame(agent.record(), lane="backlog")])
    assert hub.clashes.sentences(time.monotonic()) == []
    for _ in range(2):
        desk.writer.write([other.frame(other.record()), agent.frame(agent.record())])
    assert len(hub.clashes.sentences(time.monotonic())) == 1
