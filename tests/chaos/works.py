"""Real works for the rig: a truth PLC that is never killed, and five processes that are.

Two agents (the same id at two sites), a gateway, a mosquitto that keeps nothing, and an InfluxDB that
the projection fills. `Part` is one of the five: started, killed, started again in the same place.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from greenhearth.clock import NS, Clock
from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.shelf import configs_root

from ..programs import INFLUXD, MOSQUITTO, free_port

ROOT = Path(__file__).parents[2]
SHELF = Path(__file__).parent / "shelf"
SITES = ("north", "south")
AGENTS = tuple(f"agent_{site}" for site in SITES)
VICTIMS = (*AGENTS, "gateway", "broker", "store")
START_NS = 1_767_571_200 * NS
"""5 January 2026, 00:00 UTC: where the clock of the rig begins."""
FAILPOINT = "GREENHEARTH_FAILPOINT"
CRASHED = 137


class RigError(Exception):
    """The rig itself could not go on: says what it waited for and where the log is."""


@dataclass
class Part:
    """One process that may be killed; `argv` stays the same over all its lives."""

    name: str
    argv: Sequence[str]
    log: Path
    ready_file: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    lives: int = 0
    started_at: float = 0.0

    def start(self, failpoint: str = "") -> None:
        """Start it; with a failpoint ``NAME:N`` it ends there by itself."""
        assert self.process is None, f"{self.name} runs already"
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        env = {**os.environ, **self.env}
        env.pop(FAILPOINT, None)
        if failpoint:
            env[FAILPOINT] = failpoint
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env
            )
        self.lives += 1
        self.started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """Return the code of a process that has ended by itself, and forget the process."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
        return code

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def end(self, within_s: float = 20.0) -> int:
        """Ask it to end in order, and return its exit code; RigError if it does not end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RigError(f"the {self.name} did not end within {within_s:g} s; see {self.log}") from None
        self.process = None
        return code

    def ready(self) -> dict[str, Any]:
        """Return its ready file, empty while there is none."""
        try:
            found: dict[str, Any] = json.loads(self.ready_file.read_bytes()) if self.ready_file else {}
        except FileNotFoundError:
            return {}
        return found

    def last_lines(self) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


@dataclass
class Plugs:
    """What is changed in the product for a run."""

    bug: str = ""
    bug_in: str = ""
    """``agent`` or ``gateway``."""
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """``agent`` or ``gateway`` -> ``MODULE:NAME=NUMBER``."""
    outbox_bytes: int = 0
    """Size of a full outbox; 0: as the site file says."""

    def words(self, kind: str) -> list[str]:
        """Return the words for `process.py`."""
        words = [word for one in self.settings.get(kind, ()) for word in ("--set", one)]
        if self.outbox_bytes and kind == "agent":
            words += ["--outbox", str(self.outbox_bytes)]
        return [*words, "--bug", self.bug] if self.bug and self.bug_in == kind else words


class Works:
    """All processes of one works in one folder."""

    def __init__(self, folder: Path, speed: float, plugs: Plugs | None = None) -> None:
        self.folder, self.plugs = folder, plugs or Plugs()
        folder.mkdir(parents=True, exist_ok=True)
        use_kernel_cache()
        self.clock = Clock.fast(speed, START_NS)
        self.env = {"GREENHEARTH_CONFIGS": str(compose_shelf(folder / "shelf"))}
        self.broker_port, self.store_port = free_port(), free_port()
        self.store_url = f"http://127.0.0.1:{self.store_port}"
        self.truth = self._program("truth", [sys.executable, "-m", "tests.chaos.truth"])
        self.truth.argv = [*self.truth.argv, str(self.truth.ready_file), *SITES]
        self.parts = {"broker": self._broker(), "store": self._store(), "gateway": self._gateway()}
        self.parts |= {f"agent_{site}": self._agent(site) for site in SITES}

    @property
    def journal(self) -> Path:
        """The gateway's journal."""
        return self.folder / "gateway" / "journal.sqlite"

    def outbox_folder(self, site: str) -> Path:
        """Return the data folder of one site's agent."""
        return self.folder / site

    def start(self) -> None:
        """Start everything and wait until all of it answers."""
        self.truth.start()
        _await("the truth PLC", self.truth, self.truth.ready)
        for name in ("broker", "store"):
            self.parts[name].start()
        _await("the broker", self.parts["broker"], lambda: _listens(self.broker_port))
        _await("the store", self.parts["store"], self._store_answers)
        httpx.post(self.store_url + "/query", params={"q": "CREATE DATABASE greenhearth"}).raise_for_status()
        for name in ("gateway", *AGENTS):
            self.parts[name].start()
        for name in ("gateway", *AGENTS):
            _await(f"the {name}", self.parts[name], self.parts[name].ready)

    def truth_account(self) -> dict[str, Any]:
        """Return what the truth PLC served: site -> next_k, functions, connections, malformed."""
        with socket.create_connection(("127.0.0.1", self.truth.ready()["control"]), 5) as link:
            heard = b""
            while more := link.recv(65536):
                heard += more
        found: dict[str, Any] = json.loads(heard)
        return found

    def kill_agents(self) -> None:
        """Kill what may still measure."""
        for name in AGENTS:
            self.parts[name].kill()

    def destroy(self) -> None:
        """Kill whatever still runs."""
        for part in (*self.parts.values(), self.truth):
            part.kill()

    def _store_answers(self) -> bool:
        try:
            return httpx.get(self.store_url + "/ping", timeout=1).is_success
        except httpx.HTTPError:
            return False

    def _program(self, name: str, argv: Sequence[str], ready: bool = True) -> Part:
        file = self.folder / f"{name}.json" if ready else None
        return Part(name, argv, self.folder / f"{name}.log", file, self.env)

    def _product(self, name: str, kind: str, verb: Sequence[str]) -> Part:
        start = [sys.executable, "-m", "tests.chaos.process", *self.plugs.words(kind), "--", *verb]
        shared = ["--broker", f"127.0.0.1:{self.broker_port}", "--clock", self.clock.to_text()]
        part = self._program(name, [*start, *shared])
        part.argv = [*part.argv, "--ready-file", str(part.ready_file)]
        return part

    def _agent(self, site: str) -> Part:
        file = SHELF / "sites" / f"{site}.toml"
        where = ["--data", str(self.outbox_folder(site)), "--endpoints", str(self.truth.ready_file)]
        return self._product(f"agent_{site}", "agent", ["agent", "run", str(file), *where])

    def _gateway(self) -> Part:
        text = (SHELF / "sites" / "gateway.toml").read_text(encoding="utf-8")
        file = self.folder / "gateway.toml"
        file.write_text(text.replace("http://127.0.0.1:8086", self.store_url), encoding="utf-8")
        where = ["--http", "127.0.0.1:0", "--data", str(self.journal.parent)]
        return self._product("gateway", "gateway", ["gateway", "run", str(file), *where])

    def _broker(self) -> Part:
        assert MOSQUITTO is not None
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nmax_queued_messages 100000\nlog_type error\n"
        )
        return self._program("broker", [MOSQUITTO, "-c", str(config)], ready=False)

    def _store(self) -> Part:
        assert INFLUXD is not None
        place, config = self.folder / "influx", self.folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\ndir = "{place}/meta"\n[data]\ndir = "{place}/data"\nwal-dir = "{place}/wal"\n'
            'cache-snapshot-memory-size = "8m"\nquery-log-enabled = false\n'
            f'[http]\nbind-address = "127.0.0.1:{self.store_port}"\nlog-enabled = false\n'
            '[logging]\nlevel = "error"\n[monitor]\nstore-enabled = false\n'
        )
        return self._program("store", [INFLUXD, "-config", str(config)], ready=False)


def compose_shelf(folder: Path) -> Path:
    """Lay the rig's profiles and processes beside the real shelf, by links."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for entry in configs_root().iterdir():
        own = SHELF / entry.name
        if entry.name in ("plcs", "processes"):
            (folder / entry.name).mkdir()
            for file in (*entry.iterdir(), *own.iterdir()):
                (folder / entry.name / file.name).symlink_to(file)
        else:
            (folder / entry.name).symlink_to(entry)
    return folder


def missing_programs() -> str:
    """Say what is not installed, '' if nothing is missing."""
    lacking = [name for name, path in (("mosquitto", MOSQUITTO), ("influxdb", INFLUXD)) if path is None]
    return f"not installed: Debian package(s) {', '.join(lacking)}" if lacking else ""


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def _await(what: str, part: Part, condition: Callable[[], Any], within_s: float = 90.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if part.exit_code() is not None or time.monotonic() > deadline:
            raise RigError(f"{what} did not start; the end of {part.log}:\n{part.last_lines()}")
        time.sleep(0.02)  # asked again until the deadline
