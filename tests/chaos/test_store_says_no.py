"""A series store that refuses, hangs, lies or is killed: nothing is lost or counted twice, nobody waits."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from greenhearth_cli.main import app
from greenhearth_gateway.journal.database import only_one
from greenhearth_gateway.store import influx as influx_module
from greenhearth_gateway.store.rebuild import set_back

from ..gateway.conftest import Desk, FakeAgent
from ..waiting import until
from .fake_influx import Answer, FakeInflux, fake_influx, refused
from .projecting import LONGEST_WAIT_S, is_level, lines_of, projecting, put


@pytest.fixture
def fake() -> Iterator[FakeInflux]:
    """A server that behaves by its script."""
    with fake_influx() as one:
        yield one


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty journal."""
    one = Desk(tmp_path).open()
    yield one
    one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write may take 0.3 s in place of 10."""
    monkeypatch.setattr(influx_module, "TIMEOUT_MS", 300)


def stored(fake: FakeInflux) -> set[bytes]:
    """Return every line that the server holds now."""
    return {b"%s %s %s" % (place, fields, t_ns) for (place, t_ns), fields in fake.stored.items()}


NO = {
    "429 with seconds": [refused(429, ("Retry-After", "0"))] * 3,
    "429 with a date": [refused(429, ("Retry-After", formatdate(0, usegmt=True)))] * 3,
    "503 without a word": [refused(503)] * 5,
    "500": [refused(500, body=b'{"error":"engine: cache maximum memory size exceeded"}')] * 5,
    "401 for long": [refused(401, body=b'{"message":"unauthorized access"}')] * 20,
    "404, the bucket is gone": [refused(404, body=b'{"error":"database not found"}')] * 5,
    "moved to a page to log in": [refused(302, ("Location", "http://127.0.0.1:9/login"))] * 3,
    "a page in place of a database": [Answer(200, body=b"<html>Welcome</html>", keep=False)] * 3,
    "taken, but never said so": [Answer(hang=True)] * 2,
    "taken, but cut before the answer": [Answer(cut_after=0)] * 3,
    "taken, but cut in the answer": [Answer(cut_after=len("HTTP/1.1 20"))] * 3,
    "no text in the answer": [refused(503, body=b"\xff\xfe\x00")] * 3,
    "the body is not read": [Answer(keep=False, read_slowly=True)],
    "all of it in turn": [
        refused(429, ("Retry-After", "0")), Answer(cut_after=0), refused(500), Answer(hang=True), refused(401)
    ],
}  # fmt: skip


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", sorted(NO))
def test_a_store_that_says_no_gets_everything_in_the_end(kind: str, desk: Desk, fake: FakeInflux) -> None:
    """And meanwhile a sentence says since when, why and when it is asked again; the journal goes on."""
    fake.script = list(NO[kind])
    agent = FakeAgent()
    with projecting(desk, fake.url):
        put(desk, agent, 40)
        until(desk.problems.sentences, 10, "the refusal is told")
        (sentence,) = desk.problems.sentences()
        before = desk.reader.last_id()
        put(desk, agent, 40)
        until(lambda: desk.reader.last_id() > before, 10, "the journal goes on")
        until(lambda: is_level(desk) and not fake.script, 30, "everything is carried on")
        assert desk.problems.sentences() == []
    assert f"InfluxDB at {fake.url} (greenhearth) has taken no data since 20" in sentence
    assert "Nothing is lost; it is asked again at 20" in sentence
    assert stored(fake) == lines_of(desk)
    assert desk.rows("SELECT count(*) FROM quarantine") == [(0,)]
    taken = [one.lines for one in fake.seen if one.answer.keep]
    assert len(fake.stored) == len(set().union(*taken)), "a line that came twice counts once"


def test_retry_after_is_waited_for_in_seconds_and_as_a_date(desk: Desk, fake: FakeInflux) -> None:
    """A date has whole seconds, so it may be up to one second nearer than it was meant."""
    fake.script = [refused(429, ("Retry-After", "1"))]
    fake.script += [refused(503, ("Retry-After", formatdate(time.time() + 4, usegmt=True)))]
    began = time.monotonic()
    with projecting(desk, fake.url):
        put(desk, FakeAgent(), 3)
        until(lambda: is_level(desk), 20, "everything is carried on")
    assert fake.seen[1].at_s - fake.seen[0].at_s >= 1.0
    assert fake.seen[2].at_s - began >= 2.9
    assert fake.seen[0].lines == fake.seen[1].lines == fake.seen[2].lines


def test_the_waits_grow_are_scattered_and_have_an_end(desk: Desk, fake: FakeInflux) -> None:
    """A server that is away is asked less and less often, but is not forgotten."""
    fake.script = [refused(503)] * 16
    with projecting(desk, fake.url):
        put(desk, FakeAgent(), 3)
        until(lambda: is_level(desk), 20, "everything is carried on")
    times = [one.at_s for one in fake.seen[:17]]
    waits = [after - before for before, after in pairwise(times)]
    assert all(wait >= LONGEST_WAIT_S / 2 for wait in waits[4:]), waits
    assert waits[0] < 0.6 * LONGEST_WAIT_S < sum(waits[4:]) / len(waits[4:])
    assert len({round(wait, 4) for wait in waits[4:]}) > 6, f"not scattered: {waits}"


@pytest.mark.usefixtures("impatient")
def test_a_dead_store_holds_up_neither_the_journal_nor_another_store(desk: Desk, fake: FakeInflux) -> None:
    """The first never answers; the second has everything, and commits take as long as ever."""
    fake.judge = lambda _: Answer(keep=False, hang=True)
    with fake_influx() as sound, projecting(desk, fake.url, sound.url):
        put(desk, FakeAgent(), 300)
        until(lambda: is_level(desk, "influx1"), 20, "the second store has everything")
        assert stored(sound) == lines_of(desk)
        assert desk.reader.cursor("influx") == 0
        until(lambda: len(desk.problems.sentences()) == 1, 10, "the dead one is missed")
        fake.judge = lambda _: Answer()
        until(lambda: is_level(desk), 20, "the first store has everything")
    assert stored(fake) == lines_of(desk)


def test_what_a_store_took_and_dropped_is_there_again_after_a_rebuild(desk: Desk, fake: FakeInflux) -> None:
    """Nobody who writes can see that a 204 was a lie; who finds out sets the cursor back."""
    agent = FakeAgent()
    fake.judge = lambda _: Answer(keep=False)
    with projecting(desk, fake.url):
        put(desk, agent, 30)
        until(lambda: is_level(desk), 10, "the store has taken everything")
    assert fake.stored == {}
    desk.close()
    found = set_back(desk.folder, "influx")
    assert (found.items, found.was) == (32, 32)
    fake.judge = lambda _: Answer()
    desk.open()
    with projecting(desk, fake.url):
        until(lambda: is_level(desk), 10, "the store has taken everything again")
    assert stored(fake) == lines_of(desk)


def test_a_rebuild_from_a_time_on_sends_no_older_items(desk: Desk) -> None:
    """Records are a second apart; the tenth item is the first that is sent."""
    agent = FakeAgent()
    desk.writer.write([agent.frame(agent.birth()), *(agent.frame(agent.record()) for _ in range(20))])
    tenth = desk.rows("SELECT t_ns FROM items WHERE id = 10")[0][0]
    desk.close()
    assert set_back(desk.folder, "influx", tenth).items == 12
    assert set_back(desk.folder, "influx", tenth * 2).items == 0
    desk.open()
    assert desk.reader.cursor("influx") == 21


def test_the_verb_tells_what_will_be_sent_again_and_refuses_a_running_gateway(desk: Desk) -> None:
    """Times are UTC without an offset; a folder in use, or without a journal, is named."""
    agent = FakeAgent()
    desk.writer.write([agent.frame(agent.birth()), *(agent.frame(agent.record()) for _ in range(20))])
    desk.close()
    words = ["gateway", "rebuild", "--data", str(desk.folder), "--from", "2026-01-01T00:00:10", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["items"] == 12
    with only_one(desk.folder):
        assert "another gateway works in this folder" in CliRunner().invoke(app, words).output
    words[3] = str(desk.folder / "nowhere")
    assert "has no journal" in CliRunner().invoke(app, words).output
    assert "no ISO date" in CliRunner().invoke(app, [*words[:5], "yesterday"]).output
    desk.open()


def test_a_real_store_that_is_killed_again_and_again_has_every_line_once(influx: Any, desk: Desk) -> None:
    """InfluxDB 1.x, killed without warning three times while a backlog is written into it."""
    agent = FakeAgent()
    with projecting(desk, influx.url, api="v1") as (projection,):
        for _ in range(3):
            before = desk.reader.cursor("influx")
            put(desk, agent, 700)
            until(lambda before=before: desk.reader.cursor("influx") > before, 20, "it writes")
            influx.kill()
            until(lambda: desk.problems.is_open("influx") or is_level(desk), 20, "it is missed")
            influx.start()
        until(lambda: is_level(desk), 40, "everything is carried on")
        assert projection.refused == 0
    query = {"db": "greenhearth", "q": "SELECT count(*) FROM readings, intensity, finished"}
    reply = httpx.get(f"{influx.url}/query", params=query, timeout=30).json()["results"][0]["series"]
    counts = {one["name"]: dict(zip(one["columns"], one["values"][0], strict=True)) for one in reply}
    assert counts["readings"]["count_furnace.active_power_kw"] == 2100
    assert counts["intensity"]["count_coverage"] == 2 * 2100
    assert counts["finished"]["count_start"] == 3
