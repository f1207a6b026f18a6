"""A shelf and a site of their own, and devices on real sockets and terminals that misbehave."""

import asyncio
import os
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from greenhearth_agent.buses.guard import crc16

from ..programs import free_port

Answer = Callable[[bytes], list[tuple[float, bytes]]]
"""From a request frame to (delay [s], bytes) pairs."""

PROFILE = """
[profile]
id = "plcs/box"
maker = "test"
model = "box"
source = "tests"
max_registers = 16
max_gap = 2
timeout_ms = 150
turnaround_ms = 1

[point.power_kw]
address = 0
type = "float32"
unit = "kW"
kind = "rate"
source = "tests"

[point.energy_kwh]
address = 2
type = "uint32"
unit = "kWh"
kind = "counter"
source = "tests"

[point.state]
address = 4
type = "uint16"
kind = "state"
source = "tests"

[point.grade]
address = 5
type = "string"
length = 2
kind = "text"
source = "tests"

[point.far_a]
address = 40
type = "uint16"
unit = "A"
source = "tests"
"""

SITE = """
[site]
id = "works"
name = "Works"

[agent]
id = "edge"
scan_interval_s = 0.2
outbox_max_mb = 16

[bus.plc]
kind = "tcp"
host = "127.0.0.1"
port = {port}

[device.box]
bus = "plc"
profile = "plcs/box"
unit = 1
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of configurations with the profile `plcs/box` and nothing else."""
    root = tmp_path / "shelf"
    (root / "plcs").mkdir(parents=True)
    (root / "plcs" / "box.toml").write_text(PROFILE)
    monkeypatch.setenv("GREENHEARTH_CONFIGS", str(root))
    return root


@pytest.fixture
def site_file(tmp_path: Path, shelf: Path) -> Callable[..., Path]:
    """Writes a site file: `site_file(port)` or `site_file(text=...)`."""

    def write(port: int = 502, text: str = SITE) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text.format(port=port))
        return path

    return write


def rtu_frame(body: bytes) -> bytes:
    """Append the CRC to unit, function and data."""
    return body + crc16(body).to_bytes(2, "little")


def mbap_frame(tid: int, body: bytes) -> bytes:
    """Put the TCP header before unit, function and data."""
    return tid.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


@asynccontextmanager
async def tcp_device(answer: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve one raw TCP device; yields its port and the list of connections' request frames."""
    heard: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.read(300):
                heard.append(request)
                await _reply(answer(request), lambda data: _write(writer, data), tasks)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        for task in tasks:
            task.cancel()
        server.close()


@asynccontextmanager
async def pty_device(answer: Answer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve one raw serial device on a pseudo-terminal; yields its name and the requests."""
    master, slave = os.openpty()
    tty.setraw(slave)
    forget_settings(slave)
    os.set_blocking(master, False)
    heard: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    async def send(data: bytes) -> None:
        os.write(master, data)

    def ready() -> None:
        try:
            request = os.read(master, 300)
        except OSError:
            return
        heard.append(request)
        forget_settings(slave)
        task = loop.create_task(_reply(answer(request), send, tasks))
        tasks.add(task)

    loop.add_reader(master, ready)
    try:
        yield os.ttyname(slave), heard
    finally:
        loop.remove_reader(master)
        for task in tasks:
            task.cancel()
        os.close(master)
        os.close(slave)


def forget_settings(terminal: int) -> None:
    """Make the next opening change something: a terminal has no parity, and says so otherwise."""
    settings = termios.tcgetattr(terminal)
    settings[4] = settings[5] = termios.B50
    termios.tcsetattr(terminal, termios.TCSANOW, settings)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
        await writer.drain()


async def _reply(
    parts: list[tuple[float, bytes]], send: Callable[[bytes], Awaitable[None]], tasks: set[asyncio.Task[None]]
) -> None:
    async def later(delay: float, data: bytes) -> None:
        await asyncio.sleep(delay)
        await send(data)

    for delay, data in parts:
        if delay:
            tasks.add(asyncio.get_running_loop().create_task(later(delay, data)))
        else:
            await send(data)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition in the event loop; fail at the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


@pytest.fixture
def unused_port() -> int:
    """A TCP port of the loopback where nobody listens."""
    return free_port()
