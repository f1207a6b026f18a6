"""T08, T12: links that lie. After every fault of every link, nothing is missing, ghost, doubled or altered.

Two agents read a PLC whose every value is known, through a proxy; what they publish goes through a
proxy to a real mosquitto, and from there through a third to the gateway.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from . import tiers
from .link_faults import BROKER, GENTLE, Episode, random_mix, verbs_of
from .link_works import LinkWorks
from .oracle import Verdict
from .works import AGENTS, missing_programs

SPEED = 20.0
"""Scans a second of the wall."""
RECOVERED_S = 45.0
"""A half-open link is noticed after 10 s, a broker that owes PUBACKs after 15 s; then 5 s of waiting."""
SPARE_CPU = 0.20
"""Share of a core that an agent may use for a fault, beside its work."""
LOOK_S = 3.0


@dataclass
class Run:
    """What was done to the links, and what came of it."""

    seed: int
    done: list[Episode] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    """Verb -> most processor time of an agent above its usual, as a share of a core."""
    usual: dict[str, float] = field(default_factory=dict)

    def result(self, works: LinkWorks, verdict: Verdict, seconds: float) -> dict[str, Any]:
        """Return the result of a tier."""
        by_verb: dict[str, int] = {}
        for one in self.done:
            by_verb[one.verb] = by_verb.get(one.verb, 0) + 1
        return {
            "seed": self.seed,
            "seconds": round(seconds, 1),
            "episodes": sum(n for verb, n in by_verb.items() if verb != "quiet"),
            "episodes_by_verb": by_verb,
            "faults": dict(works.fault_counts()),
            "verdict": dict(verdict.counts) or {"missing": 0, "ghost": 0, "doubled": 0, "altered": 0},
            "facts": verdict.facts,
            "longest_recovery_s": {verb: round(max(all_), 2) for verb, all_ in self.recoveries.items()},
            "usual_cpu": self.usual,
            "cpu_above_usual": self.busy,
        }


@pytest.fixture
def works(tmp_path: Path) -> Iterator[LinkWorks]:
    """A running works with a proxy on every link."""
    if missing_programs():
        pytest.skip(missing_programs())
    one = LinkWorks(tmp_path, SPEED, tiers.seed())
    try:
        one.start()
        yield one
    finally:
        one.destroy()


def test_whatever_links_do_nothing_is_missing_ghost_doubled_or_altered(works: LinkWorks) -> None:
    run, began = Run(works.seed), time.monotonic()
    print(f"seed {run.seed}: GREENHEARTH_CHAOS_SEED={run.seed} repeats these faults")
    rng = random.Random(run.seed)
    works.recover(60)
    run.usual = cpu_of(works, lambda: time.sleep(LOOK_S))
    if tiers.tier() == "A":
        do_each_at_once(works, run, rng)
    else:
        do_each_alone(works, run, rng)
        do_mixes(works, run, rng, began + tiers.size(0, 13 * 60, 27 * 60))
    works.recover(RECOVERED_S)
    works.drain(tiers.size(30, 120, 120))
    verdict = works.judge()
    result = run.result(works, verdict, time.monotonic() - began)
    print(result)
    tiers.write_result("links", result)
    assert verdict.clean, f"{verdict.text()}\nall of it is in {works.folder}"
    assert not missing_faults(works)
    assert verdict.facts["heats"] > 0
    assert max(run.busy.values()) <= SPARE_CPU, run.busy


def do_each_at_once(works: LinkWorks, run: Run, rng: random.Random) -> None:
    """Tier A: flips on sound links; then all verbs of every link in a random order, gentle ones first."""
    mqtt = [link for link in works.links if not link.startswith("plant")]
    do(works, run, "bit_flip", [[Episode(link, "bit_flip", 5.0, rng.randrange(1 << 30))] for link in mqtt])
    rows = []
    for link in (*works.links, BROKER):
        verbs = [verb for verb in verbs_of(link) if verb != "half_open"]
        gentle = [verb for verb in verbs if verb in GENTLE]
        rough = [verb for verb in verbs if verb not in GENTLE]
        order = rng.sample(gentle, len(gentle)) + sorted(rng.sample(rough, len(rough)), key=_turn)
        row = [Episode(link, verb, 0.8 if verb in GENTLE else 1.2, rng.randrange(1 << 30)) for verb in order]
        rows.append([Episode(link, "quiet", 9.0, 0), *row] if link == BROKER else row)
    do(works, run, "all at once", rows)
    do(works, run, "half_open", [[Episode(link, "half_open", 1.5, 0)] for link in works.links])


def _turn(verb: str) -> int:
    """Let those that need a living connection find one, whatever the order of the others."""
    return {"puback_black_hole": 0, "limit_data": 1}.get(verb, 2)


def do_each_alone(works: LinkWorks, run: Run, rng: random.Random) -> None:
    """Every verb on every link while the others are sound; each time until records flow again."""
    for link in (*works.links, BROKER):
        for verb in verbs_of(link):
            do(works, run, verb, [[Episode(link, verb, 6.0, rng.randrange(1 << 30))]])
            run.recoveries.setdefault(verb, []).append(works.recover(RECOVERED_S))


def do_mixes(works: LinkWorks, run: Run, rng: random.Random, until: float) -> None:
    """Random verbs on all links at once, a minute at a time, until it is enough."""
    while time.monotonic() < until:
        do(works, run, "mix", random_mix(rng, [*works.links, BROKER], 60.0, 5.0))
        run.recoveries.setdefault("mix", []).append(works.recover(RECOVERED_S))


def do(works: LinkWorks, run: Run, what: str, rows: list[list[Episode]]) -> None:
    """Carry out episodes and note how busy the agents were meanwhile."""
    used = cpu_of(works, lambda: works.do(rows))
    above = max(used[name] - run.usual[name] for name in AGENTS)
    run.busy[what] = round(max(above, run.busy.get(what, 0.0)), 3)
    run.done += [episode for row in rows for episode in row]


def cpu_of(works: LinkWorks, work: Any) -> dict[str, float]:
    """Return the share of a core that each process used while `work` went on."""
    began, before = time.monotonic(), works.cpu_s()
    work()
    passed, after = time.monotonic() - began, works.cpu_s()
    return {name: round((after[name] - before[name]) / passed, 3) for name in before}


def missing_faults(works: LinkWorks) -> set[str]:
    """Return kinds of fault that no proxy committed: a fault that does not happen proves nothing."""
    kinds = {"flips", "cuts", "slowed", "slices", "swallowed", "drop_puback", "discard_publish"}
    kinds |= {"duplicate_publish", "swap_publish"}
    counts = works.fault_counts()
    return {kind for kind in kinds if not counts[kind]}
