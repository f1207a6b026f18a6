"""The whole product in one command: plants, broker, gateway and agent as child processes.

Every part is a verb of ``greenhearth`` that a plant would start by itself; only the
addresses are chosen here, so that nothing collides with what runs already.
"""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.shelf import configs_root
from greenhearth_cli.complaints import FAILED, WRONG_USE, PlainError
from greenhearth_cli.count import Count, count_in
from greenhearth_cli.page import Page
from greenhearth_cli.run_folder import claim
from greenhearth_cli.show import show_document, show_json
from greenhearth_cli.summary import Shown, document
from greenhearth_cli.supervise import Family

LOOPBACK = "127.0.0.1"
READY_S = 30.0
AGENT_READY_S = 90.0
"""The first agent on a machine compiles its kernels."""
LINES_S = 30.0
DRAIN_S = 10.0
"""Longest time the gateway gets to store what is under way after the agent has ended."""
QUIET_S = 0.3
END_ORDER = ("agent", "gateway", "sim", "broker")


@dataclass(frozen=True)
class DemoOptions:
    """What a person asked of a demo."""

    seconds: float | None
    """Wall seconds from the moment the page answers; None: until Ctrl-C."""
    speed: float
    as_json: bool
    port: int
    data: Path


def run_demo(options: DemoOptions) -> int:
    """Run the demo and return the exit code; PlainError when a part cannot start or dies."""
    if options.as_json and options.seconds is None:
        raise PlainError("--json prints one document at the end, so it needs --for SECONDS", WRONG_USE)
    console = Console(stderr=options.as_json, highlight=False)
    with claim(options.data):
        _refuse_taken_port(options.port)
        use_kernel_cache()
        demo = Demo(options, console)
        with _terminate_as_interrupt():
            try:
                return demo.run()
            finally:
                demo.family.end_all(END_ORDER)


class Demo:
    """One run, from an empty folder to its document."""

    def __init__(self, options: DemoOptions, console: Console) -> None:
        self.options, self.console = options, console
        self.family = Family(options.data)
        self.page = Page("")

    def run(self) -> int:
        """Start everything, wait, and end it in order."""
        if self.options.seconds is None:
            return self._until_interrupted()
        self._start()
        self._watch(time.monotonic() + self.options.seconds)
        return self._finish()

    def _until_interrupted(self) -> int:
        """Run for a person, who ends it with Ctrl-C: that is no fault, whenever it comes."""
        try:
            self._start()
            self.console.print("Ctrl-C ends everything.")
            self._watch(float("inf"))
        except KeyboardInterrupt:
            self.console.print("Ending ...")
        return 0

    def _start(self) -> None:
        """Start the parts so that each finds the addresses it needs."""
        self.console.print("Starting three plants, a broker, a gateway and an agent ...")
        folder, speed = self.options.data, self.options.speed
        self.family.start("broker", ["broker", "--port", "0"])
        self.family.start("sim", ["sim", "--speed", str(speed)])
        at = self.family.ready("broker", READY_S)
        clock = str(self.family.ready("sim", READY_S)["clock"])
        shared = ["--broker", f"{at['host']}:{at['port']}", "--clock", clock]
        sites = configs_root() / "sites"
        http = f"{LOOPBACK}:{self.options.port}"
        gateway = ["gateway", "run", str(sites / "demo_gateway.toml"), "--data", str(folder / "gateway")]
        agent = ["agent", "run", str(sites / "demo.toml"), "--data", str(folder / "agent")]
        endpoints = str(self.family.children["sim"].ready_file)
        self.family.start("gateway", [*gateway, "--http", http, *shared])
        self.family.start("agent", [*agent, "--endpoints", endpoints, *shared])
        self.page = Page(_address(self.family.ready("gateway", READY_S)))
        self.family.ready("agent", AGENT_READY_S)
        self.page.wait_for_lines(LINES_S, self.family.check)
        self.console.print(f"The page is at [bold]{self.page.address}[/bold]  (logs: {self.options.data})")

    def _watch(self, until: float) -> None:
        """Wait; PlainError if a child dies meanwhile."""
        while (left := until - time.monotonic()) > 0:
            self.family.check()
            time.sleep(min(0.2, left))

    def _finish(self) -> int:
        """End the agent, let the gateway drain, end it, count, and print the document."""
        self.family.end("agent")
        self._drain()
        shown = self._look()
        self.family.end("gateway")
        found = document(shown, self._count())
        self._print(found)
        return 0 if found["ok"] else FAILED

    def _look(self) -> Shown:
        overview = self.page.overview()
        finished = {line.line: self.page.finished(line.line) for line in overview.lines}
        return Shown(overview, self.page.alarms(), finished)

    def _drain(self) -> None:
        """Wait until the gateway has stored nothing new for a moment, or the time is over."""
        deadline, before = time.monotonic() + DRAIN_S, -1
        while (stored := self._count().stored) != before and time.monotonic() < deadline:
            before = stored
            time.sleep(QUIET_S)

    def _count(self) -> Count:
        return count_in(self.options.data / "agent", self.options.data / "gateway")

    def _print(self, found: dict[str, Any]) -> None:
        if self.options.as_json:
            show_json(found)
        else:
            show_document(found, self.console)


def _address(ready: dict[str, Any]) -> str:
    http = str(ready["http"])
    return http if http.startswith("http") else f"http://{http}"


def _refuse_taken_port(port: int) -> None:
    """PlainError if another program listens on the port of the page."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
        except OSError as error:
            why = f"port {port} of {LOOPBACK} cannot be used ({error.strerror})"
            raise PlainError(f"{why}; choose another with --port, or any free one with --port 0") from None


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Make SIGTERM end a demo the way Ctrl-C does."""

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
