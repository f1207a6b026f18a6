"""Controllers over real TCP, read with a plain Modbus client."""

import json
import socket
import struct
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from greenhearth.clock import NS, Clock
from greenhearth.sim.app import SimOptions, Works
from greenhearth.sim.background import BackgroundSim


def connected(running: BackgroundSim, endpoint: str) -> ModbusTcpClient:
    host, port = running.endpoint(endpoint)
    client = ModbusTcpClient(host, port=port, timeout=3, retries=0)
    assert client.connect()
    return client


@pytest.fixture
def furnace(plc: BackgroundSim) -> Iterator[ModbusTcpClient]:
    client = connected(plc, "furnace_plc")
    yield client
    client.close()


@pytest.fixture(scope="module")
def fast() -> Iterator[BackgroundSim]:
    """All plants, four thousand times as fast as the wall."""
    with BackgroundSim(SimOptions(speed=4000.0, baud=0)) as running:
        yield running


def float32(words: list[int]) -> float:
    return float(struct.unpack(">f", struct.pack(">2H", *words))[0])


def test_the_furnace_answers_with_values_of_its_io_list(furnace: ModbusTcpClient) -> None:
    words = furnace.read_holding_registers(0, count=64, device_id=1).registers
    assert len(words) == 64
    assert words[2] == 4
    assert 30_000 < float32(words[4:6]) < 60_000
    energy_wh = struct.unpack(">Q", struct.pack(">4H", *words[6:10]))[0]
    assert 80_000_000 < energy_wh * 0.001 < 90_000_000
    assert struct.pack(">4H", *words[30:34]).decode("ascii").strip()
    assert words[29] == 0
    assert words[34:] == [0] * 30


@pytest.mark.parametrize(
    ("address", "count", "code"), [(64, 1, 2), (60, 5, 2), (1000, 2, 2), (0, 65, 2), (65535, 1, 2)]
)
def test_a_read_outside_the_table_is_refused(
    furnace: ModbusTcpClient, address: int, count: int, code: int
) -> None:
    answer = furnace.read_holding_registers(address, count=count, device_id=1)
    assert answer.isError()
    assert answer.exception_code == code


def test_other_tables_and_all_writes_are_refused(furnace: ModbusTcpClient) -> None:
    before = furnace.read_holding_registers(18, count=2, device_id=1).registers
    for answer in (
        furnace.read_input_registers(0, count=1, device_id=1),
        furnace.read_coils(0, count=1, device_id=1),
        furnace.write_register(2, 5, device_id=1),
        furnace.write_registers(18, [1, 2], device_id=1),
    ):
        assert answer.isError()
        assert answer.exception_code == 1
    assert furnace.read_holding_registers(18, count=2, device_id=1).registers >= before


def test_a_unit_that_is_not_there_says_nothing(plc: BackgroundSim) -> None:
    host, port = plc.endpoint("furnace_plc")
    client = ModbusTcpClient(host, port=port, timeout=0.3, retries=0)
    with pytest.raises(ModbusIOException):
        client.read_holding_registers(0, count=1, device_id=9)
    client.close()


def test_a_forced_value_shows_on_the_next_read_and_goes_when_cleared(
    plc: BackgroundSim, furnace: ModbusTcpClient
) -> None:
    plc.tell("set furnace.active_power_kw 12345")
    assert float32(furnace.read_holding_registers(4, count=2, device_id=1).registers) == 12345.0
    plc.tell("clear furnace.active_power_kw")
    assert float32(furnace.read_holding_registers(4, count=2, device_id=1).registers) != 12345.0


def test_a_muted_controller_falls_silent_and_comes_back(plc: BackgroundSim) -> None:
    host, port = plc.endpoint("furnace_plc")
    client = ModbusTcpClient(host, port=port, timeout=0.3, retries=0)
    plc.tell("mute furnace_plc 1")
    with pytest.raises(ModbusIOException):
        client.read_holding_registers(0, count=1, device_id=1)
    plc.tell("unmute")
    client.close()
    client.connect()
    assert not client.read_holding_registers(0, count=1, device_id=1).isError()
    client.close()


def test_the_potline_is_read_from_input_registers_with_its_odd_word_order(fast: BackgroundSim) -> None:
    client = connected(fast, "potline_plc")
    words = client.read_input_registers(0, count=13, device_id=1).registers
    assert 395.0 < float32(words[0:2]) < 405.0
    energy = struct.unpack(">Q", struct.pack(">4H", *reversed(words[6:10])))[0] * 0.1
    assert 912_345_678 <= energy < 950_000_000
    cells = client.read_input_registers(100, count=125, device_id=1).registers
    cells += client.read_input_registers(225, count=115, device_id=1).registers
    assert cells.count(0xFFFF) == 3
    assert sum(mv for mv in cells if mv != 0xFFFF) / 237 == pytest.approx(4200, abs=300)
    assert client.read_input_registers(13, count=1, device_id=1).exception_code == 2
    assert client.read_input_registers(339, count=2, device_id=1).exception_code == 2
    client.close()


def test_time_in_the_registers_runs_with_the_shared_clock(fast: BackgroundSim) -> None:
    client = connected(fast, "furnace_plc")

    def look() -> tuple[int, int]:
        before = fast.clock.now_ns()
        words = client.read_holding_registers(0, count=10, device_id=1).registers
        return before, words[0] << 16 | words[1]

    began, first = look()
    now, heat = look()
    while now - began < 90 * 60 * NS:  # 1.4 s of the wall
        now, heat = look()
    assert heat - first in (2, 3)
    client.close()


def test_the_control_port_explains_what_it_does_not_understand() -> None:
    works = Works(SimOptions(clock=Clock.real()))
    obey = works.control.obey
    assert "did you mean 'active_power_kw'" in obey("set furnace.activ_power_kw 1")
    assert "PLANT.VALUE" in obey("set blast.power 1")
    assert "did you mean 'kiln_line'" in obey("mute kilnline 2")
    assert "units [1, 2, 3, 4]" in obey("mute kiln_line 7")
    assert obey("jump") == "error: 'jump' is not one of set, clear, get, made, mute, unmute"
    assert obey("set furnace.active_power_kw much").startswith("error: could not convert")
    assert obey("set furnace.grade_text X70") == "ok"
    assert obey("get furnace.grade_text") == "ok X70"
    assert obey("clear") == "ok"
    assert obey("get furnace.grade_text") != "ok X70"


def test_the_control_port_serves_lines_over_tcp(plc: BackgroundSim) -> None:
    address = plc.ready()["control"]
    with socket.create_connection((address["host"], address["port"]), 3) as sock, sock.makefile("rw") as file:
        file.write("set furnace.active_power_kw 777\nget furnace.active_power_kw\n")
        file.flush()
        assert [file.readline(), file.readline()] == ["ok\n", "ok 777.0\n"]
    assert json.dumps(plc.ready())


def test_an_unknown_plant_is_refused_by_name() -> None:
    with (
        pytest.raises(ValueError, match="no plant 'blast'; there are furnace, kiln, cell"),
        BackgroundSim(SimOptions(plants=("blast",))),
    ):
        pass
