"""A line that the store will never take: it is found, kept with the reason, and holds up nobody."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from greenhearth import wire
from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.store.delivery import CHECK, MOST_REQUESTS

from ..gateway.conftest import Desk, FakeAgent
from ..waiting import until
from .fake_influx import Answer, fake_influx, refused
from .projecting import is_level, lines_of, projecting, put

HOSTILE = (
    "a\nreadings,site=x f=1.0 1", "a\r\nb", "comma,site=other", "equals=1", "blank blank", 'quote"', "'one'",
    "back\\slash", "ends in \\", "\\", "\\\\", "\\n", "tab\t", "\x00nul", "\x1b[31m", "#comment", "ü☃𝄞",
    "\u2028\u0085",
    "", "-", "%", "%5C", "time", "q_kiln.coal_t", "100 %", "_field", "readings", "a,b=c d\\,e",
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty journal."""
    one = Desk(tmp_path).open()
    yield one
    one.close()


def ask(influx: Any, query: str) -> list[dict[str, Any]]:
    """Ask InfluxDB; return its series."""
    words = {"db": "greenhearth", "q": query, "epoch": "ns"}
    reply = httpx.get(f"{influx.url}/query", params=words, timeout=30).raise_for_status()
    found: list[dict[str, Any]] = reply.json()["results"][0].get("series", [])
    return found


def read(written: str) -> str:
    """Read a name as the plant gave it: the opposite of `names.tag`."""
    if written == "-":
        return ""
    return re.sub("%([0-9A-F]{2})", lambda match: chr(int(match.group(1), 16)), written)


def quarantine(desk: Desk) -> list[tuple[str, bytes]]:
    """Return the reasons and lines that were put aside."""
    return [
        (why, bytes(kept)) for why, kept in desk.rows("SELECT reason, payload FROM quarantine ORDER BY n")
    ]


def hostile_birth(agent: FakeAgent) -> wire.Birth:
    """One series, one device and one line for each hostile name."""
    birth = agent.birth()
    birth.series = [wire.SeriesInfo(name, "kW", name, "furnace") for name in HOSTILE]
    birth.lines = [wire.LineInfo(name, name, "eaf_scrap", "liquid_steel", "fs") for name in HOSTILE]
    return birth


def test_no_name_of_a_plant_can_make_a_measurement_a_tag_or_a_field_of_its_own(
    influx: Any, desk: Desk
) -> None:
    """Names of sites, agents, devices, series, lines, batches and texts come back as they were."""
    for site, name in [("works", "edge"), ("a,b=c d", 'q"\\'), ("ünï\\", "x\ny")]:
        agent = FakeAgent(site, name)
        record = wire.Record(agent.epoch, 2, 1_800_000_000_000_000_000, 1, [], [])
        items: list[Any] = [hostile_birth(agent), record]
        numbers: list[float | None] = [float(n) for n in range(len(HOSTILE))]
        record.blocks = [wire.Block(0, 0, numbers, [n % 3 for n in range(len(HOSTILE))])]
        empty: list[float | None] = [None] * len(items[0].metrics)
        record.results = [
            wire.WindowResult(n, 0, 0, 1.0, [1.5, *empty[1:]], empty, b=text)
            for n, text in enumerate(HOSTILE)
        ]
        for n, text in enumerate(HOSTILE):
            items.append(wire.Event(agent.epoch, 3 + n, record.t_ns, text or "x", text, detail=text))
        desk.writer.write([Arrival(wire.topic(site, name, "birth"), _frame(name, items[:1]))])
        desk.writer.write([Arrival(wire.topic(site, name, "records"), _frame(name, items[1:]))])
    with projecting(desk, influx.url, api="v1") as (projection,):
        until(lambda: is_level(desk), 20, "everything is carried on")
        assert (projection.refused, quarantine(desk)) == (0, [])
    assert {row[0] for row in ask(influx, "SHOW MEASUREMENTS")[0]["values"]} == {
        "readings",
        "intensity",
        "events",
    }
    keys = {one["name"]: {row[0] for row in one["values"]} for one in ask(influx, "SHOW TAG KEYS")}
    assert keys["readings"] == {"site", "agent", "device"}
    assert keys["intensity"] == {"site", "agent", "line", "window"}
    assert keys["events"] == {"site", "agent", "subject", "kind"}
    for measurement, key in (("readings", "device"), ("intensity", "line"), ("events", "subject")):
        found = ask(influx, f"SHOW TAG VALUES FROM {measurement} WITH KEY = {key}")[0]["values"]
        assert sorted(read(value) for _, value in found) == sorted(HOSTILE), measurement
    values = {
        read(one["tags"]["device"]): one for one in ask(influx, "SELECT * FROM readings GROUP BY device")
    }
    for n, name in enumerate(HOSTILE):
        fields = zip(values[name]["columns"][1:], values[name]["values"][0][1:], strict=True)
        numbers = [value for column, value in fields if value is not None and column not in ("site", "agent")]
        assert sorted(numbers) == sorted([float(n), *[n % 3] * bool(n % 3)]), name
    (batches,) = ask(influx, "SELECT batch, line FROM intensity WHERE site = 'works'")
    assert all(
        batch == read(line).replace("\n", " ").replace("\r", " ")
        for _, batch, line in batches["values"]
        if batch
    )


def _frame(agent: str, items: list[Any]) -> bytes:
    return wire.encode(wire.Frame(wire.VERSION, agent, "live", items))


