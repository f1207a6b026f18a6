"""T12, whole processes: the broker, the gateway or both away again and again, as long as they are there."""

import itertools
import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from greenhearth.clock import NS, Clock
from greenhearth.kernel_cache import use_kernel_cache
from greenhearth_cli.count import count_in

from ..conftest import Broker
from ..waiting import until
from .outage_works import Journal, OutageWorks
from .tiers import seed, tier, write_result

LENGTHS_S = {"A": (1.0,), "B": (5.0, 10.0, 15.0, 30.0), "C": (5.0, 10.0, 15.0, 30.0, 60.0)}[tier()]
VARIANTS = ("broker", "gateway", "both", "hung")
"""Killed, killed, both killed, and a gateway that is stopped in the middle of whatever it does."""
BACK_S = 30.0
UNDER_WAY = 10
"""Two seconds of records: measured, not acknowledged, or acknowledged and not yet counted."""
LONGEST_GAP_S = 2.0
"""Between two records; a scan is 0.2 s."""


@pytest.fixture
def works(broker: Broker, tmp_path: Path) -> Iterator[OutageWorks]:
    """The small works, nothing of it running but the broker."""
    use_kernel_cache()
    one = OutageWorks(tmp_path, broker)
    yield one
    one.end()


class Cycles:
    """Takes things away and brings them back."""

    def __init__(self, works: OutageWorks) -> None:
        self.works = works
        works.start_plant()
        self.page = works.start_gateway()
        works.start_agent()
        self.await_live("in the beginning")

    def once(self, variant: str, length_s: float) -> None:
        """Take `variant` away for `length_s` seconds, and leave it there as long."""
        gateway = self.works.family.children["gateway"].process
        if variant == "hung":
            os.kill(gateway.pid, signal.SIGSTOP)
        if variant in ("broker", "both"):
            self.works.broker.kill()
        if variant in ("gateway", "both"):
            self.works.kill("gateway")
        self._pass(length_s)
        if variant in ("broker", "both"):
            self.works.broker.start()
        if variant in ("gateway", "both"):
            self.page = self.works.start_gateway()
        if variant == "hung":
            os.kill(gateway.pid, signal.SIGCONT)
        self._pass(length_s)
        self.await_live(f"after {length_s:g} s without the {variant}")

    def await_live(self, when: str) -> None:
        """Wait until the screen shows something that was measured from now on."""
        before = self._newest()
        until(lambda: self._newest() > before, BACK_S, f"a newer record on the screen {when}")

    def await_settled(self) -> None:
        """Wait until nothing waits but what is just under way."""
        until(lambda: all(one.waiting <= UNDER_WAY for one in self.page.overview().reconciliation), BACK_S)

    def _newest(self) -> int:
        return max((line.t_ns for line in self.page.overview().lines), default=0)

    def _pass(self, length_s: float) -> None:
        """Let the plant's clock go on for `length_s`; the agent and the plant must live through it."""
        began = Clockwork(self.works)
        until(lambda: began.passed_s() >= length_s, length_s + 5)


class Clockwork:
    """Time as the works has it; asking for it sees that what should run, runs."""

    def __init__(self, works: OutageWorks) -> None:
        self._works, self._clock = works, Clock.from_text(works.sim["clock"])
        self._began_ns = self._clock.now_ns()

    def passed_s(self) -> float:
        """Return the seconds since this was made."""
        self._works.family.check()
        return (self._clock.now_ns() - self._began_ns) / NS


def _longest_gap_s(journal: Journal) -> float:
    sql = "SELECT t_ns FROM items WHERE leaf = 'records' ORDER BY t_ns"
    with closing(sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True)) as db:
        times = [t_ns for (t_ns,) in db.execute(sql)]
    return max(after - before for before, after in itertools.pairwise(times)) / NS


def test_outages_of_every_kind_and_length_lose_and_double_nothing(works: OutageWorks) -> None:
    """Whatever is away, measuring goes on, and afterwards everything is there once."""
    dice = seed()
    plan = [(length, variant) for length in LENGTHS_S for variant in VARIANTS]
    random.Random(dice).shuffle(plan)
    print(f"seed {dice}: {plan}")
    cycles = Cycles(works)
    for length_s, variant in plan:
        cycles.once(variant, length_s)
    cycles.await_settled()
    works.end()
    whole = count_in(works.folder / "agent", works.folder / "gateway")
    gap_s = _longest_gap_s(Journal(works.folder))
    result = {
        "seed": dice, "outages": len(plan), "lengths_s": LENGTHS_S, "variants": VARIANTS,
        "measured": whole.measured, "stored": whole.stored, "waiting": whole.waiting,
        "dropped": whole.dropped, "difference": whole.difference, "duplicates": whole.duplicates,
        "longest_gap_s": round(gap_s, 2),
    }  # fmt: skip
    print(result)
    write_result("outage-cycles", result)
    assert whole.closes
    assert whole.dropped == whole.quarantined == 0
    assert whole.stored + whole.waiting == whole.measured
    assert gap_s <= LONGEST_GAP_S, "measuring paused while the line was broken"
