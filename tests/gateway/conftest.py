"""What the gateway's tests share: made-up agents, an open journal, and a gateway as a process."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.metrics import METRIC_UNITS, METRICS, WINDOWS
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.journal.database import FILE_NAME, open_writer
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.transaction import Commit
from greenhearth_gateway.journal.writer import Retention, Writer
from greenhearth_gateway.problems import Problems

from ..waiting import until

T0 = 1_767_225_600 * NS
"""2026-01-01 00:00:00 UTC."""

GATEWAY = """
[gateway]
id = "g"
title = "Test works"

[http]
port = 0

[alarm.hot]
line = "furnace"
window = "batch"
metric = "energy_kwh_per_t"
high = 500.0
deadband = 20.0
priority = "high"
title = "Too much energy"
cause = "A door is open."
consequence = "More energy for this heat."
action = "Close the door."
respond_within_min = 5
"""


@dataclass
class FakeAgent:
    """Makes births, records and events as an agent would; values are a function of seq."""

    site: str = "works"
    name: str = "edge"
    epoch: int = 7
    seq: int = 0
    birth_seq: int = 0

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def birth(self) -> wire.Birth:
        """Three series on two devices, two lines."""
        self.birth_seq = self.next_seq()
        series = [
            wire.SeriesInfo("furnace.active_power_kw", "kW", "eaf", "furnace"),
            wire.SeriesInfo("furnace.active_energy_kwh", "kWh", "eaf", "furnace"),
            wire.SeriesInfo("kiln.coal_t", "t", "feeder", "kiln", 30.0),
        ]
        lines = [
            wire.LineInfo(
                "furnace",
                "Furnace 1",
                "eaf_scrap",
                "liquid_steel",
                "fs-1",
                {"energy_kwh_per_t": "furnace"},
                "heat",
                ["idle", "melt"],
            ),
            wire.LineInfo("kiln", "Kiln", "clinker_kiln", "clinker", "fs-2"),
        ]
        return wire.Birth(
            self.epoch, self.birth_seq, T0, self.site, self.name, "test 1", series, lines,
            list(WINDOWS), list(METRICS), list(METRIC_UNITS),
        )  # fmt: skip

    def record(self, t_ns: int | None = None, energy: float | None = 400.0, validity: int = 0) -> wire.Record:
        """One scan; `energy` is the furnace's batch intensity in kWh/t."""
        seq = self.next_seq()
        at = T0 + seq * NS if t_ns is None else t_ns
        x: list[float | None] = [None] * len(METRICS)
        u: list[float | None] = [None] * len(METRICS)
        x[METRICS.index("energy_kwh_per_t")], u[METRICS.index("energy_kwh_per_t")] = energy, 2.5
        result = wire.WindowResult(0, 0, validity, 1.0, x, u, b="4711", p=1)
        rolling = wire.WindowResult(1, 1, 3, 0.5, [None] * len(METRICS), [None] * len(METRICS))
        blocks = [
            wire.Block(1_000_000, 0, [50_000.0 + seq / 3, float(seq)]),
            wire.Block(2_500_000, 2, [None if seq % 5 == 0 else seq / 7], [128 if seq % 5 == 0 else 64]),
        ]
        return wire.Record(self.epoch, seq, at, self.birth_seq, blocks, [result, rolling])

    def finished(self, line: str = "furnace", batch: str = "4711") -> wire.Event:
        """The end of a batch."""
        seq = self.next_seq()
        metrics = {"energy_kwh_per_t": wire.MetricValue(401.25, "kWh/t", 3.0)}
        return wire.Event(
            self.epoch, seq, T0 + seq * NS, "batch_finished", line, "batch", batch, T0, T0 + seq * NS,
            0, 1.0, metrics, "fs-1",
        )  # fmt: skip

    def frame(self, *items: wire.Item, lane: wire.Lane = "live") -> Arrival:
        """Items as they arrive from the broker."""
        payload = wire.encode(wire.Frame(wire.VERSION, self.name, lane, list(items)))
        return Arrival(wire.topic(self.site, self.name, wire.leaf_of(items[0])), payload)


@dataclass
class Desk:
    """An open journal with its writer, worked by hand instead of by a thread."""

    folder: Path
    alarms: dict[str, Any] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    retention_days: float = 0.0
    projections: tuple[str, ...] = ()

    def open(self) -> "Desk":
        """Open, or open again as after a restart."""
        self.db = open_writer(self.folder / FILE_NAME)
        self.reader = Reader(self.folder / FILE_NAME)
        retention = Retention(
            Clock(T0 + 1000 * NS, time.monotonic_ns()), self.retention_days, self.projections
        )
        self.writer = Writer(self.db, Inbox(), self.alarms, self.problems, retention)
        self.writer.on_commit.append(self.commits.append)
        return self

    def close(self) -> None:
        """Close as at the end of the process."""
        self.db.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the journal as a reader would."""
        with self.reader.connection() as db:
            return db.execute(sql).fetchall()


@pytest.fixture
def agent() -> FakeAgent:
    """An agent of site `works` called `edge`."""
    return FakeAgent()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty journal without alarms."""
    one = Desk(tmp_path).open()
    yield one
    one.close()


