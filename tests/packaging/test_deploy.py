"""What a plant installs from `deploy/` works as it stands there."""

import re
import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import typer.main

from greenhearth_cli.main import app

from ..programs import MOSQUITTO, free_port

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def _commands(unit: Path) -> list[list[str]]:
    """Return the words after the program of every line of a unit that starts something."""
    lines = re.findall(r"^Exec\w+=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_verbs_and_options_that_exist(unit: Path) -> None:
    """A renamed option would be found at the next power cut."""
    commands = _commands(unit)
    assert len(commands) == 2
    for words in commands:
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_does_not_retry_a_wrong_file(unit: Path) -> None:
    """Exit code 2 is for a person; anything else comes back by itself."""
    text = unit.read_text(encoding="utf-8")
    assert "Restart=always" in text
    assert "RestartPreventExitStatus=2" in text
    assert "ProtectSystem=strict" in text


def test_mosquitto_takes_our_configuration_and_answers(tmp_path: Path) -> None:
    """The real broker, with our file on another port."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian package 'mosquitto')")
    port = free_port()
    text = (ROOT / "deploy" / "mosquitto" / "greenhearth.conf").read_text(encoding="utf-8")
    assert "listener 1883 127.0.0.1" in text
    assert "set_tcp_nodelay true" in text
    config = tmp_path / "greenhearth.conf"
    config.write_text(text.replace("listener 1883", f"listener {port}"), encoding="utf-8")
    log = tmp_path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=out, stderr=out) as broker,
    ):
        try:
            assert _answers(port, broker), log.read_text()
        finally:
            broker.terminate()
    assert "Error" not in log.read_text()


def _answers(port: int, broker: "subprocess.Popen[bytes]") -> bool:
    """Return whether something accepts connections within 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and broker.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)  # asked again until the deadline
        else:
            return True
    return False
