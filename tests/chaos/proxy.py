"""A TCP proxy that spoils what passes, in a thread of its own; told what to do while it runs.

The faults of a link are plain numbers, one set per direction, read again with every piece of
data. They are seeded: the same seed, connections and bytes give the same faults.
"""

import asyncio
import contextlib
import math
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from .mqtt_packets import PUBACK, PUBLISH, Splitter, again, kind, puback_for, qos

PIECE = 4096
QUEUED = 64
"""Pieces on their way in one direction; more are left to the sender's TCP."""
SOCKET_BYTES = 8192
"""Small buffers of the system, so that a slow link is felt by who sends."""
LINGER_RST = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """What one direction does to what passes; all off at first."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    slice_bytes: int = 0
    """Hand over so many bytes at a time, each as a packet of its own."""
    flip_per_byte: float = 0.0
    """Probability that one bit of a byte is flipped."""
    cut_after: int = 0
    """End each connection with a reset after so many further bytes."""
    swallow: bool = False
    """Half-open: what comes is taken and forgotten; such a connection stays dead for ever."""
    slow_close_s: float = 0.0
    drop_puback: float = 0.0
    """Probabilities per MQTT packet from here on."""
    discard_publish: float = 0.0
    """Answer the PUBACK oneself and forget the message."""
    duplicate_publish: float = 0.0
    swap_publish: float = 0.0
    """Let the next PUBLISH overtake this one."""

    def clear(self) -> None:
        """Turn all faults off."""
        for one in fields(self):
            setattr(self, one.name, one.default)


@dataclass
class FaultProxy:
    """Listens on a port of its own and passes everything on to `target`."""

    target: tuple[str, int]
    seed: int
    mqtt: bool = False
    """Whether packet faults apply; they need the borders of MQTT packets."""
    port: int = 0
    up: Faults = field(default_factory=Faults)
    """From who connects to the target."""
    down: Faults = field(default_factory=Faults)
    counts: Counter[str] = field(default_factory=Counter)
    """Faults by kind, and connections."""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._links: set[_Link] = set()
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to instead of the target."""
        return "127.0.0.1", self.port

    def start(self) -> "FaultProxy":
        """Begin to listen."""
        self._thread.start()
        self.listen()
        return self

    def stop(self) -> None:
        """Reset all connections and end the thread."""
        self.refuse()
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def listen(self) -> None:
        """Accept connections (again)."""
        self._do(self._listen())

    def refuse(self) -> None:
        """Reset all connections and accept no more, as a machine does whose program has ended."""
        self._do(self._close())
        self.reset()

    def reset(self) -> None:
        """End all connections with RST."""
        self._do(self._reset())

    def heal(self) -> None:
        """Turn all faults off; what is dead or half-open stays so until its owner notices."""
        self.up.clear()
        self.down.clear()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
            sock.bind(self.address)
            self.port = sock.getsockname()[1]
            sock.listen(64)
            self._listener = sock
            self._loop.add_reader(sock, self._accept, sock)

    async def _close(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        """Take a connection at once: asyncio's own server forgets those that come as it is closed."""
        with contextlib.suppress(OSError):  # who came is gone again
            near, _ = listener.accept()
            task = self._loop.create_task(self._serve(near))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _reset(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _settle(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, near: socket.socket) -> None:
        near.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=near, limit=PIECE)
        self.counts["connections"] += 1
        link = _Link(self, reader, writer, f"{self.seed}:{self.counts['connections']}")
        self._links.add(link)
        try:
            await link.run()
        except (OSError, asyncio.IncompleteReadError):
            pass  # either end is gone, which is what proxies see all day
        finally:
            link.reset()
            self._links.discard(link)


class _Link:
    """One connection through the proxy: two directions."""

    def __init__(
        self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        self.proxy, self.name = proxy, name
        self.near, self.near_out = reader, writer
        self.far_out: asyncio.StreamWriter | None = None
        self.is_dead = False

    async def run(self) -> None:
        up, down = self.proxy.up, self.proxy.down
        if up.swallow or down.swallow:
            await self._hang(self.near)
            return
        far, self.far_out = await asyncio.open_connection(*self.proxy.target, limit=PIECE)
        for writer in (self.near_out, self.far_out):
            _make_small(writer)
        there = _Direction(self, up, f"{self.name}:up", self.far_out, self.near_out)
        back = _Direction(self, down, f"{self.name}:down", self.near_out, self.far_out)
        works = [there.read(self.near), there.write(), back.read(far), back.write()]
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        self.proxy.counts["half-open"] += 1
        while await reader.read(PIECE):
            self.proxy.counts["swallowed"] += 1

    def reset(self) -> None:
        for writer in (self.near_out, self.far_out):
            if writer is not None:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RST)
                writer.transport.abort()


class _Direction:
    """One way of one connection: read, spoil, wait, write."""

    def __init__(
        self,
        link: _Link,
        faults: Faults,
        name: str,
        out: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        self.link, self.faults, self.out, self.back = link, faults, out, back
        self.rng = random.Random(name)
        self.counts = link.proxy.counts
        self.queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        self.splitter = Splitter() if link.proxy.mqtt else None
        self.held = b""
        self.passed = 0
        self.due = 0.0

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take what comes and queue it with the time at which it is due."""
        while data := await reader.read(PIECE):
            for packet in self.splitter.feed(data) if self.splitter else [data]:
                for spoiled in self._packets(packet):
                    await self.queue.put((self._due(), spoiled))
        await asyncio.sleep(self.faults.slow_close_s)
        await self.queue.put((self._due(), b""))

    async def write(self) -> None:
        """Hand over what is due, as slowly and in as small pieces as it is wanted."""
        while True:
            due, data = await self.queue.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not data:
                self._end()
                return
            if self.link.is_dead or self.faults.swallow:
                self.link.is_dead = True  # bytes are missing from now on: it may never speak again
                self.counts["swallowed"] += 1
                continue
            for piece in self._pieces(self._flipped(data)):
                await self._hand_over(piece)

    def _end(self) -> None:
        """Pass the end of a connection on; of a half-open one only the near side can tell."""
        if not self.link.is_dead:
            self.out.close()
        elif self.out is self.link.far_out:
            self.link.reset()

    def _due(self) -> float:
        wait = self.faults.latency_s + self.rng.uniform(0, self.faults.jitter_s)
        self.due = max(self.due, asyncio.get_running_loop().time() + wait)  # TCP keeps the order
        return self.due

    def _packets(self, packet: bytes) -> Iterator[bytes]:
        """Drop, answer, repeat or swap one MQTT packet."""
        if not self.splitter:
            yield packet
        elif kind(packet) == PUBACK and self._happens("drop_puback"):
            return
        elif kind(packet) == PUBLISH and qos(packet) == 1 and not self.held:
            yield from self._publish(packet)
        else:
            yield packet
            if self.held:
                yield self.held
                self.held = b""

    def _publish(self, packet: bytes) -> Iterator[bytes]:
        if self._happens("discard_publish"):
            self.back.write(puback_for(packet))
        elif self._happens("swap_publish"):
            self.held = packet
        elif self._happens("duplicate_publish"):
            yield packet
            yield again(packet)
        else:
            yield packet

    def _happens(self, name: str) -> bool:
        found: bool = self.rng.random() < getattr(self.faults, name)
        self.counts[name] += found
        return found

    def _flipped(self, data: bytes) -> bytes:
        rate = self.faults.flip_per_byte
        if rate <= 0:
            return data
        spoiled, at = bytearray(data), -1
        while (at := at + 1 + int(math.log(1 - self.rng.random()) / math.log1p(-rate))) < len(data):
            spoiled[at] ^= 1 << self.rng.randrange(8)
            self.counts["flips"] += 1
        return bytes(spoiled)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self.faults.slice_bytes or len(data)
        if self.faults.bytes_per_s:
            size = min(size, max(1, int(self.faults.bytes_per_s / 20)))
        for at in range(0, len(data), size):
            yield data[at : at + size]

    async def _hand_over(self, piece: bytes) -> None:
        limit = self.faults.cut_after
        self.passed = self.passed + len(piece) if limit else 0
        if limit and self.passed >= limit:
            self.out.write(piece[: max(0, len(piece) - (self.passed - limit))])
            self.counts["cuts"] += 1
            await self._drained()
            self.link.reset()
            raise ConnectionResetError
        self.out.write(piece)
        await self._drained()
        if self.faults.bytes_per_s:
            self.counts["slowed"] += 1
            await asyncio.sleep(len(piece) / self.faults.bytes_per_s)
        elif self.faults.slice_bytes:
            self.counts["slices"] += 1
            await asyncio.sleep(0)

    async def _drained(self) -> None:
        await self.out.drain()


def _make_small(writer: asyncio.StreamWriter) -> None:
    """Let little wait on its way out, and nothing to be gathered."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
    writer.transport.set_write_buffer_limits(0)
