"""The only file with pymodbus servers: controllers that answer from the plants as they are now."""

from collections.abc import Callable, Coroutine, Mapping
from typing import NamedTuple

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from greenhearth.sim.live import Live
from greenhearth.sim.registers import Table, image

_Action = Callable[
    [int, int, int, int, list[int], list[int] | list[bool] | None], Coroutine[None, None, ExcCodes | None]
]


class Controller(NamedTuple):
    """One unit: its memory and the plant behind it."""

    table: Table
    live: Live


class Endpoint:
    """Controllers behind one socket or on one serial line; every read is computed as it is asked.

    Answers exception 2 outside the table, 3 when more registers are asked than the
    controller gives at once, 1 for every write and every other function. Units that do
    not exist, or are muted, say nothing.
    """

    def __init__(self, units: Mapping[int, Controller]) -> None:
        self.units = dict(units)
        self.muted: set[int] = set()
        self._server: ModbusTcpServer | ModbusSerialServer | None = None

    async def listen_tcp(self, host: str, port: int = 0) -> int:
        """Listen on TCP and return the port; OSError when it is taken."""
        self._unit_at = 6
        server = ModbusTcpServer(self._devices(), address=(host, port), trace_packet=self._trace)
        await self._listen(server, f"{host}:{port}")
        sockets = server.transport.sockets  # type: ignore[attr-defined]
        return int(sockets[0].getsockname()[1])

    async def listen_serial(self, device: str, baud: int = 19200) -> None:
        """Answer RTU frames on a serial device; OSError when it cannot be opened."""
        self._unit_at = 0
        server = ModbusSerialServer(
            self._devices(), framer=FramerType.RTU, port=device, baudrate=baud, trace_packet=self._trace
        )
        await self._listen(server, device)

    async def _listen(self, server: ModbusTcpServer | ModbusSerialServer, where: str) -> None:
        self._server = server
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"the simulated controllers cannot listen on {where}") from error

    async def close(self) -> None:
        """Stop answering and close all connections."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def _devices(self) -> list[SimDevice]:
        found = [
            SimDevice(unit, [_memory(*r) for r in one.table.ranges], action=_action(one))
            for unit, one in self.units.items()
        ]
        return [*found, SimDevice(0, [_memory(0, 0)])]  # takes what nobody is there to answer

    def _trace(self, sending: bool, packet: bytes) -> bytes:
        """Swallow the answers of units that are not there or are muted."""
        if not sending:
            return packet
        unit = packet[self._unit_at]
        return packet if unit in self.units and unit not in self.muted else b""


def _memory(first: int, last: int) -> SimData:
    return SimData(first, count=last - first + 1, values=0, datatype=DataType.REGISTERS)


def _action(one: Controller) -> _Action:
    async def answer(
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if written is not None or function != one.table.function:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > one.table.max_registers:
            return ExcCodes.ILLEGAL_VALUE
        for at, words in image(one.table, one.live.read(), address, count).items():
            registers[at - start : at - start + len(words)] = words
        return None

    return answer
