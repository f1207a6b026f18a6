"""The projection into real servers: InfluxDB 1.6 over /write, VictoriaMetrics over /api/v2/write."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import httpx
import pytest

from greenhearth import wire
from greenhearth.metrics import METRICS
from greenhearth_gateway.config import InfluxPart
from greenhearth_gateway.store.delivery import (
    CHECK,
    MOST_REQUESTS,
    Delivery,
    Pace,
    WriteFailedError,
)
from greenhearth_gateway.store.influx import InfluxTarget, retry_after_s
from greenhearth_gateway.store.projection import Projection


@contextmanager
def projecting(desk, url, api) -> Iterator[Projection]:
    """A projection and the writer that keeps its cursor, each in its thread."""
    target = InfluxTarget(InfluxPart(enabled=True, url=url, api=api, org="works", bucket="greenhearth"), "")
    projection = Projection("influx", target, desk.reader, desk.writer.inbox, desk.problems)
    desk.writer.on_commit.append(lambda commit: projection.wake() if commit.entries else None)
    threads = [threading.Thread(target=desk.writer.run), threading.Thread(target=projection.run)]
    for thread in threads:
        thread.start()
    yield projection
    projection.stop()
    threads[1].join(20)
    desk.writer.stopping.set()
    threads[0].join(20)
    assert not any(thread.is_alive() for thread in threads)
    target.close()


def fill(desk, agent, n):
    """Store `n` records and a finished batch through the running writer."""
    if agent.birth_seq == 0:
        desk.writer.inbox.put(agent.frame(agent.birth()))
    for _ in range(n):
        desk.writer.inbox.put(agent.frame(agent.record()))
    desk.writer.inbox.put(agent.frame(agent.finished()))


def caught_up(desk):
    return desk.reader.last_id() > 0 and desk.reader.cursor("influx") == desk.reader.last_id()


def journal_points(desk):
    """Every number in the journal as (measurement, place, field, t_ns) -> value, read without `lines`."""
    points = {}
    births = {birth.seq: birth for _, birth in desk.reader.newest_births()}
    for stored in desk.reader.items_after(0, 10_000):
        item = stored.item
        if isinstance(item, wire.Record):
            birth = births[item.birth]
            for block in item.blocks:
                for k, value in enumerate(block.x):
                    info = birth.series[block.i + k]
                    points["readings", info.device, info.name, item.t_ns + block.d] = value
                    if block.q and block.q[k]:
                        points["readings", info.device, f"q_{info.name}", item.t_ns + block.d] = block.q[k]
            for result in item.results:
                place = f"{birth.lines[result.l].name}/{birth.windows[result.w]}"
                points["intensity", place, "validity", item.t_ns] = result.v
                points["intensity", place, "coverage", item.t_ns] = result.c
                for name, value, doubt in zip(METRICS, result.x, result.u, strict=True):
                    points["intensity", place, name, item.t_ns] = value
                    points["intensity", place, f"u_{name}", item.t_ns] = doubt
        elif isinstance(item, wire.Event):
            for name, metric in item.metrics.items():
                points["finished", f"{item.subject}/{item.window}", name, item.end_ns] = metric.value
    return {key: value for key, value in points.items() if value is not None}


def influx_points(server):
    """Every number in the server's database, in the same form."""
    query = "SELECT * FROM readings, intensity, finished GROUP BY *"
    reply = httpx.get(
        server.url + "/query", params={"db": "greenhearth", "q": query, "epoch": "ns"}, timeout=30
    )
    points = {}
    for series in reply.json()["results"][0].get("series", []):
        tags = series["tags"]
        place = tags.get("device") or f"{tags['line']}/{tags['window']}"
        for row in series["values"]:
            for field, value in zip(series["columns"][1:], row[1:], strict=True):
                skipped = series["name"] == "finished" and field not in METRICS
                if isinstance(value, int | float) and field != "phase" and not skipped:
                    points[series["name"], place, field, row[0]] = value
    return points


def test_points_read_back_from_influxdb_equal_the_journal(desk, agent, influx, wait_until):
    with projecting(desk, influx.url, "v1"):
        fill(desk, agent, 300)
        wait_until("the projection has caught up", lambda: desk.reader.last_id() == 302 and caught_up(desk))
    expected = journal_points(desk)
    assert len(expected) > 1500
    assert influx_points(influx) == expected


