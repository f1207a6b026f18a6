"""The kiln's four meters on a real serial device (a pseudo-terminal), RTU."""

import struct
import time
from collections.abc import Iterator

import pytest
import serial
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from greenhearth.sim.app import SimOptions
from greenhearth.sim.background import BackgroundSim


@pytest.fixture
def line(serial_line: BackgroundSim) -> Iterator[ModbusSerialClient]:
    client = ModbusSerialClient(serial_line.device(), baudrate=19200, parity="N", timeout=1, retries=0)
    assert client.connect()
    yield client
    client.close()


def float32(words: list[int]) -> float:
    return float(struct.unpack(">f", struct.pack(">2H", *words))[0])


def test_four_meters_answer_on_one_line(line: ModbusSerialClient) -> None:
    power_w = float32(line.read_input_registers(0x34, count=2, device_id=1).registers)
    assert 5.5e6 < power_w < 6.5e6
    phases = line.read_input_registers(0x0C, count=6, device_id=1).registers
    assert sum(float32(phases[k : k + 2]) for k in (0, 2, 4)) == pytest.approx(power_w, rel=0.02)
    energy = float32(line.read_input_registers(0x48, count=2, device_id=1).registers)
    assert float32(line.read_input_registers(0x156, count=2, device_id=1).registers) == pytest.approx(energy)
    for unit, low, high in ((2, 15.0, 25.0), (3, 9.0, 14.0)):
        words = line.read_holding_registers(0, count=5, device_id=unit).registers
        assert low < float32([words[1], words[0]]) < high
        assert words[4] in (1, 2)
    words = line.read_holding_registers(0, count=9, device_id=4).registers
    assert 300.0 < (words[0] << 16 | words[1]) * 0.01 < 360.0
    assert words[8] == 0x7FFF or 1400 < words[8] < 1500


def test_what_a_meter_does_not_have_is_refused(line: ModbusSerialClient) -> None:
    asked = [
        (line.read_holding_registers(0, count=6, device_id=2), 2),
        (line.read_holding_registers(9, count=1, device_id=4), 2),
        (line.read_input_registers(0x0, count=81, device_id=1), 3),
        (line.read_holding_registers(0x34, count=2, device_id=1), 1),
        (line.write_register(4, 0, device_id=3), 1),
    ]
    for answer, code in asked:
        assert answer.isError()
        assert answer.exception_code == code


def test_a_silent_meter_costs_the_others_nothing(serial_line: BackgroundSim) -> None:
    client = ModbusSerialClient(serial_line.device(), baudrate=19200, timeout=0.2, retries=0)
    assert client.connect()
    serial_line.tell("mute kiln_line unit 2")
    for unit in (2, 9):  # one is muted, the other does not exist
        with pytest.raises(ModbusIOException):
            client.read_holding_registers(0, count=1, device_id=unit)
    assert not client.read_holding_registers(0, count=5, device_id=3).isError()
    serial_line.tell("unmute kiln_line 2")
    assert not client.read_holding_registers(0, count=5, device_id=2).isError()
    client.close()


def test_the_line_is_no_faster_than_19200_baud(line: ModbusSerialClient) -> None:
    began = time.monotonic()
    assert len(line.read_input_registers(0, count=80, device_id=1).registers) == 80
    assert time.monotonic() - began > (8 + 165) * 11 / 19200


def test_without_a_baud_rate_the_line_does_not_hold_bytes_back() -> None:
    with BackgroundSim(SimOptions(plants=("kiln",), baud=0)) as running:
        client = ModbusSerialClient(running.device(), baudrate=19200, timeout=1, retries=0)
        client.connect()
        client.read_input_registers(0, count=80, device_id=1)
        began = time.monotonic()
        for _ in range(5):
            assert len(client.read_input_registers(0, count=80, device_id=1).registers) == 80
        assert (time.monotonic() - began) / 5 < (8 + 165) * 11 / 19200
        client.close()


def test_the_port_can_be_opened_again_and_again_with_parity(serial_line: BackgroundSim) -> None:
    request = bytes.fromhex("04030008000105 9d".replace(" ", ""))
    for _ in range(3):
        with serial.Serial(serial_line.device(), 19200, parity="E", timeout=2) as port:
            port.write(request)
            answer = port.read(7)
        assert answer[:3] == b"\x04\x03\x02"
