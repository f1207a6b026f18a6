"""Programs that write to a disk until somebody cuts its power or breaks its system calls.

``python -m tests.chaos.disk_writers cut outbox|journal FOLDER SEED [nosync]`` tells what it finds and
then writes for ever; ``look`` only tells; ``list`` tells what a real agent's outbox holds; ``faults`` does
a short life for each line on its standard input, in a process of its own that strace can be put on.
All answers are JSON lines, sent by `sendto`, which no fault is injected into. ``nosync`` takes the syncs
away: the tests must notice that. So they must with any bug that GREENHEARTH_BUG plants (`bugs.py`).
"""

import json
import os
import random
import socket
import sys
import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.chaos.bugs import plant_what_is_asked_for
from tests.chaos.disk_stores import STORES, Tell, opened, ranges

MOST_TRIES = 40
COMMITS = (1, 1, 6, 90, 60, 4, 2, 120)
"""Items of each commit in a short life; after the fifth the store is closed and opened again."""


class Teller:
    """Sends JSON lines over the socket that is our standard output."""

    def __init__(self) -> None:
        self._socket = socket.socket(fileno=os.dup(1))

    def __call__(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")


def take_syncs_away(name: str, store: Any) -> None:
    """Make a store that reports durable what is only in the kernel's memory."""
    if name == "journal":
        store.db.execute("PRAGMA synchronous=OFF")


def run_until_cut(name: str, folder: Path, seed: int, nosync: bool) -> None:
    """Tell what is there, then commit until the power goes."""
    tell, rng = Teller(), random.Random(seed)
    if nosync:
        os.fsync = os.fdatasync = lambda _fd: None  # type: ignore[assignment]
    store = STORES[name](folder)
    took = opened(store)
    tell({"found": store.inventory(), "open_s": took})
    if nosync:
        take_syncs_away(name, store)
    while True:
        store.commit(rng.choice((1, 1, 1, 3, 20, 100)), tell)


def look(name: str, folder: Path) -> None:
    """Tell what is there."""
    store = STORES[name](folder)
    took = opened(store)
    Teller()({"found": store.inventory(), "open_s": took})
    store.close()


def list_places(folder: Path) -> None:
    """Tell which items an agent's outbox holds, whatever is in them."""
    from greenhearth_agent.outbox import Outbox

    began = time.monotonic()
    outbox = Outbox(folder, 1 << 30)
    outbox.open()
    places: list[tuple[int, int]] = []
    after = 0
    while rows := outbox.waiting_after(after, 500):
        after = rows[-1][0]
        places += [(entry.epoch, entry.seq) for _, entry in rows]
    Teller()({"found": ranges(places), "open_s": time.monotonic() - began})
    outbox.close()


def serve_faults(name: str) -> None:
    """For each line ``{"folder", "look"}``: fork, wait to be told to go, live, tell."""
    tell, lines = Teller(), Lines()
    with TemporaryDirectory() as folder:
        _short_life(STORES[name](Path(folder)), lambda _: None)  # so that no fault hits an import
    tell({"ready": True})
    while order := lines.next():
        if (child := os.fork()) == 0:
            os._exit(_live(name, order, tell, lines))
        _, status = os.waitpid(child, 0)
        tell({"ended": os.waitstatus_to_exitcode(status)})


class Lines:
    """Lines of standard input without a buffer that a fork would copy."""

    def next(self) -> dict[str, Any]:
        """Return the next one, {} at the end."""
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                return {}
            line += byte
        found: dict[str, Any] = json.loads(line)
        return found


def _live(name: str, order: dict[str, Any], tell: Teller, lines: Lines) -> int:
    tell({"pid": os.getpid()})
    lines.next()
    store = STORES[name](Path(order["folder"]))
    try:
        if order["look"]:
            opened(store)
            tell({"found": store.inventory()})
            store.close()
        else:
            _short_life(store, tell)
    except store.errors as error:
        tell({"gave up": str(error)})
    except Exception:  # noqa: BLE001 - the end of a process; the test reads it
        tell({"defect": traceback.format_exc()[-1500:]})
        return 1
    return 0


def _short_life(store: Any, tell: Tell) -> None:
    opened(store)
    for number, n in enumerate(COMMITS):
        if number == 5:
            store.close()
            opened(store)
        tries = 0
        while not store.commit(n, tell) and tries < MOST_TRIES:
            tries += 1
            time.sleep(0.002)  # the pause of a caller before it tries again
        tell({"tries": tries})
    store.close()


def main(verb: str, name: str, *rest: str) -> None:
    """Be one of the programs."""
    plant_what_is_asked_for()
    if verb == "cut":
        run_until_cut(name, Path(rest[0]), int(rest[1]), "nosync" in rest)
    elif verb == "look":
        look(name, Path(rest[0]))
    elif verb == "list":
        list_places(Path(rest[0]))
    else:
        serve_faults(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