def test_a_server_that_was_away_gets_everything_when_it_is_back(desk, agent, influx, wait_until):
    with projecting(desk, influx.url, "v1"):
        fill(desk, agent, 50)
        wait_until("the first part is written", lambda: desk.reader.last_id() == 52 and caught_up(desk))
        influx.kill()
        fill(desk, agent, 200)
        wait_until("the outage is stated", lambda: bool(desk.problems.sentences()))
        assert "has taken no data since" in desk.problems.sentences()[0]
        assert desk.reader.cursor("influx") == 52
        wait_until("the journal goes on", lambda: desk.reader.last_id() == 253)
        influx.start()
        wait_until("the projection has caught up", lambda: caught_up(desk), 40)
        assert desk.problems.sentences() == []
    assert influx_points(influx) == journal_points(desk)


def test_a_gateway_that_was_restarted_goes_on_from_its_cursor(desk, agent, influx, wait_until):
    with projecting(desk, influx.url, "v1"):
        fill(desk, agent, 20)
        wait_until("the first part is written", lambda: desk.reader.last_id() == 22 and caught_up(desk))
    desk.close()
    desk.open()
    desk.writer.write([agent.frame(agent.record())])
    with projecting(desk, influx.url, "v1") as projection:
        wait_until("the rest is written", lambda: caught_up(desk))
        assert projection.refused == 0
    assert influx_points(influx) == journal_points(desk)


def test_a_line_the_server_refuses_is_quarantined_and_holds_nobody_up(desk, agent, influx, make, wait_until):
    conflict = f'readings,site=works,agent=edge,device=feeder kiln.coal_t="text" {make.T0}'
    httpx.post(influx.url + "/write", params={"db": "greenhearth"}, content=conflict).raise_for_status()
    with projecting(desk, influx.url, "v1"):
        fill(desk, agent, 25)
        wait_until("the projection has caught up", lambda: desk.reader.last_id() == 27 and caught_up(desk))
    rows = desk.rows("SELECT reason, topic, payload FROM quarantine")
    with_values = [seq for seq in range(2, 27) if seq % 5]
    assert len(rows) == len(with_values)
    assert all("field type conflict" in reason and topic == "influx" for reason, topic, _ in rows)
    assert all(
        bytes(payload).startswith(b"readings,site=works,agent=edge,device=feeder ") for *_, payload in rows
    )
    assert "refused" in desk.problems.sentences()[0]
    others = {key: value for key, value in journal_points(desk).items() if key[1] != "feeder"}
    found = {key: value for key, value in influx_points(influx).items() if key[1] != "feeder"}
    assert found == others


