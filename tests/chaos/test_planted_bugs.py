"""Defects that others have shipped are planted, and the rig finds every one: the test of the test."""

from pathlib import Path

import pytest

from . import tiers
from .bugs import BUGS
from .rig import RigOptions, run_rig
from .works import missing_programs


@pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())
@pytest.mark.parametrize("bug", sorted(BUGS))
def test_the_rig_finds_a_planted_bug(bug: str, tmp_path: Path) -> None:
    """Some kills are enough; a rig that finds nothing here proves nothing elsewhere."""
    seed = tiers.seed()
    options = RigOptions(tmp_path, seed, kills=12, rounds=0, bug=bug, stop_at_finding=True, at_most_s=60.0)
    outcome = run_rig(options)
    print(
        f"{bug}, seed {seed}: {outcome.tally.total} kills, {outcome.seconds:.0f} s, {outcome.verdict.counts}"
    )
    assert outcome.verdict.counts["missing"] > 0, f"seed {seed}: {outcome.verdict.text()}"
