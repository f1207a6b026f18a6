"""The whole gateway as a process: real broker in, acknowledgements and HTTP out, killed at will."""

import json
import random
import time
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import httpx
import pytest

from greenhearth import wire
from greenhearth.clock import NS
from greenhearth_gateway.journal.database import FILE_NAME
from greenhearth_gateway.journal.reader import Reader


def health(agent, **changes):
    values = {"v": 1, "agent": agent.name, "epoch": agent.epoch, "t_ns": 1, "dropped": 0, "readings": 0}
    return wire.encode(wire.Health(**(values | changes)))


@contextmanager
def live(gateway):
    """Server-sent events as (event, data) pairs."""

    def pairs(reply):
        event = ""
        for text in reply.iter_lines():
            if text.startswith("event: "):
                event = text[7:]
            elif text.startswith("data: "):
                yield event, json.loads(text[6:])

    with httpx.stream("GET", gateway.url + "/api/v1/live", timeout=10) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield pairs(reply)


def next_of(events, name, check=lambda data: True):
    deadline = time.monotonic() + 15
    for event, data in events:
        if event == name and check(data):
            return data
        assert time.monotonic() < deadline, f"no such {name} within 15 s"
    raise AssertionError("the stream has ended")


def test_a_page_opened_before_the_first_data_gets_empty_answers(gateway):
    overview = gateway.get("/api/v1/overview")
    assert (overview["lines"], overview["agents"], overview["title"]) == ([], [], "Test works")
    assert gateway.get("/api/v1/lines/furnace/trend")["t_ms"] == []
    assert gateway.get("/api/v1/lines/furnace/batches") == []
    assert gateway.get("/api/v1/series") == []
    assert gateway.get("/api/v1/series/furnace.active_power_kw/history")["value"] == []
    assert gateway.get("/api/v1/alarms")["journal"] == []
    assert gateway.get("/api/v1/reconciliation") == []
    assert gateway.get("/api/v1/benchmarks")
    assert gateway.get("/healthz") == {"status": "ok", "problems": []}
    assert httpx.get(gateway.url + "/").status_code == 200


