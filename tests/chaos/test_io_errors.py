"""The n-th system call fails: nothing is reported durable that is not, and the store goes on.

strace makes the n-th write, sync, rename, open or truncate of the real outbox and the real journal fail.
What it cannot do is a write that is cut short (it would claim bytes that never were written); a disk that
fills up does that by itself: tests/system/test_full_disk.py.
"""

import itertools
import os
import random
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import tiers
from .disk_ledger import PROGRAM, Ledger, Teller
from .disk_writers import MOST_TRIES

STRACE = shutil.which("strace")
CALLS = (
    "write", "pwrite64", "writev", "pwritev", "fdatasync", "fsync", "rename", "renameat", "renameat2",
    "openat", "ftruncate", "unlink", "unlinkat", "fallocate",
)  # fmt: skip
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "writev", "pwritev", "ftruncate")
ERRORS = ("EIO", "ENOSPC", "EINTR")
ONCE, A_WHILE = "{n}", "{n}..{last}"
"""A fault that is over at once, and one that lasts for four calls."""

LONGEST_LIFE_S = 30.0

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((\d+)?(?:<([^>]*)>)?.*\) += (-?\d+)")


@dataclass(frozen=True)
class Fault:
    """Which call fails, how and for how long."""

    call: str
    error: str
    when: str

    def words(self) -> list[str]:
        """Return it as strace is told."""
        return ["-e", f"inject={self.call}:error={self.error}:when={self.when}"]


@contextmanager
def _server(store: str) -> Iterator[Teller]:
    teller = Teller([*PROGRAM, "faults", store])
    try:
        teller.heard("ready")
        yield teller
    finally:
        teller.end()


def _look(server: Teller, folder: Path) -> Any:
    """Return what a store finds in a folder when nothing fails."""
    before = len(server.told)
    server.say({"folder": str(folder), "look": True})
    server.say({"go": True})
    server.heard("ended", after=before)
    return server.heard("found", after=before)["found"]


def _live(server: Teller, folder: Path, log: Path, fault: Fault | None) -> list[dict[str, Any]]:
    """Run one short life under strace; return what it told."""
    before = len(server.told)
    server.say({"folder": str(folder), "look": False})
    pid = server.heard("pid", after=before)["pid"]
    words = [str(STRACE), "-f", "-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}", "-p", str(pid)]
    with subprocess.Popen([*words, *(fault.words() if fault else [])], stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        if b"attached" not in said:
            server.say({"go": True})
            pytest.skip(f"strace may not look at a process here ({said.decode().strip()})")
        server.say({"go": True})
        try:
            server.heard("ended", LONGEST_LIFE_S, after=before)
        except AssertionError as error:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{fault}: it does not go on") from error
    return server.told[before:]


def _calls(log: Path) -> Counter[str]:
    """Count the calls of a life without faults."""
    found = (_CALL.match(line) for line in log.read_text().splitlines())
    return Counter(match.group(1) for match in found if match)


def _synced_again(log: Path) -> list[str]:
    """Return syncs that succeeded on a file whose sync had failed, with nothing written to it in between.

    The kernel has thrown away what it could not write: such a success would mean nothing. To a folder,
    making or removing a file is writing.
    """
    failed: set[str] = set()
    wrong = []
    for line in log.read_text().splitlines():
        match = _CALL.match(line)
        if not match or (int(match.group(4)) < 0 and match.group(1) not in SYNCS):
            continue
        call, path, result = match.group(1), match.group(3), int(match.group(4))
        if call in SYNCS and result < 0:
            failed |= {path} if "EINTR" not in line else set()  # an interrupted one has not failed
        elif call in SYNCS and path in failed:
            wrong.append(line)
        elif call in WRITES:
            failed.discard(path)
        elif "O_CREAT" in line or call in ("unlink", "rename"):
            failed.discard(str(Path(line.split('"')[1]).parent))
    return wrong


def _faults(calls: Counter[str], most: int, rng: random.Random) -> list[Fault]:
    """Choose among all n-th calls, all errors and both lengths; the kinds of calls take turns."""
    turns = []
    for call, number in sorted(calls.items()):
        of_call = [
            Fault(call, error, when.format(n=n, last=n + 3))
            for n, error, when in itertools.product(range(1, number + 1), ERRORS, (ONCE, A_WHILE))
        ]
        rng.shuffle(of_call)
        turns.append(list(dict.fromkeys([_telling(of_call), *of_call])))
    every = itertools.chain.from_iterable(itertools.zip_longest(*turns))
    return list(itertools.islice(filter(None, every), most))


def _telling(faults: list[Fault]) -> Fault:
    """Return one that really fails, and just once: a second try succeeds, and nobody may believe it."""
    once = (fault for fault in faults if ".." not in fault.when and fault.error != "EINTR")
    return next(once, faults[0])


def _judge(server: Teller, folder: Path, log: Path, fault: Fault) -> int:
    """Live with a fault, look at what is left; return how often the store had to say no."""
    told = _live(server, folder, log, fault)
    ledger = Ledger()
    for message in told:
        ledger.note(message)
    codes = [message["ended"] for message in told if "ended" in message]
    assert codes == [0], (fault, [message for message in told if "defect" in message])
    assert not any("gave up" in message for message in told), (fault, told[-3:])
    tries = [message["tries"] for message in told if "tries" in message]
    assert max(tries) < MOST_TRIES, f"{fault}: it did not go on after the fault ({tries})"
    assert _synced_again(log) == [], fault
    assert ledger.verdict(_look(server, folder)) == {}, fault
    return len(ledger.failures)


@pytest.mark.parametrize("store", ["outbox", "journal"])
def test_an_error_of_any_call_loses_nothing_reported_durable(store: str, tmp_path: Path) -> None:
    """Every n-th call of a short life, chosen at random among all of them; each on a new folder."""
    if STRACE is None:
        pytest.skip("strace is not installed (Debian package 'strace'): no system call can be made to fail")
    seed = tiers.seed()
    said_no: Counter[str] = Counter()
    log = tmp_path / "strace.log"
    with _server(store) as server:
        (tmp_path / "sound").mkdir()
        _live(server, tmp_path / "sound", log, None)
        calls = _calls(log)
        faults = _faults(calls, tiers.size(30, 250, 1000), random.Random(seed))
        for number, fault in enumerate(faults):
            folder = tmp_path / str(number)
            folder.mkdir()
            said_no[fault.call] += _judge(server, folder, log, fault)
            shutil.rmtree(folder)
    assert said_no.total() > 0, f"no fault was noticed, seed {seed}: {calls}"
    result = {"seed": seed, "faults": len(faults), "calls": dict(calls), "commits refused": dict(said_no)}
    tiers.write_result(f"io_errors_{store}", result | {"missing, ghost, doubled, altered": 0})
