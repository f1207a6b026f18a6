"""The simulator as a process: ready file when everything answers, a clean end on a signal."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from greenhearth.clock import NS, Clock

PROGRAM = """
import asyncio, sys
from pathlib import Path
from greenhearth.clock import Clock
from greenhearth.sim.app import SimOptions, run_sim
asyncio.run(run_sim(SimOptions(clock=Clock.from_text(sys.argv[2]), ready_file=Path(sys.argv[1]))))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_ready_file_leads_to_answers_and_a_signal_ends_it_with_zero(
    tmp_path: Path, number: signal.Signals
) -> None:
    ready, clock = tmp_path / "ready.json", Clock.fast(60.0, 1_700_000_000 * NS)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(ready), clock.to_text()]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)  # asked again until the deadline
        content = json.loads(ready.read_text())
        assert content["pid"] == process.pid
        assert Clock.from_text(content["clock"]) == clock
        read_once(content["endpoints"])
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors.decode()
    assert errors == b""
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]


def read_once(endpoints: dict[str, dict[str, str]]) -> None:
    """Read one register of every endpoint."""
    for name, table in (("furnace_plc", "holding"), ("potline_plc", "input")):
        address = endpoints[name]
        client = ModbusTcpClient(address["host"], port=int(address["port"]), timeout=3, retries=0)
        read = client.read_holding_registers if table == "holding" else client.read_input_registers
        assert not read(0, count=2, device_id=1).isError()
        client.close()
    line = ModbusSerialClient(endpoints["kiln_line"]["device"], baudrate=19200, timeout=2, retries=0)
    assert line.connect()
    assert not line.read_input_registers(0x34, count=2, device_id=1).isError()
    line.close()


def test_the_pytest_plugin_costs_other_peoples_tests_nothing() -> None:
    look = (
        "import sys, greenhearth.sim.pytest_plugin;"
        "print([m for m in ('pymodbus', 'numpy', 'numba', 'greenhearth.sim.app') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
