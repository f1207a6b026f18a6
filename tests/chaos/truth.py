"""The truth PLC: a Modbus/TCP server of our own, which shows `truth_values` and notes what it was asked.

It shares no code with the product or its simulator, runs in a process of its own and is never
killed. Each device has a port. A read that begins at register 0 takes the next k; so k counts the
reads that were served, and a time without an agent skips nothing.

``python -m tests.chaos.truth READYFILE NAME...`` serves one device per name until SIGTERM.
"""

import asyncio
import json
import os
import signal
import struct
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos.truth_values import REGISTERS, Device

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
_HEAD = struct.Struct(">HHHB")
_READ = struct.Struct(">BHH")


@dataclass
class Served:
    """One device, what it shows next and what it was asked."""

    name: str
    device: Device
    next_k: int = 0
    functions: Counter[int] = field(default_factory=Counter)
    connections: int = 0
    malformed: int = 0

    def answer(self, pdu: bytes) -> bytes:
        """Return the reply to one request."""
        self.functions[pdu[0]] += 1
        if pdu[0] != 3 or len(pdu) != _READ.size:
            return bytes([pdu[0] | 0x80, ILLEGAL_FUNCTION])
        _, address, count = _READ.unpack(pdu)
        if not 1 <= count <= REGISTERS - address:
            return bytes([pdu[0] | 0x80, ILLEGAL_ADDRESS])
        words = self.device.registers(self.next_k)[2 * address : 2 * (address + count)]
        if address == 0:
            self.next_k += 1
        return bytes([pdu[0], len(words)]) + words

    def account(self) -> dict[str, Any]:
        """Return what was served, as JSON has it."""
        return {
            "next_k": self.next_k,
            "functions": dict(self.functions),
            "connections": self.connections,
            "malformed": self.malformed,
        }


class Connection(asyncio.Protocol):
    """One master."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A master has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._served.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer every whole request; a frame that is none ends the connection and is counted."""
        assert self._transport is not None
        self._heard += data
        while len(self._heard) >= _HEAD.size:
            tid, protocol, length, unit = _HEAD.unpack_from(self._heard)
            if protocol != 0 or not 2 <= length <= 254:
                self._served.malformed += 1
                self._transport.close()
                return
            if len(self._heard) < 6 + length:
                return
            pdu, self._heard = self._heard[7 : 6 + length], self._heard[6 + length :]
            reply = self._served.answer(pdu)
            self._transport.write(_HEAD.pack(tid, 0, len(reply) + 1, unit) + reply)


async def serve(ready_file: Path, names: list[str]) -> None:
    """Serve one device per name, and the account of all of them on a control port."""
    served = [Served(name, Device(number)) for number, name in enumerate(names, 1)]
    loop = asyncio.get_running_loop()
    endpoints = {}
    for one in served:
        server = await loop.create_server(partial(Connection, one), "127.0.0.1", 0)
        endpoints[one.name] = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps({one.name: one.account() for one in served}).encode())
        writer.close()

    control = await asyncio.start_server(tell, "127.0.0.1", 0)
    ready = {"endpoints": endpoints, "control": control.sockets[0].getsockname()[1], "pid": os.getpid()}
    part = ready_file.with_name(f".{ready_file.name}")
    part.write_text(json.dumps(ready), encoding="utf-8")
    part.replace(ready_file)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
