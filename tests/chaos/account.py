"""What a run of the rig did and found, for people and as the result of a tier; pure."""

from typing import Any

from .killer import Tally
from .oracle import Verdict

KINDS = ("missing", "ghost", "doubled", "altered")


def percentile(tally: Tally, percent: float) -> float:
    """Return a percentile of all recoveries [s] (nearest rank), 0 if there was none."""
    times = sorted(seconds for _, seconds in tally.recoveries)
    return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else 0.0


def progress(tally: Tally, found: int, seconds: float) -> str:
    """Return one line: how far a run is, and how it looks."""
    return (
        f"{seconds:6.0f} s: {tally.total} kills ({tally.crashes.total()} at failpoints), "
        f"findings {found}, recovery p99 {percentile(tally, 99):.2f} s"
    )


def bound(kills: int, findings: int) -> str:
    """Return what a number of kills without a finding proves, and what not."""
    if findings:
        return f"{findings} finding(s) in {kills} kills: the promise is broken"
    return (
        f"0 missing, ghost, doubled or altered in {kills} kills of this mix: with 95 % confidence at most "
        f"3/{kills} = {300 / kills:.2g} % of such kills lose or double anything. Power cuts, full or failing "
        "disks and damaged files are other tests; what was read and was not on the disk yet is outside of it."
    )


def recovery_of(tally: Tally) -> dict[str, float]:
    """Return p50, p99 and the longest recovery [s]."""
    names = {"p50_s": 50, "p99_s": 99, "max_s": 100}
    return {name: round(percentile(tally, percent), 3) for name, percent in names.items()}


def recovery_by_victim(tally: Tally) -> dict[str, dict[str, float]]:
    """Return the same by victim."""
    found = {}
    for victim in sorted({name for name, _ in tally.recoveries}):
        found[victim] = recovery_of(Tally(recoveries=[one for one in tally.recoveries if one[0] == victim]))
    return found


def result_of(
    seed: int, seconds: float, tally: Tally, verdict: Verdict, points: dict[str, str]
) -> dict[str, Any]:
    """Return the result of a tier."""
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "kills": tally.total,
        "kill_9_by_victim": dict(sorted(tally.kills.items())),
        "double_kills": tally.doubles,
        "failpoint_crashes_by_victim": dict(sorted(tally.crashed.items())),
        "failpoint_crashes": {name: tally.crashes[name] for name in sorted(points)},
        "failpoints_armed_in_vain": dict(sorted(tally.not_reached.items())),
        "samples": int(verdict.facts.get("readings", 0)),
        "verdict": {kind: verdict.counts[kind] for kind in (*KINDS, *sorted(verdict.counts.keys() - KINDS))},
        "facts": verdict.facts,
        "recovery": recovery_of(tally),
        "recovery_by_victim": recovery_by_victim(tally),
        "bound": bound(tally.total, verdict.counts.total()),
    }


def describe(seed: int, seconds: float, tally: Tally, verdict: Verdict) -> str:
    """Return the same for people."""
    times = ", ".join(f"{name} {value:.2f}" for name, value in recovery_of(tally).items())
    return "\n".join(
        [
            f"seed {seed}: {tally.total} kills in {seconds:.0f} s",
            f"kill -9: {dict(tally.kills)}, {tally.doubles} double; at failpoints: {dict(tally.crashed)}",
            f"failpoints: {dict(sorted(tally.crashes.items()))}; armed in vain: {dict(tally.not_reached)}",
            f"recovery of {len(tally.recoveries)}: {times}; {recovery_by_victim(tally)}",
            f"facts: {verdict.facts}",
            bound(tally.total, verdict.counts.total()) if tally.total else "",
            verdict.text(),
        ]
    )
