"""A scripted works behind a real HTTP server, and a real Chromium that looks at it."""

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn

from greenhearth.clock import NS
from greenhearth.quality import Validity
from greenhearth_gateway.alarms.engine import NothingToAckError
from greenhearth_gateway.web import restated_types, types
from greenhearth_gateway.web.api import build_app
from greenhearth_gateway.web.house import House
from greenhearth_gateway.web.stream import Stream

from ..programs import CHROMIUM, CHROMIUM_FLAGS
from ..waiting import until
from .audit import FACTORS
from .twins import NO_TWIN, twins_of

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed (extra 'dev')"
)

SCRIPT = json.loads((Path(__file__).parent / "works.json").read_text(encoding="utf-8"))


class Works:
    """What the gateway would know; a test changes it and calls `commit`."""

    def __init__(self) -> None:
        self.lines: dict[str, dict[str, Any]] = json.loads(json.dumps(SCRIPT["lines"]))
        self.alarm = {"state": "normal", "since_ns": 0, "value": None, "acked_by": ""}
        self.title = "Demonstration works"
        self.problems: list[str] = []
        self.frozen: dict[str, int] = {}
        self.empty = False
        self.refuses = ""
        self.running = threading.Event()
        """Cleared: the server hangs with its connections open."""
        self.running.set()
        self.acks: list[tuple[str, str]] = []
        self.events: dict[str, list[types.LineEventView]] = {}
        self.restated: list[restated_types.RestatementView] = []
        self.count: dict[str, Any] = {}
        """What differs from the script's count."""
        self.hours: list[types.HourView] = []
        self.refused: list[types.QuarantineView] = []

    def commit(self) -> None:
        """Have the stream send the overview as it is now; set by the server that runs."""

    def raise_alarm(self, state: str = "unack") -> None:
        """Put the furnace's alarm into a state, as of a minute ago."""
        value = self.lines["furnace"]["metrics"]["energy_kwh_per_t"][0]
        self.alarm = {
            "state": state,
            "since_ns": time.time_ns() - 61 * NS,
            "value": value,
            "acked_by": "",
        }

    def overview(self) -> types.Overview:
        """Return the overview in the gateway's own types: a wrong shape fails here."""
        self.running.wait(20)
        now = time.time_ns()
        seen = not self.empty
        old = now - 300_000_000
        agent = types.AgentView(
            agent="edge-1", site="demo", online=True, epoch=1, last_ns=now, stale=False
        )  # fmt: skip
        return types.Overview(
            now_ns=now, speed=1.0, title=self.title, problems=self.problems, agents=[agent] * seen,
            lines=[self._line(name, now) for name in self.lines if seen],
            alarms=[types.AlarmView(**SCRIPT["alarm"], **self.alarm, active=self.alarm["state"] != "normal")],
            devices=[types.DeviceView(**row, last_good_ns=old) for row in SCRIPT["devices"] if seen],
            buses=[types.BusView(**row) for row in SCRIPT["buses"] if seen],
            reconciliation=[self._count(old)] * seen,
        )  # fmt: skip

    def _count(self, old: int) -> types.ReconciliationView:
        return types.ReconciliationView(**(SCRIPT["count"] | {"oldest_waiting_ns": old} | self.count))

    def _line(self, name: str, now: int) -> types.LineView:
        line = self.lines[name]
        t_ns = self.frozen.get(name, now)
        kept = ("title", "process", "product", "batch_word", "batch", "phases", "phase", "compared_window")
        finished = _finished(line, now) if line["batch_word"] else None
        return types.LineView(
            line=name, site="demo", agent="edge-1", t_ns=t_ns, age_s=(now - t_ns) / NS, stale=False,
            factor_set="demo", windows={w: _window(line, w) for w in line["windows"]},
            comparisons=_comparisons(line), grades=_grades(line), last_finished=finished,
            twins=twins_of(line, now), why_no_twins="" if line.get("twins") else NO_TWIN,
            events=self.events.get(name, []), **{key: line[key] for key in kept},
        )  # fmt: skip


