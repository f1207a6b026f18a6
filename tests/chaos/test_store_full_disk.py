"""More ways for a disk to be full: no inodes left, no room for long, the series store's own disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from greenhearth_cli.page import Page

from ..conftest import DatabaseServer
from ..gateway.conftest import Desk, FakeAgent
from ..programs import INFLUXD, free_port
from ..system.conftest import SITE, Works
from ..waiting import until
from .disk_ledger import ROOT
from .projecting import is_level, projecting, put

SOON_S = 30.0
RECOVERS_S = 5.0
"""After there is room again."""

SEGMENT_BYTES, ROOM_BYTES = 32 << 10, 256 << 10


@dataclass
class SmallDisk:
    """A mounted file system with little room and few inodes."""

    folder: Path
    ballast: list[Path] = field(default_factory=list)

    def fill(self) -> None:
        """Write until not another page fits."""
        with self._next().open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096) == 4096:
                    pass
            except OSError:
                return

    def fill_inodes(self) -> None:
        """Make empty files until not another one can be made."""
        try:
            while True:
                self._next().touch()
        except OSError:
            self.ballast.pop()

    def empty(self) -> None:
        """Give everything back."""
        for path in self.ballast:
            path.unlink()
        self.ballast.clear()

    def _next(self) -> Path:
        self.ballast.append(self.folder / f"ballast-{len(self.ballast)}")
        return self.ballast[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 24 MB and 200 inodes at `agent`, where the works have the agent's data."""
    folder = tmp_path / "agent"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24M,nr_inodes=200", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("the command 'mount' is not installed: no small disk to fill")
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here ({done.stderr.strip()}); it takes root")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def works(broker: Any, tmp_path: Path) -> Iterator[Works]:
    """Simulated plants at a hundred times life, with a broker."""
    one = Works(tmp_path, (broker.host, broker.port), 100.0)
    yield one
    one.family.end_all(("gateway", "sim"))


@dataclass
class SmallAgent:
    """The real agent with short files and little room in memory, so that both end soon."""

    works: Works

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.works.folder / "agent.log").read_text()

    def start(self) -> None:
        """Start it and wait until it polls."""
        ready, works = self.works.folder / "agent.json", self.works
        constants = [f"greenhearth_agent.outbox:MOST_SEGMENT_BYTES={SEGMENT_BYTES}"]
        constants += [f"greenhearth_agent.spool:ROOM_BYTES={ROOM_BYTES}"]
        words = [sys.executable, "-m", "tests.chaos.process", *(f"--set={one}" for one in constants), "--"]
        where = ["--endpoints", str(works.folder / "sim.json"), "--data", str(works.folder / "agent")]
        verb = ["agent", "run", str(SITE), *where, *works.shared, "--ready-file", str(ready)]
        with (works.folder / "agent.log").open("ab") as out:
            self.process = subprocess.Popen([*words, *verb], stdout=out, stderr=out, cwd=ROOT, env=os.environ)
        until(lambda: ready.exists() or self.process.poll() is not None, 90, "the agent polls")
        assert self.process.poll() is None, self.log

    def end(self) -> None:
        """End it in order."""
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log


@pytest.fixture
def agent(works: Works) -> Iterator[SmallAgent]:
    """An agent that has not been started."""
    one = SmallAgent(works)
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.wait(10)


def _says(page: Page, text: str) -> bool:
    return any(text in one for one in page.overview().problems)


def _newest(page: Page) -> int:
    return max((line.t_ns for line in page.overview().lines), default=0)


def test_a_disk_without_inodes_is_told_and_measuring_goes_on(
    small_disk: SmallDisk, works: Works, agent: SmallAgent
) -> None:
    """No new file can be begun: live data goes on, and all is stored when there are inodes again."""
    page = works.start_gateway()
    agent.start()
    until(lambda: _newest(page) and page.overview().reconciliation, SOON_S, "the first data")
    small_disk.fill_inodes()
    until(lambda: _says(page, "is full: free some space there"), SOON_S, "the full disk on the page")
    before = _newest(page)
    until(lambda: _newest(page) > before, 5, "live values while there are no inodes")
    small_disk.empty()
    until(lambda: not _says(page, "is full"), RECOVERS_S, "the problem is over")
    agent.end()
    works.family.end("gateway")
    count = works.count()
    assert count.closes, count
    assert (count.quarantined, count.dropped) == (0, 0), count


def test_what_a_full_disk_and_a_full_memory_cost_is_counted_to_the_item(
    small_disk: SmallDisk, works: Works, agent: SmallAgent
) -> None:
    """Nobody takes anything, the room in memory is small: records are given up, each of them counted."""
    agent.start()
    small_disk.fill()
    until(lambda: "is full: free some space there" in agent.log, SOON_S, "the disk is full")
    outbox = works.folder / "agent" / "agent-edge1"
    size = sum(path.stat().st_size for path in outbox.rglob("*") if path.is_file())
    assert size <= 24 << 20
    page = works.start_gateway()
    until(lambda: any(one.dropped for one in page.overview().reconciliation), SOON_S, "records are given up")
    small_disk.empty()
    until(lambda: "the outbox can be written again" in agent.log, RECOVERS_S, "it recovers")
    until(
        lambda: not any(one.waiting > 120 for one in page.overview().reconciliation), SOON_S, "all delivered"
    )
    agent.end()
    works.family.end("gateway")
    count = works.count()
    assert count.dropped > 0, count
    assert count.measured - count.stored - count.waiting - count.quarantined == count.dropped, count


def test_a_series_store_whose_disk_is_full_costs_nothing_but_delay(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    """A real InfluxDB on a full disk refuses; the journal goes on, and it gets everything afterwards."""
    if INFLUXD is None:
        pytest.skip("influxd is not installed (Debian package 'influxdb')")
    port, config = free_port(), tmp_path / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
        f'[meta]\ndir = "{small_disk.folder}/meta"\n[data]\ndir = "{small_disk.folder}/data"\n'
        f'wal-dir = "{small_disk.folder}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n'
        "log-enabled = false\n[monitor]\nstore-enabled = false\n"
    )
    server = DatabaseServer([INFLUXD, "-config", str(config)], tmp_path, port, "/ping").start()
    httpx.post(server.url + "/query", params={"q": "CREATE DATABASE greenhearth"}).raise_for_status()
    (tmp_path / "journal").mkdir()
    desk, agent = Desk(tmp_path / "journal").open(), FakeAgent()
    try:
        with projecting(desk, server.url, api="v1"):
            put(desk, agent, 50)
            until(lambda: is_level(desk), SOON_S, "it writes")
            small_disk.fill()
            put(desk, agent, 500)
            until(lambda: desk.problems.is_open("influx"), SOON_S, "the refusal is told")
            before = desk.reader.last_id()
            put(desk, agent, 10)
            until(lambda: desk.reader.last_id() > before, 5, "the journal goes on")
            small_disk.empty()
            server.kill()  # once its log could not be written, an InfluxDB 1.6 refuses until it is restarted
            server.start()
            until(lambda: is_level(desk), SOON_S, "everything is carried on")
        reply = httpx.get(
            f"{server.url}/query", params={"db": "greenhearth", "q": "SELECT count(coverage) FROM intensity"}
        )
        assert reply.json()["results"][0]["series"][0]["values"][0][1] == 2 * 560
        assert desk.rows("SELECT count(*) FROM quarantine") == [(0,)]
    finally:
        server.kill()
        desk.close()