@pytest.fixture
def make() -> SimpleNamespace:
    """The classes and constants above, for tests that need their own."""
    return SimpleNamespace(
        Agent=FakeAgent, Desk=Desk, T0=T0, GATEWAY=GATEWAY, Gateway=GatewayProcess, Sender=Sender
    )


def wait_until(what: str, check: Callable[[], bool], within_s: float = 15.0) -> None:
    """Ask until it holds; the deadline fails the test with what was waited for."""
    until(check, within_s, what)


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[..., None]:
    """See :func:`wait_until`."""
    return wait_until


PROGRAM = """
import logging, sys
from pathlib import Path
from greenhearth_gateway.app import GatewayOptions, run_gateway
logging.basicConfig(level=logging.INFO)
config, data, broker, ready, http = sys.argv[1:]
run_gateway(GatewayOptions(Path(config), Path(data), broker=broker, http=http, ready_file=Path(ready)))
"""


@dataclass
class GatewayProcess:
    """A gateway that a test may kill and start again on the same journal."""

    folder: Path
    broker: tuple[str, int]
    config: str = GATEWAY
    process: subprocess.Popen[bytes] | None = None
    http: str = "127.0.0.1:0"
    url: str = ""

    @property
    def data(self) -> Path:
        """Folder of the journal."""
        return self.folder / "data"

    def start(self) -> "GatewayProcess":
        """Start it and wait until the page answers."""
        ready, config = self.folder / "ready.json", self.folder / "gateway.toml"
        ready.unlink(missing_ok=True)
        config.write_text(self.config)
        words = [str(config), str(self.data), f"{self.broker[0]}:{self.broker[1]}", str(ready), self.http]
        with (self.folder / "gateway.log").open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stdout=out, stderr=out)
        wait_until("the gateway is ready", lambda: ready.exists() or self.process.poll() is not None, 20)
        assert ready.exists(), self.log()
        self.url = json.loads(ready.read_text())["http"]
        return self

    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "gateway.log").read_text()

    def get(self, path: str) -> Any:
        """Ask its API."""
        reply = httpx.get(self.url + path, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def end(self) -> int:
        """End it as systemd would; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def gateway(tmp_path: Path, mosquitto: tuple[str, int]) -> Iterator[GatewayProcess]:
    """A running gateway on a running mosquitto."""
    one = GatewayProcess(tmp_path, mosquitto).start()
    yield one
    one.kill()


class Sender:
    """Publishes items and sends every one again until the gateway has acknowledged it."""

    def __init__(self, broker: tuple[str, int], agent: FakeAgent, resend_s: float = 0.5) -> None:
        self.agent, self.resend_s = agent, resend_s
        self.waiting: dict[int, tuple[wire.Item, float]] = {}
        self.acks = 0
        own = wire.topic(agent.site, agent.name, "ack")
        options = LinkOptions(*broker, f"fake-{agent.name}", (own,), first_wait_s=0.02, longest_wait_s=0.1)
        self.link = Link(options, LinkCallbacks(self._on_ack))
        self.link.start()

    def offer(self, *items: wire.Item) -> None:
        """Take items to deliver."""
        for item in items:
            self.waiting[item.seq] = (item, 0.0)

    def send_due(self) -> None:
        """Send what was never sent, or not acknowledged for a while."""
        now = time.monotonic()
        for seq, (item, sent) in sorted(self.waiting.copy().items()):
            if now - sent > self.resend_s and self._publish(item) and seq in self.waiting:
                self.waiting[seq] = (item, now)

    def deliver(self, within_s: float = 20.0) -> None:
        """Send until everything is acknowledged."""

        def done() -> bool:
            self.send_due()
            return not self.waiting

        wait_until("everything is acknowledged", done, within_s)

    def publish(self, leaf: str, payload: bytes) -> None:
        """Publish anything at all."""
        name = wire.topic(self.agent.site, self.agent.name, leaf)
        wait_until("the broker takes the message", lambda: self.link.publish(name, payload))

    def _publish(self, item: wire.Item) -> bool:
        arrival = self.agent.frame(item)
        return self.link.publish(arrival.topic, arrival.payload)

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        ack = wire.decode_ack(payload)
        self.acks += 1
        for seq in list(self.waiting):
            if ack.epoch == self.agent.epoch and (
                seq <= ack.upto or any(first <= seq <= last for first, last in ack.also)
            ):
                self.waiting.pop(seq, None)


@pytest.fixture
def sender(gateway: GatewayProcess, agent: FakeAgent) -> Iterator[Sender]:
    """A sender beside the running gateway."""
    one = Sender(gateway.broker, agent)
    yield one
    one.link.stop()
