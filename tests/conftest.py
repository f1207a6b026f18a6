"""Fixtures that several areas share: a real mosquitto on a free port, compiled kernels on disk."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from greenhearth.kernel_cache import use_kernel_cache

use_kernel_cache()  # before anything imports the kernels: compiling takes 20 s

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


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
