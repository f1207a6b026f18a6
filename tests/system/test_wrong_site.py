"""A wrong site file is refused before anything connects, with file, line, key and the nearest right name."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from greenhearth.shelf import configs_root


@dataclass(frozen=True)
class Fault:
    """What is changed in which file of the shelf, and what must be said."""

    file: str
    old: str
    new: str
    key: str
    said: tuple[str, ...]


SITE = "sites/demo.toml"
PLC = "plcs/demo_eaf.toml"
FAULTS = {
    "unknown key": Fault(
        SITE, 'unit = 1\nprofile = "plcs/demo_potline"', 'unti = 1\nprofile = "plcs/demo_potline"',
        "device.potline_plc_1.unti", ("unknown key", "did you mean 'unit'?"),
    ),
    "wrong unit": Fault(
        SITE, 'point = "active_energy_kwh"', 'point = "oxygen_nm3"', "line.furnace.role.electricity",
        ("Nm3", "kWh"),
    ),
    "missing profile": Fault(
        SITE, "plcs/demo_potline", "plcs/demo_potlin", "device.potline_plc_1.profile",
        ("no profile 'plcs/demo_potlin'", "did you mean 'plcs/demo_potline'?"),
    ),
    "unknown point": Fault(
        SITE, 'point = "clinker_t"', 'point = "clinker_tt"', "line.kiln.role.clinker",
        ("no point 'clinker_tt'", "did you mean 'clinker_t'?"),
    ),
    "overlapping address": Fault(
        PLC, "address = 6\n", "address = 5\n", "point.active_energy_kwh", ("already",),
    ),
    "impossible bus plan": Fault(
        SITE, "baud = 19200", "baud = 1200", "bus.kiln_line", ("needs", "of 1.00 s"),
    ),
    "broken syntax": Fault(SITE, "[bus.kiln_line]", "[bus.kiln_line", "syntax", ("line",)),
}  # fmt: skip


@dataclass
class Net:
    """The addresses that the site names, with nobody behind them but a test that looks."""

    broker: socket.socket
    plc: socket.socket

    def untouched(self) -> bool:
        """Return whether nobody has connected."""
        for listener in (self.broker, self.plc):
            listener.setblocking(False)
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                continue
            return False
        return True


@pytest.fixture
def net() -> Iterator[Net]:
    """Listening sockets in place of broker and furnace."""
    with socket.create_server(("127.0.0.1", 0)) as broker, socket.create_server(("127.0.0.1", 0)) as plc:
        yield Net(broker, plc)


@pytest.fixture
def shelf(tmp_path: Path, net: Net) -> Path:
    """A copy of the whole shelf whose furnace is the test's own socket."""
    copy = tmp_path / "shelf"
    shutil.copytree(configs_root(), copy)
    _change(copy / SITE, "port = 5020", f"port = {net.plc.getsockname()[1]}")
    return copy


def _change(path: Path, old: str, new: str) -> int:
    """Change a text that stands in a file once or more, the first time; return its line."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name} any more"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def _agent(shelf: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "greenhearth_cli", "agent", *argv]
    environment = {**os.environ, "GREENHEARTH_CONFIGS": str(shelf)}
    return subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", sorted(FAULTS))
@pytest.mark.parametrize("verb", ["check", "run", "read"])
def test_it_is_refused_with_file_line_key_and_nearest_name(
    shelf: Path, net: Net, tmp_path: Path, verb: str, name: str
) -> None:
    """Exit code 2, one sentence, and no connection to broker or controller."""
    fault = FAULTS[name]
    _change(shelf / fault.file, fault.old, fault.new)
    broker = "{}:{}".format(*net.broker.getsockname())
    more = ["--broker", broker, "--data", str(tmp_path / "data")] if verb == "run" else []
    done = _agent(shelf, verb, str(shelf / SITE), *more)
    assert done.returncode == 2, done.stderr
    found = re.search(r"greenhearth: (.+\.toml):(\d+): ([^:]+): (.+)", done.stderr)
    assert found, done.stderr
    assert Path(found.group(1)).name == Path(fault.file).name
    assert found.group(3).startswith(fault.key)
    assert all(word in found.group(4) for word in fault.said), found.group(4)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert net.untouched()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["unknown key", "missing profile", "overlapping address"])
def test_the_line_that_is_named_is_the_line_of_the_mistake(shelf: Path, name: str) -> None:
    """A person goes to the line and sees it; a key inside a table may be named by the table's line."""
    fault = FAULTS[name]
    line = _change(shelf / fault.file, fault.old, fault.new)
    lines = (shelf / fault.file).read_text(encoding="utf-8").splitlines()
    said = int(_agent(shelf, "check", str(shelf / SITE)).stderr.split(".toml:")[1].partition(":")[0])
    table = max(number for number in range(1, line + 1) if lines[number - 1].startswith("["))
    assert table <= said <= line + fault.new.count("\n")


def test_a_right_site_is_checked_without_a_connection_and_as_json(shelf: Path, net: Net) -> None:
    """The same words as a table and as a document."""
    done = _agent(shelf, "check", str(shelf / SITE), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["lines"] == ["furnace", "kiln", "cell"]
    assert {bus["name"] for bus in report["buses"]} == {"furnace_plc", "kiln_line", "potline_plc"}
    assert all(0 < bus["planned_s"] < bus["interval_s"] for bus in report["buses"])
    assert "kiln_line" in _agent(shelf, "check", str(shelf / SITE)).stdout
    assert net.untouched()
