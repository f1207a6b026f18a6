"""Child processes of this interpreter: started with a log and a ready file, ended in order."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from greenhearth_cli.complaints import PlainError

GRACE_S = 5.0
"""Between asking a child to end and killing it."""

POLL_S = 0.02
LAST_LINES = 12


@dataclass
class Child:
    """One verb of ``greenhearth`` in a process of its own."""

    name: str
    log: Path
    ready_file: Path
    process: subprocess.Popen[bytes]

    def last_lines(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])

    def check(self) -> None:
        """PlainError if it has ended."""
        code = self.process.poll()
        if code is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise PlainError(f"the {self.name} {how}; the end of {self.log}:\n{self.last_lines()}")


class Family:
    """The children of one run, in the order they were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}

    def start(self, name: str, verb: Sequence[str]) -> Child:
        """Start ``greenhearth VERB --ready-file ...``; its output goes to ``NAME.log``.

        A child gets its own process group, so that Ctrl-C reaches only us and we choose
        the order in which they end; and it dies with us, however we die.
        """
        log, ready_file = self.folder / f"{name}.log", self.folder / f"{name}.json"
        ready_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "greenhearth_cli", *verb, "--ready-file", str(ready_file)]
        with log.open("ab") as out:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
                env={**os.environ, PARENT: str(os.getpid())},
            )
        child = Child(name, log, ready_file, process)
        self.children[name] = child
        return child

    def ready(self, name: str, within_s: float) -> dict[str, Any]:
        """Wait for a child's ready file and return what it says; PlainError if it does not come."""
        child = self.children[name]
        deadline = time.monotonic() + within_s
        while not child.ready_file.exists():
            self.check()
            if time.monotonic() > deadline:
                text = f"the {name} was not ready within {within_s:.0f} s; the end of {child.log}:"
                raise PlainError(f"{text}\n{child.last_lines()}")
            time.sleep(POLL_S)
        said: dict[str, Any] = msgspec.json.decode(child.ready_file.read_bytes())
        return said

    def check(self) -> None:
        """PlainError if any child has ended by itself."""
        for child in self.children.values():
            child.check()

    def end(self, name: str) -> None:
        """Ask one child to end, wait, and kill it if it does not."""
        child = self.children.pop(name)
        child.process.terminate()
        _await_end([child], time.monotonic() + GRACE_S)

    def end_all(self, order: Sequence[str]) -> None:
        """Ask the children to end, the ones named in `order` first, all within one grace time."""
        deadline = time.monotonic() + GRACE_S
        named = [self.children.pop(name) for name in order if name in self.children]
        for child in named:
            child.process.terminate()
            _await_end([child], deadline)
        others = list(self.children.values())
        self.children.clear()
        for child in others:
            child.process.terminate()
        _await_end(others, deadline)


PARENT = "GREENHEARTH_PARENT"
"""Process id of the demo that a child belongs to."""


def die_with_parent() -> None:
    """End this process when the demo that started it dies, even of kill -9 (Linux only)."""
    parent = os.environ.get(PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    import ctypes
    import signal

    set_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
    ctypes.CDLL(None).prctl(set_death_signal, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != int(parent):
        raise SystemExit(0)  # it died before we could ask


def _await_end(children: Sequence[Child], deadline: float) -> None:
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
