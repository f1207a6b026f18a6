"""Fixtures that several areas share: a real mosquitto on a free port, compiled kernels on disk."""

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from greenhearth.kernel_cache import use_kernel_cache

from .programs import INFLUXD, MOSQUITTO, VICTORIA, free_port

use_kernel_cache()  # before anything imports the kernels: compiling takes 20 s


@dataclass
class Broker:
    """A mosquitto that a test may kill and start again on the same port."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        assert MOSQUITTO is not None
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nmax_queued_messages 100000\n"
        )
        with (self.folder / "mosquitto.log").open("ab") as out:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=out, stderr=out)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self.host, self.port), 0.2).close()
            except OSError:
                assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
                time.sleep(0.02)  # the listener is not up yet; asked again until the deadline
            else:
                return
        raise TimeoutError("mosquitto did not start within 10 s")

    def kill(self) -> None:
        """Kill it without warning, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running mosquitto with `kill()` and `start()`."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian package 'mosquitto')")
    one = Broker(tmp_path_factory.mktemp("mosquitto"))
    one.start()
    yield one
    one.kill()


@pytest.fixture
def mosquitto(broker: Broker) -> tuple[str, int]:
    """Host and port of a running mosquitto."""
    return broker.host, broker.port


class DatabaseServer:
    """A database server that a test may kill and start again on the same data."""

    def __init__(self, words: list[str], folder: Path, port: int, ping: str) -> None:
        self.words, self.folder, self.ping = words, folder, ping
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "DatabaseServer":
        """Start it and wait until it answers."""
        with (self.folder / "server.log").open("ab") as out:
            self.process = subprocess.Popen(self.words, stdout=out, stderr=out)
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(self.url + self.ping, timeout=1).is_success:
                    return self
            except httpx.HTTPError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server did not answer within 30 s"
            time.sleep(0.05)  # asked again until the deadline

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """A running InfluxDB 1.x with the database `greenhearth`."""
    if INFLUXD is None:
        pytest.skip("influxd is not installed (Debian package 'influxdb')")
    folder, port = tmp_path_factory.mktemp("influx"), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
        f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n'
    )
    server = DatabaseServer([INFLUXD, "-config", str(config)], folder, port, "/ping").start()
    httpx.post(server.url + "/query", params={"q": "CREATE DATABASE greenhearth"}).raise_for_status()
    yield server
    server.kill()


@pytest.fixture
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """A running VictoriaMetrics."""
    if VICTORIA is None:
        pytest.skip("victoria-metrics is not installed (Debian package 'victoria-metrics')")
    folder, port = tmp_path_factory.mktemp("victoria"), free_port()
    words = [
        VICTORIA,
        f"-storageDataPath={folder}/data",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=10y",
    ]
    server = DatabaseServer(words, folder, port, "/health").start()
    yield server
    server.kill()
