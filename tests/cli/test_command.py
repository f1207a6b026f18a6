"""What a person at a terminal gets: help at once, one sentence for an error, a code that means something."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("numba", "numpy", "fastapi", "uvicorn", "pymodbus", "paho", "amqtt", "influxdb_client", "serial")


def greenhearth(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    whole = [sys.executable, "-m", "greenhearth_cli", *argv]
    return subprocess.run(whole, capture_output=True, text=True, timeout=60, cwd=cwd, check=False)


def test_help_loads_no_daemon_and_no_kernel() -> None:
    """Help is asked for on small machines: what a verb needs is loaded when it runs."""
    code = (
        "import sys\n"
        "from greenhearth_cli.main import app\n"
        "try:\n    app(['--help'], prog_name='greenhearth')\n"
        f"finally:\n    sys.stderr.write(','.join(m for m in {HEAVY} if m in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    for verb in ("demo", "sim", "agent", "gateway", "history", "version"):
        assert verb in done.stdout


def test_the_version_is_that_of_the_package() -> None:
    """One place holds the version."""
    from greenhearth import __version__

    assert greenhearth("version").stdout == f"greenhearth {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["dmo"], "demo"),
        (["demo", "--speed", "fast"], "--speed"),
        (["demo", "--json"], "--for"),
        (["sim", "--plants", "furnce"], "furnce"),
        (["sim", "--clock", "soon"], "expected 't_anchor_ns,monotonic_ns,speed'"),
        (["sim", "--replay", "heats.csv"], "site file"),
        (["agent", "check", "no-such-site.toml"], "no-such-site.toml"),
        (["agent", "run", "no-such-site.toml"], "no-such-site.toml"),
        (["agent", "read", "no-such-site.toml"], "no-such-site.toml"),
        (["gateway", "check", "no-such-gateway.toml"], "no-such-gateway.toml"),
        (["gateway", "run", "no-such-gateway.toml"], "no-such-gateway.toml"),
        (["history", "no-such.csv", "--site", "no-such-site.toml"], "no-such-site.toml"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_told_in_one_sentence_and_ends_with_2(
    argv: list[str], said: str, tmp_path: Path
) -> None:
    """Nothing is started, nothing is written, no traceback is shown."""
    done = greenhearth(*argv, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    """The page's port is the only fixed one of a demo."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = greenhearth("demo", "--port", str(port), "--data", str(tmp_path / "run"))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demo_does_not_empty_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """Somebody's files are worth more than a run."""
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    done = greenhearth("demo", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert kept.read_text() == "years of work"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_ends_with_0_when_it_is_asked_to(signum: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and a service manager are the normal ways to end it."""
    ready = tmp_path / "ready.json"
    argv = [sys.executable, "-m", "greenhearth_cli", "sim", "--ready-file", str(ready)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)  # asked again until the deadline
        said = json.loads(ready.read_text())
        assert said["pid"] == process.pid
        assert set(said["endpoints"]) == {"furnace_plc", "kiln_line", "potline_plc"}
        os.kill(process.pid, signum)
        assert process.wait(10) == 0
