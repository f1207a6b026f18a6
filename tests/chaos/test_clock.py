"""T18: the wall clocks of agent and gateway step; nothing is lost or overwritten, order and totals hold.

Both daemons live by libfaketime clocks of their own, the plant by the real one. The agent boots in
1970, is set right, and then steps at random, running or ended; so does the gateway.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from greenhearth.clock import NEVER_SET_NS, NS
from greenhearth.engine import Engine
from greenhearth.model import build_model
from greenhearth.quality import Quality
from greenhearth.site import load_site
from greenhearth.wire import Birth, Event, Record
from greenhearth_agent.outbox import Outbox
from greenhearth_gateway.intake import Source, read_item
from greenhearth_gateway.store.lines import event_lines, record_lines

from ..waiting import until
from .clock_works import FAKETIME, FIRST_KWH, SHELF, ClockWorks, truth_kwh
from .tiers import seed, size, write_result

pytestmark = pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is not installed ('libfaketime')")

EARLIEST_S = 40 * 86_400
"""Dates in January 1970 are told so much later."""
YEAR_S = 365 * 86_400.0
STEPPED = "clock of this machine was stepped"


@dataclass
class Course:
    """What the test did, and when, by the numbers of the plant's reads."""

    works: ClockWorks
    random: Random
    kinds: Counter[str] = field(default_factory=Counter)
    offsets: list[tuple[int, float]] = field(default_factory=list)
    """From this read on the wall of the agent was so far off, and was noticed to be."""
    kills: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Reads under way when the agent was asked to end: nobody waited for the answer."""

    def seen(self) -> int:
        """Return how many steps the agent has told in its log."""
        return self.works.agent.log.read_text(errors="replace").count(STEPPED)

    def run_on(self, reads: int) -> None:
        """Let the plant be read some more."""
        wanted = self.works.reads() + reads
        until(lambda: self.works.reads() >= wanted, 60, "the agent reads the plant")

    def start_agent(self) -> None:
        self.works.agent.start()
        until(self.works.agent.ready, 120, "the agent is ready")

    def step(self, number: int) -> None:
        """Step the agent's clock, and perhaps the gateway's."""
        wall, before = self.works.agent_wall, self.seen()
        kind = self.random.choice(
            ["1 s", "1 s", "1 h", "1 h", "10 y", "right", "1970", "leap", "freeze", "double"]
        )
        self.kinds[kind] += 1
        off = number % 6 == 5
        if off:
            self.stop_agent(kill=number % 12 == 11)
        if kind in ("freeze", "double"):
            now = time.gmtime(time.time() + wall.offset_s)
            wall.write(
                time.strftime("%Y-%m-%d %H:%M:%S", now) if kind == "freeze" else f"{wall.offset_s:+.3f} x2.0"
            )
            if off:
                self.start_agent()
            until(lambda: self.seen() > before + 1, 60, f"the agent notices '{kind}'")
            before = self.seen()
        target = self._target(kind, wall.offset_s)
        wall.step_to(target)
        if off and kind not in ("freeze", "double"):
            self.start_agent()
        if kind in ("freeze", "double"):
            self.run_on(10)  # it may be back where it was within half a second
        else:
            until(lambda: self.seen() > before, 60, f"the agent notices '{kind}' to {target:+.0f} s")
        self.run_on(2)
        self.offsets.append((self.works.reads(), target))
        self.run_on(4)
        if number % 3 == 0:
            self.works.gateway_wall.step_to(
                self.random.choice([0.0, 86_400.0, -86_400.0, 10 * YEAR_S, 3600.0])
            )

    def _target(self, kind: str, now: float) -> float:
        sign = self.random.choice([1, -1])
        if kind == "leap":
            return now - 1.0
        moved = {"1 s": now + sign, "1 h": now + 3600.0 * sign, "10 y": sign * 10 * YEAR_S, "right": 0.0}
        target = moved.get(kind, now + 2.5 * sign) if kind != "1970" else 100.0 - time.time()
        return target if abs(target - now) > 0.9 else now + 61.0

    def stop_agent(self, kill: bool) -> None:
        if kill:
            self.kills.append(self.works.reads())
            self.works.agent.kill()
        else:
            assert self.works.agent.end() == 0
            self.ends.append(self.works.reads() - 1)


@pytest.fixture
def works(broker: Any, tmp_path: Path) -> Iterator[ClockWorks]:
    one = ClockWorks(tmp_path, (broker.host, broker.port))
    yield one
    one.close()


def overview(url: str) -> dict[str, Any]:
    """Return what the page shows."""
    found: dict[str, Any] = httpx.get(f"{url}/api/v1/overview", timeout=10).raise_for_status().json()
    return found


def live(url: str) -> bool:
    lines = overview(url)["lines"]
    return bool(lines) and not lines[0]["stale"]


def stored(folder: Path) -> list[Any]:
    """Return all items of the gateway's journal in the order of their numbers."""
    with closing(sqlite3.connect(f"file:{folder / 'gateway' / 'journal.sqlite'}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT payload FROM items ORDER BY epoch, seq").fetchall()
    return [read_item(row[0]) for row in rows]


def test_steps_lose_overwrite_and_reorder_nothing_and_change_no_total(works: ClockWorks) -> None:
    number = seed()
    print(f"seed {number}")
    course, steps = Course(works, Random(number)), size(20, 200, 200)
    works.gateway.start()
    url = until(works.gateway.ready, 60, "the gateway is ready")["http"]
    works.agent_wall.step_to(100.0 - time.time())
    course.start_agent()
    course.run_on(10)
    works.agent_wall.step_to(0.0)
    until(lambda: course.seen() == 1, 60, "the agent notices that its clock was set")
    until(lambda: live(url), 30, "the line is live")
    for n in range(steps):
        course.step(n)
        until(lambda: live(url), 10, f"the line is live after step {n}")
    course.stop_agent(kill=False)
    until(lambda: not live(url), 20, "the line is stale without an agent")
    works.gateway_wall.step_to(-86_400.0)
    course_of_page = [live(url) for _ in range(10)]
    assert works.gateway.end() == 0

    items = stored(works.folder)
    found = verdict(course, items)
    write_result("clock", {"seed": number, "steps": steps, "kinds": dict(course.kinds), **found})
    print(found)
    assert not any(course_of_page), "a step of the gateway's clock makes nothing live"
    assert {name: n for name, n in found.items() if name in NONE} == dict.fromkeys(NONE, 0)
    assert found["integral_off_percent"] < 0.5
    assert found["steps_told"] >= steps


NONE = (
    "missing",
    "ghost",
    "doubled",
    "overwritten",
    "out_of_order",
    "misflagged",
    "wrong_stamps",
    "counter_off",
)


def verdict(course: Course, items: list[Any]) -> dict[str, Any]:
    """Hold everything that was stored against what the plant showed."""
    births = {(i.epoch, i.seq): i for i in items if isinstance(i, Birth)}
    records = [i for i in items if isinstance(i, Record) and i.blocks]
    events = [i for i in items if isinstance(i, Event)]
    at = next(iter(births.values())).series.index(
        next(s for s in next(iter(births.values())).series if s.name == "furnace.work")
    )
    reads = [
        (round(block.x[at - block.i]) - FIRST_KWH, r) for r in records for block in r.blocks if block.x[0]
    ]
    ks = [k for k, _ in reads]
    lost_by_kills = {k for end in course.kills for k in range(end - 12, end + 2)}
    expected = set(range(course.works.reads())) - lost_by_kills - set(course.ends)
    told = [e for e in events if e.what == "clock_stepped"]
    flagged = [
        r for r in records if any(Quality.UNCERTAIN_CLOCK in b.q for b in r.blocks) and r.t_ns >= NEVER_SET_NS
    ]
    places = [(i.epoch, i.seq) for i in items]
    lines = line_keys(items, births)
    kwh, integral, first, last = totals(course.works)
    true_integral = truth_kwh(course.works.plc, first, last)
    return {
        "reads": course.works.reads(),
        "items": len(items),
        "epochs": len(births),
        "missing": len(expected - set(ks)) + holes(places),
        "ghost": len(set(ks) - set(range(course.works.reads()))),
        "doubled": len(ks) - len(set(ks)),
        "overwritten": len(lines) - len(set(lines)),
        "out_of_order": sum(b <= a for a, b in pairwise(ks)),
        "misflagged": max(0, len(flagged) - len(told)),
        "wrong_stamps": wrong_stamps(course, reads),
        "counter_off": kwh - (last - first),
        "integral_off_percent": round(100.0 * abs(integral / true_integral - 1.0), 4),
        "steps_told": len(told),
        "flagged": len(flagged),
        "eras": max(r.era for r in records),
        "lost_by_kills": len(lost_by_kills - set(ks)),
    }


def holes(places: list[tuple[int, int]]) -> int:
    """Return how many numbers are missing below the highest of every epoch."""
    highest: dict[int, int] = {}
    for epoch, seq in places:
        highest[epoch] = max(highest.get(epoch, 0), seq)
    return sum(highest.values()) - len(set(places))


def line_keys(items: list[Any], births: dict[tuple[int, int], Birth]) -> list[bytes]:
    """Return measurement, tags and time of every line that a time series store would get."""
    source, keys = Source("clock", "edge"), []
    for item in items:
        if isinstance(item, Record):
            lines = record_lines(source, item, births[(item.epoch, item.birth)]).lines
        elif isinstance(item, Event):
            lines = event_lines(source, item).lines
        else:
            continue
        keys += [line.partition(b" ")[0] + line.rpartition(b" ")[2] for line in lines]
    return keys


def wrong_stamps(course: Course, reads: list[tuple[int, Record]]) -> int:
    """Count phases in which no reading bears the time that the agent's wall showed (one may be held up)."""
    wrong = 0
    for begin, offset in course.offsets:
        late = []
        for k, record in reads:
            if begin <= k < begin + 4:
                wall = course.works.plc.served[k][1] + offset
                late.append(
                    record.t_ns / NS - (wall if wall >= EARLIEST_S else EARLIEST_S + wall % EARLIEST_S)
                )
        wrong += min(map(abs, late), default=0.0) > 0.9
    return wrong


def totals(works: ClockWorks) -> tuple[float, float, int, int]:
    """Return the heat's counter and integral [kWh] and its first and last read, from the agent's disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENHEARTH_CONFIGS", str(SHELF))
        model = build_model(load_site(works.folder / "site.toml"))
    outbox = Outbox(works.folder / "agent" / "agent-edge" / "outbox", 100_000_000)
    outbox.open()
    engine, saved = Engine(model), outbox.state()
    assert saved is not None
    assert list(outbox.since_state()) == [], "an orderly end leaves nothing to replay"
    outbox.close()
    engine.restore(saved)
    sums = engine._state.sum_a[0]
    last = round(engine.totals()["furnace.work"]) - FIRST_KWH
    return float(sums[model.index("furnace", "work")]), float(sums[model.index("furnace", "power")]), 0, last
