"""What a store on a disk has promised, held against what is found there afterwards."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greenhearth.seqset import SeqSet

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "tests.chaos.disk_writers")


@dataclass
class Ledger:
    """Promises of one store over all its lives, by epoch."""

    done: dict[int, int] = field(default_factory=dict)
    """Last number reported durable."""
    tried: dict[int, int] = field(default_factory=dict)
    acked: dict[int, int] = field(default_factory=dict)
    """Up to here the store may have deleted."""
    states: set[tuple[int, int]] = field(default_factory=lambda: {(0, 0)})
    state: tuple[int, int] = (0, 0)
    """Newest snapshot reported durable."""
    failures: list[str] = field(default_factory=list)

    def note(self, message: dict[str, Any]) -> None:
        """Take in what a store tells."""
        if told := message.get("trying"):
            epoch = told["epoch"]
            self.tried[epoch] = max(told["last"], self.tried.get(epoch, 0))
            self.acked[epoch] = max(told["acked"], self.acked.get(epoch, 0))
            if told["state"]:
                self.states.add((epoch, told["state"]))
        if told := message.get("done"):
            self.done[told["epoch"]] = max(told["last"], self.done.get(told["epoch"], 0))
            if told["state"]:
                self.state = max(self.state, (told["epoch"], told["state"]))
        if "failed" in message:
            self.failures.append(message["failed"])

    def promised(self) -> int:
        """Return how many items have been reported durable."""
        return sum(self.done.values())

    def verdict(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return what is wrong, by kind; empty when every promise was kept."""
        present = {int(epoch): SeqSet(map(tuple, pairs)) for epoch, pairs in found["present"].items()}
        wrong: dict[str, Any] = {
            "missing": self._missing(present),
            "ghost": self._ghosts(present),
            "doubled": found["twice"],
            "altered": found["altered"],
            "aside": found["aside"],
        }
        if "state" in found:
            wrong |= self._wrong_state(found)
        if "books" in found:
            wrong["books"] = found["books"] if found["books"] != found["present"] else []
        return {kind: what for kind, what in wrong.items() if what}

    def _missing(self, present: dict[int, SeqSet]) -> list[tuple[int, int, int]]:
        owed = {epoch: (self.acked.get(epoch, 0) + 1, last) for epoch, last in self.done.items()}
        return [
            (epoch, first, last)
            for epoch, (first, last) in owed.items()
            if present.get(epoch, SeqSet()).count_between(first, last) < last - first + 1
        ]

    def _ghosts(self, present: dict[int, SeqSet]) -> list[int]:
        return [epoch for epoch, seqs in present.items() if seqs.last > self.tried.get(epoch, 0)]

    def _wrong_state(self, found: dict[str, Any]) -> dict[str, Any]:
        """Judge the snapshot: none older than the promised one, and every record after it still there."""
        state = (found["state"][0], found["state"][1])
        after = {int(epoch): SeqSet(map(tuple, pairs)) for epoch, pairs in found["since"].items()}
        gone = []
        for epoch, last in self.done.items():
            first = state[1] + 1 if epoch == state[0] else 2
            if epoch >= state[0] and first <= last:
                lost = last - first + 1 - after.get(epoch, SeqSet()).count_between(max(2, first), last)
                gone += [(epoch, first, last)] if lost - (first == 1) > 0 else []
        unknown = [state] if state not in self.states or state < self.state else []
        return {"state": unknown, "not replayed": gone}


class Teller:
    """A program of `disk_writers` and what it has told so far."""

    def __init__(self, words: Sequence[str]) -> None:
        self._ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE
        )
        theirs.close()
        self.told: list[dict[str, Any]] = []
        self._grown = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def say(self, message: dict[str, Any]) -> None:
        """Send a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def heard(self, key: str, within_s: float = 30.0, after: int = 0) -> dict[str, Any]:
        """Wait for a message with `key` among those after the first `after`, and return it."""
        with self._grown:
            self._grown.wait_for(lambda: self._ended or self._find(key, after) is not None, within_s)
            found = self._find(key, after)
        assert found is not None, f"no {key!r} within {within_s:g} s: {self.told[after:][-3:]} {self.error()}"
        return found

    def end(self) -> list[dict[str, Any]]:
        """Wait until it has said everything, and return that."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._thread.join(30)
        self._ours.close()
        if self.process.stderr is not None:
            self.process.stderr.close()
        self.process.wait(20)
        return self.told

    def error(self) -> str:
        """Return what it wrote to standard error, if it has ended."""
        if not self._ended or self.process.stderr is None:
            return ""
        self.process.wait(10)
        return self.process.stderr.read().decode(errors="replace")[-2000:]

    def _find(self, key: str, after: int) -> dict[str, Any] | None:
        return next((message for message in self.told[after:] if key in message), None)

    def _listen(self) -> None:
        with self._ours.makefile("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # killed while it told: it had not been told
                with self._grown:
                    self.told.append(json.loads(line))
                    self._grown.notify_all()
        with self._grown:
            self._ended = True
            self._grown.notify_all()
