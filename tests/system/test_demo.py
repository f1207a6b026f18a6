"""`greenhearth demo` without a person: ends by itself, tells everything, and the count closes."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from greenhearth_cli.supervise import Family

from .conftest import DEMO_SECONDS, DemoRun, until

HEADLINES = {"energy": ("energy_kwh_per_t", "kWh/t"), "co2": ("co2_total_kg_per_t", "kg CO2e/t")}
PLAUSIBLE = {
    "furnace": {"energy": (400, 700), "co2": (100, 500)},
    "kiln": {"energy": (800, 1200), "co2": (700, 1000)},
    "cell": {"energy": (12800, 15000), "co2": (2000, 16000)},
}
"""What such plants can have at all; far outside, a unit or a factor is wrong."""


def test_it_ends_by_itself_with_0_and_one_document(demo_run: DemoRun) -> None:
    """Standard output is for machines, everything else goes to standard error."""
    assert demo_run.code == 0, demo_run.stderr
    assert demo_run.document["ok"] is True
    assert demo_run.document["problems"] == []
    assert "http://127.0.0.1:" in demo_run.stderr
    assert demo_run.seconds < DEMO_SECONDS + 60


@pytest.mark.parametrize("line", sorted(PLAUSIBLE))
def test_every_line_has_a_valid_finished_result_with_its_uncertainty(demo_run: DemoRun, line: str) -> None:
    """The last finished batch or window, with everything that is needed to trust it."""
    found: dict[str, Any] = demo_run.document["lines"][line]
    assert found["validity"] == "VALID"
    assert found["coverage"] > 0.95
    assert found["window"] in (["batch"] if line == "furnace" else ["15min", "1h"])
    assert bool(found["batch"]) == (line == "furnace")
    assert found["start"] < found["end"]
    for name, (metric, unit) in HEADLINES.items():
        low, high = PLAUSIBLE[line][name]
        assert (found[name]["metric"], found[name]["unit"]) == (metric, unit)
        assert low < found[name]["value"] < high
        assert 0 < found[name]["uncertainty"] < 0.1 * found[name]["value"]


def test_a_benchmark_is_told_with_its_gap_or_with_why_there_is_none(demo_run: DemoRun) -> None:
    """Like with like, or nothing."""
    nearest = 0
    for line in demo_run.document["lines"].values():
        assert line["comparisons"]
        for one in line["comparisons"]:
            assert one["source"]
            assert (one["gap"] is not None) == one["comparable"]
            assert bool(one["why"]) == (not one["comparable"])
        for name in HEADLINES:
            best = line[name]["benchmark"]
            nearest += best is not None
            assert best is None or best["comparable"]
            assert best is not None or line[name]["no_benchmark_because"]
    assert nearest >= 1


def test_the_count_closes_with_nothing_lost_and_nothing_doubled(demo_run: DemoRun) -> None:
    """measured = stored + waiting + quarantined + dropped, from the two files."""
    count = demo_run.document["count"]
    assert count["closes"] is True
    assert count["measured"] == count["stored"] > 1000
    assert (count["waiting"], count["quarantined"], count["dropped"]) == (0, 0, 0)


def test_no_part_of_a_demo_logs_an_error(demo_run: DemoRun) -> None:
    """What is normal must be silent, or nobody reads the log when it matters."""
    for name in ("broker", "sim", "gateway", "agent"):
        text = (demo_run.folder / f"{name}.log").read_text()
        assert "Traceback" not in text, f"{name}: {text[-2000:]}"
        assert " ERROR " not in text, f"{name}: {text[-2000:]}"


def _start_demo(folder: Path, *more: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "greenhearth_cli", "demo", "--port", "0", "--data", str(folder), *more]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    )


def _pids(folder: Path) -> list[int]:
    import json

    return [json.loads((folder / f"{name}.json").read_text())["pid"] for name in ("sim", "gateway", "agent")]


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_ctrl_c_ends_everything_cleanly_and_quickly(tmp_path: Path) -> None:
    """SIGINT reaches the whole foreground group of a terminal."""
    with _start_demo(tmp_path / "run") as demo:
        try:
            until(lambda: (tmp_path / "run" / "agent.json").exists() or demo.poll() is not None, 60, "ready")
            assert demo.stdout is not None
            until(lambda: "http://" in demo.stdout.readline() or demo.poll() is not None, 60, "address")
            pids = _pids(tmp_path / "run")
            began = time.monotonic()
            os.killpg(demo.pid, signal.SIGINT)
            assert demo.wait(15) == 0
            assert time.monotonic() - began < 8
            assert all(_gone(pid) for pid in pids)
            assert "Traceback" not in demo.stdout.read()
        finally:
            demo.kill()


def test_a_part_that_dies_ends_the_demo_with_its_name_and_last_words(tmp_path: Path) -> None:
    """A demo that goes on without its agent would show a page that looks alive."""
    with _start_demo(tmp_path / "run", "--for", "60") as demo:
        try:
            until(lambda: (tmp_path / "run" / "agent.json").exists() or demo.poll() is not None, 60, "ready")
            sim, gateway, agent = _pids(tmp_path / "run")
            os.kill(agent, signal.SIGKILL)
            said, _ = demo.communicate(timeout=30)
            assert demo.returncode == 1
            assert "the agent was killed by signal 9" in said
            assert "agent.log" in said
            assert _gone(sim)
            assert _gone(gateway)
        finally:
            demo.kill()


def test_a_page_that_is_opened_before_the_first_data_says_so(tmp_path: Path) -> None:
    """A gateway without an agent answers with an empty works, not with an error."""
    from .conftest import GATEWAY

    family = Family(tmp_path)
    family.start("broker", ["broker"])
    at = family.ready("broker", 20)
    where = ["--http", "127.0.0.1:0", "--data", str(tmp_path / "gateway")]
    family.start(
        "gateway", ["gateway", "run", str(GATEWAY), *where, "--broker", f"{at['host']}:{at['port']}"]
    )
    try:
        address = family.ready("gateway", 30)["http"]
        with urllib.request.urlopen(f"{address}/api/v1/overview", timeout=5) as reply:
            assert b'"lines":[]' in reply.read()
        with urllib.request.urlopen(address, timeout=5) as reply:
            assert b"<html" in reply.read().lower()
    finally:
        family.end_all(("gateway",))
