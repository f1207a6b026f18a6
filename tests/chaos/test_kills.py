"""T01, T02: kill -9 at random times and at every failpoint; not one reading, heat or kilogram is wrong."""

from pathlib import Path

import pytest

from . import tiers
from .account import describe, percentile, result_of
from .rig import Outcome, RigOptions, run_rig, together
from .works import missing_programs

RUNS = (1, 1, 6)
"""One after the other, each with works and a seed of its own; what each has found is kept at once."""
RANDOM_KILLS = (40, 500, 430)
ROUNDS = (1, 5, 4)
"""How often every failpoint is reached in a run; tier C comes to more than 3 000 kills."""
PRESSED_RUNS = (1, 5, 24)
"""Each begins with an empty outbox: births and totals of many outages do not fit into 0.3 MB."""
RECOVERED_S = (15.0, 4.0, 4.0)
"""Of the 99th percentile. Tier A has 40 of them, beside whatever else its machine does."""


@pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())
def test_nothing_is_missing_ghost_doubled_or_altered_whatever_is_killed(tmp_path: Path) -> None:
    """Two agents, gateway, broker and store; then the journal and the store are held against the truth."""
    seed, kills, rounds = tiers.seed(), tiers.size(*RANDOM_KILLS), tiers.size(*ROUNDS)
    print(f"seed {seed}: GREENHEARTH_CHAOS_SEED={seed} repeats these faults")
    runs: list[Outcome] = []
    for n in range(tiers.size(*RUNS)):
        runs.append(run_rig(RigOptions(tmp_path / f"run{n}", seed + n, kills, rounds)))
        outcome = together(runs)
        tally, verdict = outcome.tally, outcome.verdict
        print(describe(seed, outcome.seconds, tally, verdict))
        result = result_of(seed, outcome.seconds, tally, verdict, outcome.points)
        tiers.write_result("kills", {"runs": len(runs), **result, "infrastructure": outcome.infrastructure})
        assert outcome.infrastructure == []
        assert verdict.clean, f"{verdict.text()}\nall of it is in {tmp_path}"
    at_least = rounds * len(runs)
    assert {name: tally.crashes[name] for name in outcome.points if tally.crashes[name] < at_least} == {}
    assert tally.kills.total() >= kills * len(runs)
    assert verdict.facts["heats"] > 0
    assert percentile(tally, 99) <= tiers.size(*(round(s) for s in RECOVERED_S))


@pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())
def test_an_agent_that_is_killed_while_it_tidies_a_full_outbox_loses_only_what_it_counts(
    tmp_path: Path,
) -> None:
    """Records may be given up by policy, each of them counted; totals of heats stay exact."""
    seed = tiers.seed()
    print(f"seed {seed}: GREENHEARTH_CHAOS_SEED={seed} repeats these faults")
    runs: list[Outcome] = []
    for n in range(tiers.size(*PRESSED_RUNS)):
        runs.append(run_rig(RigOptions(tmp_path / f"run{n}", seed + n, 0, 1, pressed=True)))
        outcome = together(runs)
        tally, verdict = outcome.tally, outcome.verdict
        print(describe(seed, outcome.seconds, tally, verdict))
        result = result_of(seed, outcome.seconds, tally, verdict, outcome.points)
        tiers.write_result("kills_full_outbox", {**result, "infrastructure": outcome.infrastructure})
        assert outcome.infrastructure == []
        assert verdict.clean, f"{verdict.text()}\nall of it is in {tmp_path}"
    assert {name: tally.crashes[name] for name in outcome.points if tally.crashes[name] < len(runs)} == {}
