"""Power cuts: what was reported durable is there afterwards, and the store always starts.

At random instants the power of a disk is cut under the real outbox and the real journal; the next life
goes on from what the cut has left. With the syncs taken away the same test loses data: it can tell.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from greenhearth import wire
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.seqset import SeqSet

from ..system.conftest import SITE, Works
from ..waiting import until
from . import tiers
from .disk_ledger import PROGRAM, Ledger, Teller
from .loop_disk import LoopDisk, loop_disk

LONGEST_LIFE_S = 0.6
"""The kernel writes back by itself after 5 s at the earliest: a longer life would hide a missing sync."""
START_S = 3.0
CUTS_OF_A_DISK = 10
"""Then it is nearly full, because nobody deletes, and a new one is taken."""


def _new_disk(folder: Path) -> LoopDisk:
    folder.mkdir()
    return loop_disk(folder)


def _life(
    disk: LoopDisk, store: str, ledger: Ledger, rng: random.Random, nosync: str = "sync"
) -> tuple[LoopDisk, float, dict[str, Any]]:
    """Start a store on a disk, judge what it finds, let it write, cut the power.

    Returns the disk after the cut, how long it took to open [s], and what was wrong there.
    """
    words = disk.on_it(*PROGRAM, "cut", store, str(disk.folder), str(rng.randrange(1 << 30)), nosync)
    writer = Teller(words)
    try:
        first = writer.heard("found")
        until = time.monotonic() + rng.uniform(0.0, LONGEST_LIFE_S)
        writer.heard("done")
        while time.monotonic() < until:
            time.sleep(0.001)  # until an instant that nothing in the writer decides
        after = disk.cut(writer.process)
    finally:
        writer.process.kill()
        told = writer.end()
    wrong = ledger.verdict(first["found"])
    for message in told:
        ledger.note(message)
    return after, first["open_s"], wrong


def _look(disk: LoopDisk, store: str) -> Any:
    """Return what a store finds after the last cut."""
    teller = Teller(disk.on_it(*PROGRAM, "look", store, str(disk.folder)))
    try:
        return teller.heard("found")["found"]
    finally:
        teller.end()


@pytest.mark.parametrize("store", ["outbox", "journal"])
def test_what_was_reported_durable_survives_a_power_cut(store: str, tmp_path: Path) -> None:
    """Each life starts on the disk of the last cut and finds what the lives before it were promised."""
    seed, cuts = tiers.seed(), tiers.size(6, 100, 500)
    rng, opens, promised = random.Random(seed), [], 0
    for number in range(cuts):
        if number % CUTS_OF_A_DISK == 0:
            disk, ledger = _new_disk(tmp_path / str(number)), Ledger()
        disk, took, wrong = _life(disk, store, ledger, rng)
        opens.append(took)
        assert wrong == {}, f"before cut {number}, seed {seed}"
        if number % CUTS_OF_A_DISK == CUTS_OF_A_DISK - 1 or number == cuts - 1:
            assert ledger.verdict(_look(disk, store)) == {}, f"after cut {number}, seed {seed}"
            promised += ledger.promised()
    assert promised > 20 * cuts
    assert max(opens) <= START_S
    tiers.write_result(f"power_cuts_{store}", _result(seed, promised, sorted(opens)))


def _result(seed: int, promised: int, opens: list[float]) -> dict[str, Any]:
    cuts = len(opens)
    return {
        "seed": seed,
        "cuts": cuts,
        "items reported durable": promised,
        "missing, ghost, doubled, altered": 0,
        "loss per cut, 95 % bound": f"{3 / cuts:.2%}",
        "median time to open [s]": round(opens[cuts // 2], 4),
        "longest time to open [s]": round(opens[-1], 4),
    }


@pytest.mark.parametrize("store", ["outbox", "journal"])
def test_without_syncs_the_same_cuts_lose_what_was_reported_durable(store: str, tmp_path: Path) -> None:
    """The test of the test: a store that does not sync is found out within six cuts."""
    seed, lives = tiers.seed(), 6
    rng = random.Random(seed)
    for number in range(lives):
        ledger = Ledger()
        disk, _, _ = _life(_new_disk(tmp_path / str(number)), store, ledger, rng, "nosync")
        if "missing" in ledger.verdict(_look(disk, store)):
            return
    pytest.fail(f"nothing was lost without syncs in {lives} lives, seed {seed}")


@dataclass
class Listener:
    """Hears what an agent publishes; there is no gateway, so nothing is ever acknowledged."""

    broker: tuple[str, int]
    heard: dict[int, SeqSet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        topics = tuple(f"greenhearth/1/+/+/{leaf}" for leaf in ("birth", "records", "events"))
        options = LinkOptions(*self.broker, "listener", topics)
        self.link = Link(options, LinkCallbacks(on_message=self._hear))
        self.link.start()
        until(lambda: self.link.connected, 10, "the listener listens")

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        for item in wire.decode_frame(payload).items:
            self.heard.setdefault(item.epoch, SeqSet()).add(item.seq)

    def count(self) -> int:
        """Return how many different items were heard."""
        return sum(len(seqs) for seqs in list(self.heard.values()))


@pytest.fixture
def works(broker: Any, tmp_path: Path) -> Iterator[Works]:
    """Simulated plants at a hundred times life, with a broker."""
    one = Works(tmp_path, (broker.host, broker.port), 100.0)
    yield one
    one.family.end_all(("sim",))


def _start_agent(works: Works, disk: LoopDisk) -> "subprocess.Popen[bytes]":
    """Start the real agent with its data on the disk, and wait until it polls."""
    ready = works.folder / "agent.json"
    ready.unlink(missing_ok=True)
    where = ["--endpoints", str(works.folder / "sim.json"), "--data", str(disk.folder / "agent")]
    verb = ["agent", "run", str(SITE), *where, *works.shared, "--ready-file", str(ready)]
    words = disk.on_it(sys.executable, "-m", "greenhearth_cli", *verb)
    with (works.folder / "agent.log").open("ab") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=os.environ)
    until(lambda: ready.exists() or process.poll() is not None, 90, "the agent polls")
    assert process.poll() is None, (works.folder / "agent.log").read_text()[-2000:]
    return process


def test_what_an_agent_has_published_is_on_its_disk_after_a_power_cut(works: Works, tmp_path: Path) -> None:
    """Nothing leaves before it is durable: each item that the broker has seen is found after the cut."""
    seed, cuts = tiers.seed(), tiers.size(2, 10, 30)
    rng, disk, listener = random.Random(seed), loop_disk(tmp_path), Listener(works.broker)
    for number in range(cuts):
        before = listener.count()
        agent = _start_agent(works, disk)
        try:
            enough = before + rng.randrange(20, 120)
            until(lambda enough=enough: listener.count() >= enough, 30, f"it publishes (seed {seed})")
        finally:
            disk = disk.cut(agent) if agent.poll() is None else disk
        heard = {epoch: seqs.copy() for epoch, seqs in listener.heard.items()}
        teller = Teller(
            disk.on_it(*PROGRAM, "list", "outbox", str(disk.folder / "agent" / "agent-edge1" / "outbox"))
        )
        found = teller.heard("found")["found"]
        teller.end()
        present = {int(epoch): SeqSet(map(tuple, pairs)) for epoch, pairs in found.items()}
        lost = {epoch: list(seqs.without(present.get(epoch, SeqSet()))) for epoch, seqs in heard.items()}
        assert not any(lost.values()), f"after cut {number}, seed {seed}: {lost}"
        assert len(heard) == number + 1, "each life is an epoch of its own"
    listener.link.stop()
    tiers.write_result(
        "power_cuts_agent", {"seed": seed, "cuts": cuts, "published": listener.count(), "lost": 0}
    )
