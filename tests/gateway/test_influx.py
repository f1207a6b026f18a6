"""The projection into real servers: InfluxDB 1.6 over /write, VictoriaMetrics over /api/v2/write."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from greenhearth import wire
from greenhearth.metrics import METRICS
from greenhearth_gateway.config import InfluxPart
from greenhearth_gateway.store.influx import InfluxTarget
from greenhearth_gateway.store.projection import Projection, WriteFailedError, deliver


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
        assert "does not take data" in desk.problems.sentences()[0]
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


class Grumpy(BaseHTTPRequestHandler):
    """Answers the statuses of its script, then 204; remembers what it took."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.server.script.pop(0) if self.server.script else (204, {})
        self.server.seen.append((time.monotonic(), status, body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def grumpy() -> Iterator[HTTPServer]:
    """A small HTTP server that follows a script."""
    server = HTTPServer(("127.0.0.1", 0), Grumpy)
    server.script, server.seen = [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_retry_after_is_honoured_and_nothing_is_split_for_it(desk, agent, grumpy, wait_until):
    grumpy.script = [(503, {"Retry-After": "1"}), (429, {"Retry-After": "1"}), (401, {})]
    with projecting(desk, grumpy.url, "v2"):
        fill(desk, agent, 3)
        wait_until("the projection has caught up", lambda: desk.reader.last_id() == 5 and caught_up(desk))
    (t0, _, body), (t1, _, again), (t2, status, _) = grumpy.seen[:3]
    assert t1 - t0 >= 1.0
    assert t2 - t1 >= 1.0
    assert (body, status) == (again, 401)
    assert grumpy.seen[3][1:] == (204, body)
    assert desk.rows("SELECT count(*) FROM quarantine") == [(0,)]


@pytest.mark.parametrize("poison", [[], [0], [7], [3, 4], list(range(10))])
def test_halving_finds_exactly_the_refused_lines(poison):
    lines = [b"line %d" % n for n in range(10)]
    bad, taken = {lines[n] for n in poison}, []

    def write(body):
        parts = body.split(b"\n")
        if bad & set(parts):
            raise WriteFailedError(400, "unable to parse")
        taken.extend(parts)

    refused = deliver(lines, write)
    assert refused == [(lines[n], "unable to parse (HTTP 400)") for n in poison]
    assert taken == [line for line in lines if line not in bad]


def test_another_failure_is_not_taken_for_a_refusal():
    def write(_):
        raise WriteFailedError(404, "database not found")

    with pytest.raises(WriteFailedError, match=r"database not found \(HTTP 404\)"):
        deliver([b"a", b"b"], write)
