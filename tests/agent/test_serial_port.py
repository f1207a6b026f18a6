"""Which serial ports there are, and what they take."""

import os
from pathlib import Path

import pytest

from greenhearth_agent.buses.serial_port import parity_of, port_fault


def test_a_pseudo_terminal_is_asked_for_no_parity_and_a_real_port_for_its_own() -> None:
    master, slave = os.openpty()
    try:
        assert parity_of(os.ttyname(slave), "E") == "N"
    finally:
        os.close(master)
        os.close(slave)
    assert parity_of("/dev/ttyS0", "E") == "E"


def test_a_port_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    fault = port_fault(str(tmp_path / "ttyUSB7"))

    assert "ttyUSB7 does not exist" in fault
    assert "serial port" in fault


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_that_may_not_be_opened_says_which_group_may(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch(mode=0o000)

    assert "dialout" in port_fault(str(port))