def test_one_bad_line_among_5000_is_put_aside_and_the_others_are_there(desk: Desk) -> None:
    """Judged as a server does that takes a body whole or not at all."""
    agent = FakeAgent()
    with fake_influx() as fake:
        fake.judge = lambda lines: (
            refused(400, body=b'{"code":"invalid","message":"line 1: bad timestamp"}')
            if any(b"furnace.active_energy_kwh=777.0 " in line for line in lines)
            else Answer()
        )
        with projecting(desk, fake.url):
            put(desk, agent, 1250)
            until(lambda: is_level(desk), 20, "everything is carried on")
        found = {b"%s %s %s" % (*place[:1], fields, place[1]) for place, fields in fake.stored.items()}
    expected = lines_of(desk)
    bad = {line for line in expected if b"furnace.active_energy_kwh=777.0 " in line}
    assert len(expected) == 5001
    assert len(bad) == 1
    assert {line for line in found if not line.startswith(b"events,site=-")} == expected - bad
    assert quarantine(desk) == [("line 1: bad timestamp (HTTP 400)", *bad)]
    assert len(fake.seen) < 50
    assert (
        "are in quarantine and stay in the journal. The last: line 1: bad timestamp"
        in desk.problems.sentences()[0]
    )
    books = desk.writer.books
    assert [(book.stored, book.quarantined) for book in books.values()] == [(1252, 0)], "it counts as stored"


def test_a_real_store_says_why_and_the_lines_around_are_stored(influx: Any, desk: Desk) -> None:
    """A conflict of types, a tag of 66 000 characters, times that nothing can hold; all in one backlog."""
    conflict = 'finished,site=works,agent=edge,line=x,window=y energy_kwh_per_t="text" 1767225650000000000'
    httpx.post(f"{influx.url}/write", params={"db": "greenhearth"}, content=conflict).raise_for_status()
    agent = FakeAgent()
    birth = agent.birth()
    birth.series[2].device = "x" * 66_000
    items = [birth, *(agent.record() for _ in range(60)), agent.finished()]
    items[30].t_ns = (1 << 63) - 5
    desk.writer.write([agent.frame(*items)])
    with projecting(desk, influx.url, api="v1"):
        until(lambda: is_level(desk), 20, "everything is carried on")
    reasons = [why for why, _ in quarantine(desk)]
    assert sum("max key length exceeded" in why for why in reasons) == 59, set(reasons)
    assert sum("field type conflict" in why for why in reasons) == 1
    assert sum("cannot be stored" in why for why in reasons) == 2
    rows = ask(influx, 'SELECT count("furnace.active_energy_kwh") FROM readings')
    assert rows[0]["values"][0][1] == 59
    assert ask(influx, "SELECT count(coverage) FROM intensity")[0]["values"][0][1] == 2 * 60


def test_data_older_than_a_store_keeps_is_put_aside_in_few_requests(influx: Any, desk: Desk) -> None:
    """A backlog beyond the retention is refused as a whole, and the server says so."""
    rule = "CREATE RETENTION POLICY short ON greenhearth DURATION 1h REPLICATION 1 DEFAULT"
    httpx.post(f"{influx.url}/query", params={"q": rule}).raise_for_status()
    with projecting(desk, influx.url, api="v1") as (projection,):
        asked: list[int] = []
        write = projection._target.write
        projection._target.write = lambda body: (asked.append(len(body)), write(body))[1]  # type: ignore[method-assign]
        put(desk, FakeAgent(), 1000)
        until(lambda: is_level(desk), 20, "everything is carried on")
    assert all("beyond retention policy" in why for why, _ in quarantine(desk))
    assert projection.refused == len(lines_of(desk))
    assert len(asked) < 10


def test_a_store_without_its_database_is_away_and_nothing_is_put_aside(influx: Any, desk: Desk) -> None:
    """The database is dropped and made again; nothing is taken apart meanwhile."""
    drop = {"q": "DROP DATABASE greenhearth"}
    httpx.post(f"{influx.url}/query", params=drop).raise_for_status()
    with projecting(desk, influx.url, api="v1"):
        put(desk, FakeAgent(), 50)
        until(lambda: "database not found" in " ".join(desk.problems.sentences()), 10, "it is told")
        httpx.post(f"{influx.url}/query", params={"q": "CREATE DATABASE greenhearth"}).raise_for_status()
        until(lambda: is_level(desk), 10, "everything is carried on")
    assert quarantine(desk) == []
    assert ask(influx, "SELECT count(coverage) FROM intensity")[0]["values"][0][1] == 100


def test_a_store_that_refuses_everything_is_asked_twice_a_round_and_keeps_its_turn(desk: Desk) -> None:
    """400 to all, as a wrong organization is answered: away, not poison."""
    with fake_influx() as fake:
        fake.script = [refused(400, body=b'{"message":"organization missing"}')] * 12
        with projecting(desk, fake.url):
            put(desk, FakeAgent(), 200)
            until(lambda: "it refuses everything" in " ".join(desk.problems.sentences()), 10, "it is told")
            until(lambda: is_level(desk), 20, "everything is carried on")
        assert {len(one.lines) for one in fake.seen[:12:2]} == {len(fake.seen[0].lines)}
        assert {one.lines for one in fake.seen[1:12:2]} == {(CHECK,)}
    assert quarantine(desk) == []


def test_a_store_that_refuses_half_of_all_lines_does_not_hold_up_the_rest_for_ever(desk: Desk) -> None:
    """Without a word on how many it dropped: the search ends, the batch is done, the next begins."""
    with fake_influx() as fake:
        fake.judge = lambda lines: (
            refused(422) if any(b",device=eaf " in line for line in lines) else Answer()
        )
        with projecting(desk, fake.url):
            put(desk, FakeAgent(), 3000)
            until(lambda: is_level(desk), 30, "everything is carried on")
        batches = 3000 * 4 // 5000 + 1
        assert len(fake.seen) < batches * (MOST_REQUESTS + 30)