def _metrics(line: dict[str, Any], factor: float) -> dict[str, Any]:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value * factor

    return {
        name: types.MetricView(value=scaled(value), unit=unit, uncertainty=uncertainty)
        for name, (value, unit, uncertainty) in line["metrics"].items()
    }


def _window(line: dict[str, Any], name: str) -> types.WindowView:
    validity, coverage, factor = line["windows"][name]
    metrics = _metrics(line, factor)
    if validity >= Validity.PRODUCT_ZERO:
        metrics = {n: m.model_copy(update={"value": None, "uncertainty": None}) for n, m in metrics.items()}
    title = Validity(validity).name
    return types.WindowView(validity=validity, validity_name=title, coverage=coverage, metrics=metrics)


def _comparisons(line: dict[str, Any]) -> list[types.ComparisonView]:
    found = []
    for benchmark, title, metric, value, unit, kind, comparable, source, clause, why, verdict in line[
        "comparisons"
    ]:
        own = line["metrics"][metric][0]
        gap = own - value if comparable and own is not None else None
        found.append(
            types.ComparisonView(
                benchmark=benchmark, title=title, value=value, unit=unit, metric=metric, kind=kind,
                comparable=comparable, gap=gap, gap_percent=None if gap is None else 100 * gap / value,
                verdict=verdict, why=why, jurisdiction="CN",
                source=source, clause=clause,
            )
        )  # fmt: skip
    return found


def _grades(line: dict[str, Any]) -> list[types.GradeView]:
    """A scale that applies and one that does not, for the one line whose script names an own figure."""
    if line["process"] != "clinker_kiln":
        return []
    steps = [{"level": "1", "value": 100.0}, {"level": "2", "value": 107.0}, {"level": "3", "value": 117.0}]
    shared = {
        "metric": "kgce_per_t", "unit": "kgce/t", "steps": steps, "source": "transcription", "note": "",
    }  # fmt: skip
    fits = types.GradeView(
        ladder="gb16780.clinker", title="GB 16780-2021, clinker", value=115.3, level="3", reached="level 3",
        could_be=["none"], next_level="2", next_value=107.0, gap=8.3, gap_percent=7.757, why="",
        clause="table 2", jurisdiction="CN", **shared,
    )  # fmt: skip
    other = types.GradeView(
        ladder="ndrc723.clinker", title="NDRC", value=None, level="", reached="", could_be=[], next_level="",
        next_value=None, gap=None, gap_percent=None, why="another boundary", clause="", jurisdiction="CN",
        **shared,
    )  # fmt: skip
    return [fits, other]


def _finished(line: dict[str, Any], now: int) -> types.FinishedView:
    end = now - 640_000_000_000
    return types.FinishedView(
        t_ns=end, what="batch_finished", window="batch", batch="4710", start_ns=end - 3_300_000_000_000,
        end_ns=end, validity=0, validity_name="VALID", coverage=0.999, metrics=_metrics(line, 0.97),
        factor_set="demo", comparisons=_comparisons(line),
    )  # fmt: skip


def _trend(line: dict[str, Any], name: str, metric: str, window: str) -> types.Trend:
    value, unit, uncertainty = line["metrics"][metric]
    now = time.time_ns() // 1_000_000
    t_ms = [now - 6000 * i for i in range(600, 0, -1)]
    wave = [None if i in range(300, 320) else value * (1 + 0.02 * math.sin(i / 35)) for i in range(600)]
    validity = [3 if i in range(290, 330) else 0 for i in range(600)]
    return types.Trend(
        line=name, metric=metric, unit=unit, window=window, t_ms=t_ms, value=wave,
        uncertainty=[uncertainty] * 600, validity=validity,
    )  # fmt: skip


