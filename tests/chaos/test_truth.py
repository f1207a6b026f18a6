"""The truth PLC: exact, paced by reads, and it notes whoever asks for more than a read."""

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..waiting import until
from .truth_values import (
    DIVISION_T,
    FIRST_HEAT,
    HEAT_READS,
    REGISTERS,
    REST_FIRST,
    REST_LAST,
    Device,
    follows,
    heat_of,
    heat_totals,
)
from .works import ROOT


@pytest.fixture
def truth(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the ready file of a running truth PLC says."""
    ready = tmp_path / "truth.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.truth", str(ready), "one", "two"], cwd=ROOT
    )
    until(ready.exists, 20, "the truth PLC is ready")
    yield json.loads(ready.read_text())
    process.terminate()
    assert process.wait(10) == 0


def _ask(truth: dict[str, Any], name: str, *pdus: bytes) -> list[bytes]:
    """Send requests over one connection and return the PDUs of the replies."""
    with socket.create_connection(("127.0.0.1", truth["endpoints"][name]["port"]), 5) as link:
        found = []
        for tid, pdu in enumerate(pdus, 1):
            link.sendall(struct.pack(">HHHB", tid, 0, len(pdu) + 1, 1) + pdu)
            heard = link.recv(400)
            assert struct.unpack(">HHHB", heard[:7]) == (tid, 0, len(heard) - 6, 1)
            found.append(heard[7:])
        return found


def _account(truth: dict[str, Any]) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", truth["control"]), 5) as link:
        found: dict[str, Any] = json.loads(link.recv(65536))
        return found


READ_ALL = struct.pack(">BHH", 3, 0, REGISTERS)


def test_each_served_read_shows_the_next_k_and_nothing_else_moves_it(truth: dict[str, Any]) -> None:
    """A second master, a refused address, the other device: k counts the reads of one device."""
    replies = [*_ask(truth, "one", READ_ALL, READ_ALL), *_ask(truth, "one", READ_ALL)]
    assert replies == [bytes([3, 2 * REGISTERS]) + Device(1).registers(k) for k in range(3)]
    assert _ask(truth, "one", struct.pack(">BHH", 3, REGISTERS, 1)) == [bytes([0x83, 2])]
    assert _ask(truth, "two", READ_ALL) == [bytes([3, 2 * REGISTERS]) + Device(2).registers(0)]
    account = _account(truth)
    assert (account["one"]["next_k"], account["two"]["next_k"]) == (3, 1)


def test_a_write_is_refused_and_noted(truth: dict[str, Any]) -> None:
    """The verdict of every run asks for this note."""
    assert _ask(truth, "one", struct.pack(">BHH", 6, 0, 1), READ_ALL)[0] == bytes([0x86, 1])
    assert _account(truth)["one"]["functions"] == {"6": 1, "3": 1}


def test_counters_rest_around_the_change_of_heats_and_rise_by_the_totals_between() -> None:
    """So that what a kill loses cannot move an amount into another heat."""
    device = Device(1)
    assert follows(device, 0, 10 * HEAT_READS)
    for heat in range(FIRST_HEAT, FIRST_HEAT + 50):
        begin = (heat - FIRST_HEAT) * HEAT_READS
        rows = [device.raw(begin + at)[4:7] for at in range(HEAT_READS + REST_FIRST)]
        assert heat_of(begin) == heat_of(begin + HEAT_READS - 1) == heat
        assert len({*rows[: REST_FIRST + 1]}) == 1
        assert len({*rows[HEAT_READS - REST_LAST :]}) == 1
        kwh, gas, divisions = (b - a for a, b in zip(rows[0], rows[-1], strict=True))
        true = heat_totals(1, heat)
        assert (kwh, gas, divisions * DIVISION_T) == (true.electricity_kwh, true.gas_nm3, true.product_t)


def test_two_devices_and_two_reads_never_look_alike() -> None:
    """A value from the wrong device or the wrong read shows."""
    rows = [Device(number).raw(k)[11:] for number in (1, 2) for k in range(500)]
    assert len({word for row in rows for word in row}) > 0.999 * sum(map(len, rows))