def test_points_read_back_from_victoria_metrics_equal_the_journal(desk, agent, victoria, wait_until):
    """It keeps milliseconds and rounds values, so they are compared to 1e-12."""
    with projecting(desk, victoria.url, "v2"):
        fill(desk, agent, 120)
        wait_until("the projection has caught up", lambda: desk.reader.last_id() == 122 and caught_up(desk))
    httpx.get(victoria.url + "/internal/force_flush").raise_for_status()
    reply = httpx.get(victoria.url + "/api/v1/export", params={"match[]": '{agent="edge"}'}, timeout=30)
    found = {}
    for text in reply.text.splitlines():
        series = json.loads(text)
        labels = series["metric"]
        place = labels.get("device") or f"{labels['line']}/{labels['window']}"
        for value, t_ms in zip(series["values"], series["timestamps"], strict=True):
            found[labels["__name__"], place, t_ms] = value
    expected = {
        (f"{measurement}_{field}", place, t_ns // 1_000_000): value
        for (measurement, place, field, t_ns), value in journal_points(desk).items()
    }
    assert expected.keys() <= found.keys()
    worst = max(abs(found[key] / value - 1) for key, value in expected.items() if value)
    assert worst < 1e-12
    assert all(found[key] == 0 for key, value in expected.items() if value == 0)


def judged(bad, reply="unable to parse"):
    """A write that refuses a body with any of the bad lines, and what it took."""
    taken, asked = [], []

    def write(body):
        parts = body.split(b"\n")
        asked.append(len(parts))
        if body != CHECK and bad & set(parts):
            raise WriteFailedError(400, reply)
        taken.extend(parts)

    return write, taken, asked


@pytest.mark.parametrize("poison", [[], [0], [7], [3, 4], list(range(10))])
def test_halving_finds_exactly_the_refused_lines(poison):
    lines = [b"line %d" % n for n in range(10)]
    bad = {lines[n] for n in poison}
    write, taken, _ = judged(bad)
    delivery = Delivery(lines, write)
    delivery.run()
    assert sorted(delivery.refused) == [(lines[n], "unable to parse (HTTP 400)") for n in poison]
    assert [line for line in taken if line != CHECK] == [line for line in lines if line not in bad]


def test_one_bad_line_of_5000_takes_28_requests():
    lines = [b"line %04d" % n for n in range(5000)]
    write, taken, asked = judged({lines[3333]})
    Delivery(lines, write).run()
    assert set(taken) == {*lines, CHECK} - {lines[3333]}
    assert len(asked) == 28  # the whole, one check, two for each of 13 halvings


def test_a_device_whose_every_line_is_refused_is_found_as_a_whole_where_the_server_counts():
    """5 000 lines of ten devices in turn: one request a line would be 500, and more on the way there."""
    lines = [b"readings,device=%d f=1.0 %d" % (n % 10, n) for n in range(5000)]
    bad = {line for line in lines if b"device=3 " in line}
    taken, asked = set(), []

    def write(body):
        parts = body.split(b"\n")
        asked.append(len(parts))
        taken.update(set(parts) - bad)
        if dropped := len(bad & set(parts)):
            raise WriteFailedError(400, f"partial write: field type conflict: ... dropped={dropped}")

    delivery = Delivery(lines, write)
    delivery.run()
    assert {line for line, _ in delivery.refused} == bad
    assert taken == set(lines) - bad
    assert len(asked) < 48


def test_a_server_that_refuses_everything_is_away_and_not_asked_line_by_line():
    asked = []

    def write(body):
        asked.append(body)
        raise WriteFailedError(400, "organization missing")

    lines = [b"line %d" % n for n in range(100)]
    for _ in range(3):
        with pytest.raises(
            WriteFailedError, match=r"it refuses everything: organization missing \(HTTP 400\)"
        ):
            Delivery(lines, write).run()
    assert asked == [b"\n".join(lines), CHECK] * 3


def test_the_search_for_bad_lines_ends_after_a_number_of_requests():
    lines = [b"line %05d" % n for n in range(5000)]
    write, taken, asked = judged(set(lines[::2]))
    delivery = Delivery(lines, write)
    delivery.run()
    assert MOST_REQUESTS < len(asked) < MOST_REQUESTS + 30
    assert {line for line, _ in delivery.refused} | set(taken) == {*lines, CHECK}
    assert "not looked for any further" in delivery.refused[-1][1]


def test_what_was_taken_is_not_sent_again_when_the_server_goes_in_the_middle():
    lines, bodies, away = [b"line %d" % n for n in range(8)], [], [True]

    def write(body):
        if body == b"\n".join(lines[4:]) and away:
            away.clear()
            raise WriteFailedError(503, "restarting")
        if len(body.split(b"\n")) == 8:
            raise WriteFailedError(413, "too large")
        bodies.append(body)

    delivery = Delivery(lines, write)
    with pytest.raises(WriteFailedError, match="restarting"):
        delivery.run()
    delivery.run()
    assert bodies == [b"\n".join(lines[:4]), b"\n".join(lines[4:])]
    assert delivery.refused == []


def test_a_slow_server_is_sent_less_at_once_and_then_carefully_more():
    sizes, pace = [], Pace()

    def write(body):
        sizes.append(body.count(b"\n") + 1)
        if sizes[-1] > 700:
            raise WriteFailedError(0, "not done within 10 s", slow=True)

    delivery = Delivery([b"line %d" % n for n in range(5000)], write, pace)
    slow = 0
    while delivery.lines and slow < 20:
        try:
            delivery.run()
        except WriteFailedError:
            slow += 1
        else:
            break
    assert sizes[:4] == [5000, 2500, 1250, 625]
    assert sum(size for size in sizes if size <= 700) == 5000
    assert slow <= 6


@pytest.mark.parametrize("status", [0, 401, 403, 404, 429, 500, 503])
def test_another_failure_is_not_taken_for_a_refusal(status):
    def write(_):
        raise WriteFailedError(status, "database not found")

    delivery = Delivery([b"a", b"b"], write)
    for _ in range(50):
        with pytest.raises(WriteFailedError, match="database not found"):
            delivery.run()
    assert delivery.refused == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("nan", None),
        ("inf", None),
        ("soon", None),
    ],
)
def test_retry_after_in_seconds(header, seconds):
    assert retry_after_s(header) == seconds


def test_retry_after_as_a_date():
    later = formatdate(time.time() + 100, usegmt=True)
    assert retry_after_s(later) == pytest.approx(100, abs=2)
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after_s("Wed, 99 Foo 99999 07:28:00 GMT") is None
