"""Whole works for the system tests: real processes, real sockets, a real serial line, real files."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.shelf import configs_root
from greenhearth.wire import Event, Record
from greenhearth_cli.count import Count, count_in
from greenhearth_cli.page import Page
from greenhearth_cli.supervise import Family

from ..waiting import until

__all__ = ["DEMO_SECONDS", "DEMO_SPEED", "GATEWAY", "SITE", "DemoRun", "Works", "until"]

SITE = configs_root() / "sites" / "demo.toml"
GATEWAY = configs_root() / "sites" / "demo_gateway.toml"
DEMO_SECONDS, DEMO_SPEED = 62, 75
"""77 minutes of the plants: one whole heat, and at least four whole quarters of an hour."""


@dataclass
class Works:
    """Plants, gateway and agent as processes that a test may kill and start again."""

    folder: Path
    broker: tuple[str, int]
    speed: float
    family: Family = field(init=False)

    def __post_init__(self) -> None:
        use_kernel_cache()
        self.family = Family(self.folder)
        self.family.start("sim", ["sim", "--speed", str(self.speed)])
        self.sim = self.family.ready("sim", 30)
        self.shared = ["--broker", f"{self.broker[0]}:{self.broker[1]}", "--clock", self.sim["clock"]]

    def start_gateway(self) -> Page:
        """Start the gateway and return its page."""
        where = ["--http", "127.0.0.1:0", "--data", str(self.folder / "gateway")]
        self.family.start("gateway", ["gateway", "run", str(GATEWAY), *where, *self.shared])
        return Page(self.family.ready("gateway", 30)["http"])

    def start_agent(self) -> None:
        """Start the agent and wait until it polls."""
        where = ["--endpoints", str(self.folder / "sim.json"), "--data", str(self.folder / "agent")]
        self.family.start("agent", ["agent", "run", str(SITE), *where, *self.shared])
        self.family.ready("agent", 90)

    def kill(self, name: str) -> None:
        """Kill a process without warning."""
        child = self.family.children.pop(name)
        child.process.kill()
        child.process.wait(10)

    def count(self) -> Count:
        """Count from the two database files; the agent must have ended."""
        return count_in(self.folder / "agent", self.folder / "gateway")


@pytest.fixture
def works(broker: Any, tmp_path: Path) -> Iterator[Works]:
    """Simulated plants at a hundred times life, with the broker that the test may kill."""
    one = Works(tmp_path, (broker.host, broker.port), 100.0)
    yield one
    one.family.end_all(("agent", "gateway", "sim"))


@dataclass(frozen=True)
class DemoRun:
    """A finished demo: what it printed, and the journal it left."""

    code: int
    stdout: str
    stderr: str
    folder: Path
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """The document on standard output."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def items(self, leaf: str) -> list[Record] | list[Event]:
        """Return what the journal holds of one kind, in the order of time."""
        journal = self.folder / "gateway" / "journal.sqlite"
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT payload FROM items WHERE leaf = ? ORDER BY t_ns", (leaf,)).fetchall()
        kind: Any = Record if leaf == "records" else Event
        return [msgspec.json.decode(payload, type=kind) for (payload,) in rows]


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """One demo without a person, shared by the tests that look at what it leaves."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    argv = [sys.executable, "-m", "greenhearth_cli", "demo", "--json", "--port", "0", "--data", str(folder)]
    argv += ["--for", str(DEMO_SECONDS), "--speed", str(DEMO_SPEED)]
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEMO_SECONDS + 150, check=False)
    return DemoRun(done.returncode, done.stdout, done.stderr, folder, time.monotonic() - began)
