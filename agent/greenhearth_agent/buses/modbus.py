"""The only `import pymodbus` of the agent: one endpoint, one owner, one request at a time.

The library makes the requests, frames them and moves the bytes. Every byte that leaves
passes `egress`, every byte that comes is judged by `inspect` before the library sees it.
The library's own retries and reconnections are off: after a timeout or a false answer a TCP
connection is closed, and a serial line is listened to until it is silent.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from greenhearth.quality import EXCEPTION_BASE, Quality
from greenhearth.site import Bus
from greenhearth.site_buses import endpoint_of, port_of
from greenhearth_agent.buses.driver import Reply
from greenhearth_agent.buses.guard import (
    Expected,
    Framing,
    Request,
    Verdict,
    data_bytes,
    egress,
    inspect,
    sync_probe,
)
from greenhearth_agent.buses.serial_port import SettingRefusedError, parity_of, port_fault
from greenhearth_agent.plan import quiet_s

CONNECT_TIMEOUT_S = 3.0
DRAIN_QUIET_S = 0.05
"""Silence that ends a drain; USB adapters hand bytes over every 16 ms."""
DRAIN_LONGEST_S = 1.0
GHOSTS_KEPT = 3
"""Unanswered requests per device whose late answers are guarded against."""

_Create = Callable[[], Coroutine[Any, Any, Any]]
_NO_ANSWER = frozenset({int(Quality.TIMEOUT), int(Quality.MALFORMED), int(Quality.CRC)})


class ModbusBus:
    """One TCP connection or serial port with its devices."""

    def __init__(self, name: str, bus: Bus, stamp: Callable[[], int]) -> None:
        self.name, self.bus, self.stamp = name, bus, stamp
        self.framing = Framing.MBAP if bus.kind == "tcp" else Framing.RTU
        self.late_bytes = 0
        """Bytes that came when nothing was asked: this bus's timeouts are too short."""
        self.client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None
        self._expected: Expected | None = None
        self._verdict: Verdict | None = None
        self._heard = False
        self._heard_at = 0.0
        self._heard_ns = 0
        self._why = ""
        self._ghosts: dict[int, list[int]] = {}
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it repeats what we tell once

    @property
    def connected(self) -> bool:
        """Whether requests can be sent."""
        return self.client is not None and self.client.connected

    @property
    def endpoint(self) -> str:
        """Where the bus is, as a person would write it."""
        return endpoint_of(self.bus)

    async def connect(self) -> str:
        """Connect, or return in one sentence why that did not succeed ('' if it did)."""
        self.close()
        fault = port_fault(self.bus.device) if self.bus.kind == "rtu" else ""
        if fault:
            return fault
        self._why = "no answer within 3 s"
        client = self._make_client()
        if not await client.connect():
            client.close()
            return f"cannot connect to {self.endpoint} ({self._why}): {self._remedy()}"
        self.client = client
        if self.bus.kind == "rtu_over_tcp":
            await self._drain()
        return ""

    def _remedy(self) -> str:
        if self.bus.kind == "rtu":
            return f"see what else has the port open and what [bus.{self.name}] of the site file says"
        return f"see its supply, its cable, and the host and port in [bus.{self.name}] of the site file"

    def close(self) -> None:
        """Give up the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None

    async def read(self, request: Request, timeout_s: float, tid_zero: bool = False) -> Reply:
        """Send one read and return its answer; a bus that is not connected gives NO_LINK."""
        under_way = self._ghosts.get(request.unit)
        if under_way:
            probe = await self._exchange(sync_probe(request, under_way), timeout_s, tid_zero)
            # A device that has just one register answers the longer probe with an exception.
            if probe.quality != Quality.GOOD and not (request.count == 1 and probe.quality > EXCEPTION_BASE):
                return probe
            self._ghosts.pop(request.unit, None)
        return await self._exchange(request, timeout_s, tid_zero)

    async def _exchange(self, request: Request, timeout_s: float, tid_zero: bool) -> Reply:
        client = self.client
        if client is None or not client.connected:
            return Reply(int(Quality.NO_LINK), self.stamp())
        await self._keep_quiet()
        self._expected = Expected(request, self.framing, 0, tid_zero)
        self._verdict, self._heard = None, False
        client.ctx.comm_params.timeout_connect = timeout_s
        began = time.monotonic()
        try:
            await _ask(client, request)
        except (ModbusException, OSError):
            pass  # what went wrong is in the verdict, or nothing was heard
        finally:
            self._expected = None
        reply = self._reply(request, time.monotonic() - began)
        if reply.quality in _NO_ANSWER:
            await self._recover(request)
        return reply

    def _reply(self, request: Request, rtt_s: float) -> Reply:
        verdict = self._verdict
        if verdict is not None:
            words = _words(request, verdict.data) if verdict.quality == Quality.GOOD else None
            return Reply(verdict.quality, self._heard_ns, words, rtt_s)
        if not self.connected:
            return Reply(int(Quality.NO_LINK), self.stamp(), None, rtt_s)
        quality = Quality.MALFORMED if self._heard else Quality.TIMEOUT
        return Reply(int(quality), self.stamp(), None, rtt_s)

    async def _recover(self, request: Request) -> None:
        """Make sure that no late answer to `request` can be taken for a later one."""
        if self.framing is Framing.RTU:
            ghosts = self._ghosts.setdefault(request.unit, [])
            ghosts.append(data_bytes(request))
            del ghosts[:-GHOSTS_KEPT]
        if self.bus.kind == "rtu":
            await self._drain()
        else:
            self.close()

    async def _drain(self) -> None:
        """Listen until the line is silent; what comes is counted and thrown away."""
        began = time.monotonic()
        quiet = max(DRAIN_QUIET_S, 2 * quiet_s(self.bus))
        while time.monotonic() - began < DRAIN_LONGEST_S:
            left = max(began, self._heard_at) + quiet - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def _keep_quiet(self) -> None:
        """Leave the silence between frames that a serial line needs."""
        if self.framing is Framing.RTU:
            left = self._heard_at + quiet_s(self.bus) - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)

    def _make_client(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        bus = self.bus
        client: AsyncModbusTcpClient | AsyncModbusSerialClient
        if bus.kind == "rtu":
            client = AsyncModbusSerialClient(
                bus.device, framer=FramerType.RTU, baudrate=bus.baud,
                parity=parity_of(bus.device, bus.parity), stopbits=bus.stop_bits,
                timeout=CONNECT_TIMEOUT_S, retries=0, reconnect_delay=0,
                trace_packet=self.pass_packet, trace_connect=self._link_changed,
            )  # fmt: skip
        else:
            framer = FramerType.SOCKET if bus.kind == "tcp" else FramerType.RTU
            client = AsyncModbusTcpClient(
                bus.host, port=port_of(bus), framer=framer, timeout=CONNECT_TIMEOUT_S, retries=0,
                reconnect_delay=0, trace_packet=self.pass_packet, trace_connect=self._link_changed,
            )  # fmt: skip
        client.ctx.call_create = self._noting_why(client.ctx.call_create)
        return client

    def _noting_why(self, create: _Create) -> _Create:
        """Keep the reason of a failed connection, which the library only logs."""

        async def noting() -> Any:
            try:
                return await create()
            except OSError as error:
                self._why = _reason(error)
                raise
            except SettingRefusedError as error:
                settings = f"{self.bus.baud} baud 8{self.bus.parity}{self.bus.stop_bits}"
                self._why = f"the port does not take {settings}"
                raise OSError(self._why) from error

        return noting

    def pass_packet(self, sending: bool, data: bytes) -> bytes:
        """See every packet: the only way out, and the only way in."""
        if sending:
            packet = egress(data, self.framing)
            if self._expected is not None and self.framing is Framing.MBAP:
                self._expected = self._expected._replace(tid=int.from_bytes(packet[:2], "big"))
            return packet
        return self._incoming(data)

    def _incoming(self, data: bytes) -> bytes:
        """Judge what has come since the request; hand on only a complete true answer."""
        self._heard_at = time.monotonic()
        if self._expected is None:
            self.late_bytes += len(data)
            return b""
        self._heard = True
        verdict = inspect(self._expected, data)
        if not verdict.done:
            return b""
        self._expected, self._verdict, self._heard_ns = None, verdict, self.stamp()
        if verdict.quality in _NO_ANSWER:
            self._fail_open_request("a false answer")
            return b""
        return data

    def _link_changed(self, up: bool) -> None:
        if not up and self._expected is not None:
            self._fail_open_request("the connection was lost")

    def _fail_open_request(self, why: str) -> None:
        client = self.client
        if client is not None and not client.ctx.response_future.done():
            client.ctx.response_future.set_exception(ModbusException(why))


async def _ask(client: AsyncModbusTcpClient | AsyncModbusSerialClient, request: Request) -> None:
    """Send one of the four reads; there is no other way to name a function here."""
    reads = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }
    await reads[request.function](request.address, count=request.count, device_id=request.unit)


def _reason(error: OSError) -> str:
    """Return why, in the system's words: asyncio's own only repeat the address."""
    if error.errno is not None and error.errno > 0:  # below zero: the name service speaks
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _words(request: Request, data: bytes) -> NDArray[np.uint16]:
    if request.function <= 2:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[: request.count].astype(np.uint16)
    return np.frombuffer(data, ">u2").astype(np.uint16)