def test_every_answer_carries_the_policy_and_only_own_scripts_are_allowed(gateway):
    for path in ("/", "/api/v1/overview", "/static/dygraphs/dygraph-combined.js", "/nothing-here"):
        headers = httpx.get(gateway.url + path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"], "scripts are 'self' by default"
        assert headers["x-content-type-options"] == "nosniff"
    assert httpx.get(gateway.url + "/api/v1/overview").headers["cache-control"] == "no-store"


def test_the_api_describes_itself(gateway):
    paths = httpx.get(gateway.url + "/openapi.json").json()["paths"]
    assert {"/api/v1/overview", "/api/v1/live", "/api/v1/alarms/{alarm_id}/ack", "/healthz"} <= paths.keys()
    overview = paths["/api/v1/overview"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert overview["$ref"].endswith("/Overview")


def test_from_the_broker_to_the_api(gateway, agent, sender):
    now = time.time_ns()
    birth = agent.birth()
    records = [agent.record(t_ns=now - 30 * NS + n * NS, energy=400.0 + n) for n in range(30)]
    sender.offer(birth, *records, agent.finished())
    sender.deliver()
    (furnace, kiln) = gateway.get("/api/v1/overview")["lines"]
    assert (furnace["line"], furnace["batch"], furnace["stale"], kiln["batch_word"]) == (
        "furnace",
        "4711",
        False,
        "",
    )
    assert furnace["windows"]["batch"]["metrics"]["energy_kwh_per_t"] == {
        "value": 429.0, "unit": "kWh/t", "uncertainty": 2.5,
    }  # fmt: skip
    assert furnace["last_finished"]["metrics"]["energy_kwh_per_t"]["value"] == 401.25
    trend = gateway.get("/api/v1/lines/furnace/trend?window=batch&minutes=5&points=600")
    assert trend["value"] == [400.0 + n for n in range(30)]
    assert trend["t_ms"] == [record.t_ns // 1_000_000 for record in records]
    thinned = gateway.get("/api/v1/lines/furnace/trend?window=batch&minutes=5&points=10")
    assert thinned["value"] == [400.0 + n for n in range(2, 30, 3)]
    history = gateway.get("/api/v1/series/kiln.coal_t/history")
    assert history["value"] == [None if r.seq % 5 == 0 else r.seq / 7 for r in records]
    assert {one["quality_name"] for one in gateway.get("/api/v1/series")} == {"GOOD", "UNCERTAIN_CLOCK"}
    (batch,) = gateway.get("/api/v1/lines/furnace/batches")
    assert (batch["batch"], batch["what"]) == ("4711", "batch_finished")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/lines/furnac/trend", 404, "did you mean 'furnace'?"),
        ("/api/v1/lines/furnace/trend?metric=energy", 404, "no metric 'energy'"),
        ("/api/v1/lines/furnace/trend?window=15m", 404, "did you mean '15min'?"),
        ("/api/v1/lines/furnace/trend?points=0", 422, "greater than or equal to 2"),
        ("/api/v1/lines/furnace/trend?minutes=nan", 422, "less than or equal to 576000"),
        ("/api/v1/series/kiln.coal/history", 404, "did you mean 'kiln.coal_t'?"),
        ("/api/v1/series/kiln.coal_t/history?from_ns=99999999999999999999", 422, "less than"),
    ],
)
def test_a_wrong_question_is_answered_with_what_was_meant(gateway, agent, sender, path, status, said):
    sender.offer(agent.birth())
    sender.deliver()
    reply = httpx.get(gateway.url + path)
    assert reply.status_code == status
    assert said in reply.text


def test_an_alarm_rises_is_acknowledged_by_a_person_and_returns(gateway, agent, sender, wait_until):
    now = time.time_ns()
    sender.offer(agent.birth(), agent.record(t_ns=now, energy=600.0))
    sender.deliver()
    (alarm,) = gateway.get("/api/v1/alarms")["alarms"]
    assert (alarm["state"], alarm["value"], alarm["since_ns"], alarm["action"]) == (
        "unack", 600.0, now, "Close the door.",
    )  # fmt: skip
    url = gateway.url + "/api/v1/alarms/hot/ack"
    assert httpx.post(url, json={"who": ""}).status_code == 422
    assert (
        httpx.post(url, content=b'{"who":"Eve"}', headers={"content-type": "text/plain"}).status_code == 422
    )
    assert httpx.post(gateway.url + "/api/v1/alarms/hott/ack", json={"who": "Ada"}).status_code == 404
    (alarm,) = httpx.post(url, json={"who": "Ada"}).json()["alarms"]
    assert (alarm["state"], alarm["acked_by"]) == ("ack", "Ada")
    assert httpx.post(url, json={"who": "Ada"}).status_code == 409
    gateway.kill()
    gateway.start()
    assert gateway.get("/api/v1/alarms")["alarms"][0]["state"] == "ack"
    sender.offer(agent.record(t_ns=now + NS, energy=450.0))
    sender.deliver()
    rows = gateway.get("/api/v1/alarms")["journal"]
    assert [(row["was"], row["state"], row["who"]) for row in rows] == [
        ("ack", "normal", "data"),
        ("unack", "ack", "Ada"),
        ("normal", "unack", "data"),
    ]


def test_the_live_stream_pushes_changes_and_beats(gateway, agent, sender):
    with live(gateway) as events:
        assert next_of(events, "overview")["lines"] == []
        now = time.time_ns()
        sender.offer(agent.birth(), agent.record(t_ns=now, energy=444.0))
        sender.deliver()
        seen = next_of(
            events, "overview", lambda data: bool(data["lines"]) and data["lines"][0]["t_ns"] == now
        )
        assert seen["lines"][0]["windows"]["batch"]["metrics"]["energy_kwh_per_t"]["value"] == 444.0
        first, second = next_of(events, "beat"), next_of(events, "beat")
        assert 0.9 * NS < second["now_ns"] - first["now_ns"] < 1.6 * NS
        stale = next_of(events, "overview", lambda data: data["lines"][0]["stale"])
        assert 3.0 * NS <= stale["now_ns"] - now < 4.5 * NS, (
            "without any message staleness shows within a second"
        )


def test_at_most_ten_overviews_a_second_are_pushed(gateway, agent, sender):
    sender.offer(agent.birth())
    sender.deliver()
    with live(gateway) as events:
        next_of(events, "overview")
        seen = []
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            sender.publish("health", health(agent, measured=len(seen), waiting=0))
            seen.append(next_of(events, "overview")["now_ns"])
    gaps = [b - a for a, b in pairwise(seen)]
    assert len(seen) >= 5
    assert min(gaps) > 0.08 * NS


def test_more_pages_than_agreed_are_refused_and_leave_room_when_they_go(gateway, wait_until):
    def status():
        with httpx.stream("GET", gateway.url + "/api/v1/live", timeout=10) as reply:
            return reply.status_code

    with ExitStack() as pages:
        streams = [pages.enter_context(live(gateway)) for _ in range(64)]
        for events in streams:
            next_of(events, "overview")
        assert status() == 503
    wait_until("there is room again", lambda: status() == 200)


def test_sigterm_ends_it_cleanly_even_with_an_open_page(gateway):
    with live(gateway) as events:
        next_of(events, "overview")
        assert gateway.end() == 0
    assert "the gateway has ended" in gateway.log()
    assert "Traceback" not in gateway.log()


def test_a_broker_that_is_away_is_a_problem_until_it_is_back(gateway, broker, wait_until):
    broker.kill()
    wait_until("the outage is stated", lambda: gateway.get("/healthz")["status"] == "degraded")
    assert "The MQTT broker at" in gateway.get("/api/v1/overview")["problems"][0]
    broker.start()
    wait_until("the broker is back", lambda: gateway.get("/healthz")["status"] == "ok")


def test_a_broker_that_restarts_costs_nothing(gateway, broker, agent, sender):
    sender.offer(agent.birth(), *[agent.record() for _ in range(20)])
    sender.send_due()
    broker.kill()
    sender.offer(*[agent.record() for _ in range(20)])
    broker.start()
    sender.deliver()
    rows = Reader(gateway.data / FILE_NAME).items_after(0, 1000)
    assert sorted(row.item.seq for row in rows) == list(range(1, 42))


def test_hostile_messages_change_nothing_for_the_others(gateway, agent, sender):
    rng = random.Random(20260101)
    good = wire.encode(wire.Frame(1, "edge", "live", [agent.birth()]))
    for n in range(150):
        leaf = rng.choice(["birth", "records", "events", "health", "status"])
        broken = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        sender.publish(leaf, bytes(broken[: rng.randint(1, len(broken))]) if n % 2 else rng.randbytes(200))
    agent.seq = 0
    sender.offer(agent.birth(), agent.record())
    sender.deliver()
    assert [one["line"] for one in gateway.get("/api/v1/overview")["lines"]] == ["furnace", "kiln"]
    assert any("could not be read" in one for one in gateway.get("/healthz")["problems"])
    assert "Traceback" not in gateway.log()


def test_killed_at_random_it_loses_nothing_and_doubles_nothing(gateway, agent, sender, wait_until):
    """A sender that resends until acknowledged, against a gateway that dies eight times."""
    rng = random.Random(time.time_ns())
    items = [agent.birth()]
    sender.offer(items[0])
    for _ in range(8):
        batch = [agent.finished() if rng.random() < 0.1 else agent.record() for _ in range(60)]
        items += batch
        sender.offer(*batch)
        until = time.monotonic() + rng.uniform(0.0, 0.4)
        while time.monotonic() < until:
            sender.send_due()
        gateway.kill()
        sender.send_due()
        gateway.start()
    sender.deliver(60)
    reader = Reader(gateway.data / FILE_NAME)
    stored = reader.items_after(0, 10_000)
    assert sorted(row.item.seq for row in stored) == [item.seq for item in items]
    by_seq = {row.item.seq: row.item for row in stored}
    assert all(by_seq[item.seq] == item for item in items), "altered"
    with reader.connection() as db:
        assert db.execute("SELECT stored, quarantined FROM counts").fetchall() == [(len(items), 0)]
        assert db.execute("SELECT count(*) FROM finished").fetchone() == (
            sum(isinstance(item, wire.Event) for item in items),
        )
    sender.publish("health", health(agent, measured=len(items), waiting=0))
    wait_until(
        "the count closes", lambda: [c["closes"] for c in gateway.get("/api/v1/reconciliation")] == [True]
    )


def test_two_gateways_never_share_a_folder(gateway, make, tmp_path):
    second = make.Gateway(tmp_path, gateway.broker)
    with pytest.raises(AssertionError, match="another gateway works in this folder"):
        second.start()


def test_a_port_in_use_is_named_with_the_remedy(gateway, make, tmp_path_factory):
    second = make.Gateway(
        tmp_path_factory.mktemp("second"), gateway.broker, http=gateway.url.removeprefix("http://")
    )
    with pytest.raises(AssertionError, match=r"Address already in use.*choose another with --http"):
        second.start()
