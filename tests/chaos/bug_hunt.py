"""Looks for planted bugs with the very tests that `make test` runs, and tells what found which.

A check is a few of those tests. They run unchanged, in a pytest of their own in which the bug is planted;
a bug is found where one of them fails. The rig of kills is a check too, but is called here directly: it
ends with its first finding.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from . import tiers
from .bugs import BUGS, VARIABLE
from .rig import RigOptions, run_rig
from .works import AGENTS, ROOT, missing_programs

LONGEST_S = 400.0
MOST_KILLS = 12
CELL = 110
"""Characters of a finding that the matrix shows."""
NO_MARKS = str.maketrans("`|", "'/")
"""What would end a code span or a cell."""


@dataclass(frozen=True)
class Check:
    """Tests that look at one thing."""

    name: str
    nodes: tuple[str, ...]
    """``tests/FILE.py`` or ``tests/FILE.py::TEST``; none: the rig of kills."""


POWER_CUT = "tests/chaos/test_power_cut.py::test_what_was_reported_durable_survives_a_power_cut"
IO_ERRORS = "tests/chaos/test_io_errors.py::test_an_error_of_any_call_loses_nothing_reported_durable"
RIG = Check("kills", ())
CHECKS = (
    Check("power cuts, outbox", (f"{POWER_CUT}[outbox]",)),
    Check("power cuts, journal", (f"{POWER_CUT}[journal]",)),
    Check("I/O errors, outbox", (f"{IO_ERRORS}[outbox]",)),
    Check(
        "false answers",
        (
            "tests/agent/test_modbus.py::test_a_false_tcp_answer_is_refused_and_the_connection_is_closed",
            "tests/agent/test_modbus.py::test_a_false_rtu_answer_is_refused_and_the_line_comes_back",
        ),
    ),
    Check("what may leave", ("tests/agent/test_guard.py::test_only_the_four_reads_may_leave",)),
    Check("clock steps", ("tests/kernels/test_clock_steps.py",)),
    Check(
        "poison line",
        (
            "tests/chaos/test_store_poison.py::"
            "test_one_bad_line_among_5000_is_put_aside_and_the_others_are_there",
        ),
    ),
    Check(
        "full queues",
        (
            "tests/gateway/test_inbox_and_tasks.py::test_a_full_inbox_refuses_and_counts",
            "tests/agent/test_spool.py::test_a_full_waiting_room_gives_up_the_oldest_records_and_counts_them",
        ),
    ),
    Check(
        "told after the commit",
        (
            "tests/gateway/test_journal.py::test_what_is_told_can_be_read_by_others_at_that_moment",
            "tests/gateway/test_journal.py::test_a_failed_transaction_leaves_books_and_alarms_as_they_were",
        ),
    ),
)
BY_NAME = {check.name: check for check in (RIG, *CHECKS)}


class Finding(NamedTuple):
    """What a check said about a bug."""

    said: str
    """``found``, ``passed``, or ``skipped``."""
    what: str = ""
    """All failures with their messages, or why it was skipped."""
    short: str = ""
    """The same for a cell of the matrix."""


def hunt(bug: str, checks: Sequence[Check], folder: Path, seed: int) -> dict[str, Finding]:
    """Try checks on the product with a bug planted ('': none) and return what each found, by its name."""
    folder.mkdir()
    found = {RIG.name: _hunt_by_kills(bug, folder / "rig", seed)} if RIG in checks else {}
    tests = [check for check in checks if check is not RIG]
    return found | (_hunt_by_tests(bug, tests, folder, seed) if tests else {})


def _hunt_by_kills(bug: str, folder: Path, seed: int) -> Finding:
    if why := missing_programs():
        return Finding("skipped", why)
    victims = ("gateway", AGENTS[0]) if BUGS[bug].where == "agent" else AGENTS
    options = RigOptions(
        folder, seed, MOST_KILLS, 0, bug=bug, at_most_s=60.0, stop_at_finding=True, victims=victims
    )
    outcome = run_rig(options)
    counts = ", ".join(f"{kind} {n}" for kind, n in sorted(outcome.verdict.counts.items()))
    short = f"{counts} after {outcome.tally.total} kills"
    return Finding(
        "passed" if outcome.verdict.clean else "found", f"{short}\n{outcome.verdict.text()}", short
    )


def _hunt_by_tests(bug: str, checks: Sequence[Check], folder: Path, seed: int) -> dict[str, Finding]:
    """Run the checks' tests in one pytest with the bug planted."""
    report = folder / "report.xml"
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.chaos.planted", "-p", "no:randomly"]
    words += [
        f"--hypothesis-seed={seed}",
        "-p",
        "no:cacheprovider",
        f"--basetemp={folder / 'tests'}",
        f"--junitxml={report}",
    ]
    words += [node for check in checks for node in check.nodes]
    env = {**os.environ, VARIABLE: bug, tiers.VARIABLE: "A", tiers.SEED_VARIABLE: str(seed)}
    done = subprocess.run(
        words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert done.returncode in (0, 1), f"pytest could not run with {bug!r} planted: {done.stdout}{done.stderr}"
    cases = list(ElementTree.parse(report).iter("testcase"))
    return {check.name: _finding([case for case in cases if _belongs(case, check)]) for check in checks}


def _belongs(case: ElementTree.Element, check: Check) -> bool:
    name, place = case.attrib["name"], case.attrib["classname"]
    wanted = (node.partition("::") for node in check.nodes)
    return any(
        place == file.removesuffix(".py").replace("/", ".") and test in ("", name, name.partition("[")[0])
        for file, _, test in wanted
    )


def _finding(cases: Sequence[ElementTree.Element]) -> Finding:
    assert cases, "none of the tests of this check exist any more"
    broken = [problem.attrib["message"] for case in cases for problem in case.iter("error")]
    assert not broken, f"a test could not be set up, which proves nothing: {broken}"
    red = [
        (case.attrib["name"], problem.attrib["message"]) for case in cases for problem in case.iter("failure")
    ]
    if red:
        what = "\n".join(f"{name}: {message}" for name, message in red)
        return Finding("found", what, f"{len(red)} of {len(cases)} red: {_essence(*red[0])}")
    skipped = [why.attrib["message"] for case in cases for why in case.iter("skipped")]
    return Finding("skipped", skipped[0]) if len(skipped) == len(cases) else Finding("passed")


def _essence(name: str, message: str) -> str:
    """Return the case of a test that failed, and the line that says what was found."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = next((line for line in lines if "assert " in line), lines[0])
    case = name.partition("[")[2].rpartition("]")[0]
    what = telling.removeprefix("AssertionError: ").removeprefix("assert ")
    return f"{case}: {what}" if case else what


def matrix(found: Mapping[str, Mapping[str, Finding]], seed: int) -> str:
    """Return the kill matrix as Markdown: bug -> check -> what was found."""
    names = [name for name in BY_NAME if any(name in row for row in found.values())]
    head = [
        "# Kill matrix: which test finds which planted bug",
        "",
        f"Bugs planted: {sum(bool(bug) for bug in found)}, one at a time, in the product's own classes "
        "(`tests/chaos/bugs.py`). The checks are the tests of tier A, unchanged (`tests/chaos/bug_hunt.py`). "
        f"Seed {seed}; the rig kills {MOST_KILLS} times at most and ends with its first finding.",
        "",
        f"Again: `{tiers.VARIABLE}=B {tiers.SEED_VARIABLE}={seed} pytest tests/chaos/test_planted_bugs.py`",
        "",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in tiers.versions().items())}",
        "- **found**: a test failed; what it said first. -: passed. Blank: not tried.",
        "",
        f"| planted | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    rows = [
        f"| {_story(bug)} | {' | '.join(_cell(row.get(name)) for name in names)} |"
        for bug, row in found.items()
    ]
    kinds = Counter(finding.said for bug, row in found.items() if bug for finding in row.values())
    caught = sum(any(f.said == "found" for f in row.values()) for bug, row in found.items() if bug)
    tail = ["", f"Found: {caught} of {len(found) - ('' in found)} bugs. Cells: {dict(kinds)}.", ""]
    return "\n".join([*head, *rows, *tail])


def _story(bug: str) -> str:
    return f"`{bug}` ({BUGS[bug].where}): {BUGS[bug].story}" if bug else "nothing"


def _cell(finding: Finding | None) -> str:
    if finding is None:
        return ""
    if finding.said == "found":
        return f"**found** `{finding.short[:CELL].translate(NO_MARKS)}`"
    return "-" if finding.said == "passed" else "skipped"