class ScriptedHouse:
    """Answers the API's questions from the script: the surface of the gateway's `House`."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.scene = SimpleNamespace(config=SimpleNamespace(alarms={SCRIPT["alarm"]["id"]: None}))

    def overview(self) -> types.Overview:
        """Return the works as they are now."""
        return self.works.overview()

    def beat(self) -> types.Beat:
        """Return the heartbeat of now."""
        return types.Beat(now_ns=time.time_ns())

    def line_names(self) -> list[str]:
        """Return the names of the lines."""
        return list(self.works.lines)

    def trend(self, line: str, metric: str, window: str, minutes: float, points: int) -> types.Trend:
        """Return a wave with a gap in it."""
        return _trend(self.works.lines[line], line, metric, window)

    def batches(self, line: str, limit: int) -> list[types.FinishedView]:
        """Return the same finished batch three times."""
        return [_finished(self.works.lines[line], time.time_ns())] * 3

    def restatements(self, line: str, limit: int) -> list[restated_types.RestatementView]:
        """Return the restatements of a line that a test has put there."""
        return [one for one in self.works.restated if one.line == line][:limit]

    def factor_set(self, name: str) -> restated_types.FactorSetView | None:
        """Return the one set there is."""
        return FACTORS if name == FACTORS.name else None

    def alarms(self) -> types.Alarms:
        """Return the alarm and one row of its journal."""
        row = types.AlarmRow(
            n=1,
            id=SCRIPT["alarm"]["id"],
            t_ns=time.time_ns(),
            was="normal",
            state="unack",
            value=441,
            who="data",
        )
        return types.Alarms(alarms=self.works.overview().alarms, journal=[row])

    def hours(self, agent: str, hours: int) -> list[types.AgentHours]:
        """Return the hours that a test has put there."""
        return [types.AgentHours(agent="edge-1", site="demo", hours=self.works.hours)]

    def quarantine(self, limit: int) -> list[types.QuarantineView]:
        """Return the refusals that a test has put there."""
        return self.works.refused[:limit]

    def acknowledge(self, alarm_id: str, who: str) -> None:
        """Take down who acknowledged, or refuse."""
        if self.works.refuses:
            raise NothingToAckError(self.works.refuses)
        self.works.acks.append((alarm_id, who))
        self.works.alarm |= {"state": "ack", "acked_by": who}
        self.works.commit()


class Host:
    """A server that a test may kill and start again at the same address."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.port = 0
        self.server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def _serve(self, sock: socket.socket) -> None:
        house = ScriptedHouse(self.works)
        stream = Stream(
            lambda: house.overview().model_dump_json().encode(),
            lambda: house.beat().model_dump_json().encode(),
        )
        self.works.commit = stream.poke  # type: ignore[method-assign]
        app = build_app(cast(House, house), stream)
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0))
        self.server.run(sockets=[sock])

    def start(self) -> None:
        """Serve at a free port; at the same one from the second time on."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        self.port = sock.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, args=[sock])
        self.thread.start()
        until(lambda: self.server is not None and self.server.started, 10, "the test's server has started")

    def kill(self) -> None:
        """Close the port and every connection, streams too."""
        self.works.running.set()
        if self.server is not None:
            self.server.force_exit = self.server.should_exit = True
            self.thread.join(10)
            self.server = None


@pytest.fixture
def works() -> Works:
    """What the scripted gateway knows."""
    return Works()


@pytest.fixture
def host(works: Works) -> Iterator[Host]:
    """The scripted gateway, serving."""
    one = Host(works)
    one.start()
    yield one
    one.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for a file of tests; while it lives, no other event loop can run here."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian package 'chromium')")
    with playwright_api.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield one
        one.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A browser profile of its own, at the size of a control room's screen."""
    one = browser.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="dark")
    one.set_default_timeout(8000)
    yield one
    one.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console calls an error: exceptions, refused scripts, failed requests."""
    return []


@pytest.fixture
def tab(context: Any, host: Host, complaints: list[str]) -> Any:
    """The page, opened and showing its first overview."""
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(host.url)
    page.wait_for_selector("body[data-connection=live]")
    return page
