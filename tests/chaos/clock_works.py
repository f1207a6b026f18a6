"""A steady plant, an agent and a gateway whose wall clocks a test may step, each on its own (libfaketime)."""

import socket
import socketserver
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greenhearth.kernel_cache import use_kernel_cache

from .works import Part

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
SHELF = Path(__file__).parents[1] / "kernels" / "works"
POWER_KW = 36_000.0
FIRST_KWH = 1000

SITE = """
[site]
id = "clock"
name = "Steps of the clock"
[agent]
id = "edge"
scan_interval_s = 0.1
[bus.one]
kind = "tcp"
host = "127.0.0.1"
port = {port}
[device.plc]
bus = "one"
unit = 1
profile = "plcs/bench"
[line.furnace]
title = "Furnace"
nominal_t_per_h = 200.0
process = "melt"
[line.furnace.role]
number = {{ device = "plc", point = "number" }}
work = {{ device = "plc", point = "work_kwh" }}
power = {{ device = "plc", point = "power_kw" }}
gas = {{ device = "plc", point = "gas_nm3" }}
charge = {{ device = "plc", point = "charge_t" }}
made = {{ device = "plc", point = "made_t" }}
"""

GATEWAY = """
[gateway]
id = "clock"
title = "Steps of the clock"
[journal]
retention_days = 1
"""


class SteadyPlc(socketserver.ThreadingTCPServer):
    """36 MW all the time, and a counter that is one higher at every read; it knows when each read was."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Master)
        self.served: list[tuple[float, float]] = []
        """(monotonic, wall) of every read, from the first."""
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self.server_address[1])

    def registers(self) -> bytes:
        """Return what the next read shows."""
        with self.lock:
            k = len(self.served)
            self.served.append((time.monotonic(), time.time()))
        return struct.pack(">HIfIII", 1, FIRST_KWH + k, POWER_KW, 500, 0, 0)


class _Master(socketserver.BaseRequestHandler):
    server: SteadyPlc

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while len(asked := self.request.recv(12, socket.MSG_WAITALL)) == 12:
            tid, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", asked)
            assert (function, address, count) == (3, 0, 11), "the plan of this profile is one request"
            words = self.server.registers()
            head = struct.pack(">HHHBBB", tid, 0, 3 + len(words), unit, function, len(words))
            self.request.sendall(head + words)


@dataclass
class Wall:
    """The wall clock of one process; steps are relative to the real one."""

    file: Path
    offset_s: float = 0.0

    def __post_init__(self) -> None:
        self.step_to(self.offset_s)

    def step_to(self, offset_s: float, speed: float = 1.0) -> None:
        """Put it `offset_s` off the real time, and let it run at a speed (libfaketime remembers the last)."""
        self.offset_s = offset_s
        self.write(f"{offset_s:+.3f} x{speed:.1f}")

    def write(self, text: str) -> None:
        """Set what libfaketime reads at every look; readers never see half of it."""
        new = self.file.with_suffix(".new")
        new.write_text(text + "\n", encoding="ascii")
        new.replace(self.file)

    def env(self) -> dict[str, str]:
        """What makes a process live by it."""
        return {
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip


@dataclass
class ClockWorks:
    """The plant and both daemons."""

    folder: Path
    broker: tuple[str, int]
    plc: SteadyPlc = field(default_factory=SteadyPlc)

    def __post_init__(self) -> None:
        use_kernel_cache()
        (self.folder / "site.toml").write_text(SITE.format(port=self.plc.port), encoding="utf-8")
        (self.folder / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
        self.agent_wall = Wall(self.folder / "agent.time")
        self.gateway_wall = Wall(self.folder / "gateway.time")
        self.agent = self._part("agent", "site.toml", self.agent_wall, {"GREENHEARTH_CONFIGS": str(SHELF)})
        self.gateway = self._part("gateway", "gateway.toml", self.gateway_wall, {})

    def _part(self, name: str, config: str, wall: Wall, env: dict[str, str]) -> Part:
        ready = self.folder / f"{name}.json"
        often = ["--set", "greenhearth_gateway.journal.writer:RETENTION_EVERY_S=0.5"]
        argv = [sys.executable, "-m", "tests.chaos.process", *(often if name == "gateway" else []), "--"]
        argv += [name, "run", str(self.folder / config), "--data", str(self.folder / name)]
        argv += ["--broker", f"{self.broker[0]}:{self.broker[1]}", "--ready-file", str(ready)]
        argv += ["--http", "127.0.0.1:0"] if name == "gateway" else []
        return Part(name, argv, self.folder / f"{name}.log", ready, {**wall.env(), **env})

    def reads(self) -> int:
        """Return how often the plant was read."""
        return len(self.plc.served)

    def close(self) -> None:
        """End what runs."""
        for part in (self.agent, self.gateway):
            if part.process is not None:
                part.kill()
        self.plc.shutdown()
        self.plc.server_close()


def truth_kwh(plc: SteadyPlc, first: int, last: int) -> float:
    """Return what a steady plant took between two of its reads [kWh]."""
    return POWER_KW * (plc.served[last][0] - plc.served[first][0]) / 3600.0


__all__ = ["Any", "ClockWorks", "SteadyPlc", "Wall", "truth_kwh"]
