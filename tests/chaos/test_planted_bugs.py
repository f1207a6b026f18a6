"""Defects that others have shipped are planted, and tests of tier A find every one: the test of the tests."""

import re
from collections.abc import Callable

import pytest

from . import tiers
from .bug_hunt import BY_NAME, CHECKS, Finding, hunt, matrix
from .bugs import BUGS

CAUGHT_BY = {
    "ack_before_fsync": ("power cuts, outbox", "'missing'"),
    "alert_before_commit": ("told after the commit", r"told_can_be_read.*\(False, \[\]\)"),
    "dedup_without_epoch": ("kills", "missing [1-9]"),
    "delete_on_puback": ("kills", "missing [1-9]"),
    "drop_batch_on_400": ("poison line", "Extra items in the right set"),
    "no_count_check": ("false answers", r"fewer registers\].*Quality\.MAL"),
    "queue_unbounded": ("full queues", r"True, True, True, True.*waiting=200, dropped=0"),
    "retry_fsync": ("I/O errors, outbox", r"call='fdatasync'.*= 0'\] == \[\]"),
    "synchronous_normal": ("power cuts, journal", "'missing'"),
    "tid_zero_accepted": ("false answers", r"transaction zero\].*Quality\.MAL"),
    "wall_clock_for_intervals": ("clock steps", "the running batch"),
    "write_fc_reachable": ("what may leave", r"may_leave\[6\].*DID NOT RAISE ForbiddenFunctionError"),
}
"""Bug -> the check that must find it, and what that must say."""

Hunt = Callable[[str], dict[str, Finding]]


@pytest.fixture(scope="module")
def seed() -> int:
    """One seed for all hunts of a run."""
    return tiers.seed()


@pytest.fixture(scope="module")
def hunts(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Hunt:
    """Hunt a bug with the check that must find it; from tier B on with all others too. Each bug once."""
    found: dict[str, dict[str, Finding]] = {}
    root = tmp_path_factory.mktemp("hunts")

    def of(bug: str) -> dict[str, Finding]:
        if bug not in found:
            own = (BY_NAME[CAUGHT_BY[bug][0]],) if bug else ()
            checks = own if tiers.tier() == "A" else tuple(dict.fromkeys([*own, *CHECKS]))
            found[bug] = hunt(bug, checks, root / (bug or "nothing"), seed)
        return found[bug]

    return of


def test_every_bug_has_a_test_that_must_find_it() -> None:
    assert sorted(BUGS) == sorted(CAUGHT_BY)
    assert len(BUGS) == 12


@pytest.mark.parametrize("bug", sorted(CAUGHT_BY))
def test_a_planted_bug_is_found(bug: str, hunts: Hunt, seed: int) -> None:
    """And the test says what is wrong, so that it has not failed for another reason."""
    check, words = CAUGHT_BY[bug]
    finding = hunts(bug)[check]
    if finding.said == "skipped":
        pytest.skip(finding.what)
    print(f"{bug}, seed {seed}: {finding.short}")
    assert finding.said == "found", f"'{check}' does not see that {BUGS[bug].story} (seed {seed})"
    assert re.search(words, finding.what, re.DOTALL), f"seed {seed}: {finding.what}"


@pytest.mark.skipif(
    tiers.tier() == "A", reason="every check on every bug: from tier B on (GREENHEARTH_CHAOS)"
)
def test_the_kill_matrix_is_published_and_without_a_bug_all_checks_pass(hunts: Hunt, seed: int) -> None:
    found = {bug: hunts(bug) for bug in ("", *sorted(BUGS))}
    (tiers.RESULTS / "kill-matrix.md").write_text(matrix(found, seed), encoding="utf-8")
    assert {name: finding.what for name, finding in found[""].items() if finding.said == "found"} == {}
