"""A serial line without hardware: two pseudo-terminals, joined by this process.

Whatever is written to one end comes out of the other, not faster than the line's baud
rate allows. A program opens the ends like any serial port.
"""

import asyncio
import os
import termios
import tty
from collections import deque

BITS_PER_CHARACTER = 11
"""Start, eight data, parity and stop bit: 8E1 and 8N2."""
_IDLE_SPEED = termios.B50
_MAX_WAITING = 4096


class PtyLine:
    """A line with two ends, `device` for the agent and `far_device` for the controllers.

    Args:
        baud: bits per second; 0 lets bytes through at once.
        speed: how much faster than the wall the shared clock runs; the line keeps pace.
    """

    def __init__(self, baud: int = 19200, speed: float = 1.0) -> None:
        self._character_s = BITS_PER_CHARACTER / baud / speed if baud else 0.0
        self._near, self._near_slave = _raw_pty()
        self._far, self._far_slave = _raw_pty()
        self.device = os.ttyname(self._near_slave)
        self.far_device = os.ttyname(self._far_slave)
        self.lost = 0
        """Bytes that found the other end full."""
        self._free_at = 0.0
        self._waiting: deque[tuple[float, int, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to carry bytes, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._near, self._carry, self._near, self._far)
        self._loop.add_reader(self._far, self._carry, self._far, self._near)

    def close(self) -> None:
        """Take the line away; whoever still has an end open sees it hang up."""
        if self._loop is not None:
            self._loop.remove_reader(self._near)
            self._loop.remove_reader(self._far)
            self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        for fd in (self._near, self._near_slave, self._far, self._far_slave):
            os.close(fd)

    def _carry(self, source: int, target: int) -> None:
        assert self._loop is not None
        try:
            data = os.read(source, 4096)
        except BlockingIOError:
            return
        if source == self._near:
            self._forget_settings()
        if not self._character_s:
            self._deliver(target, data)
            return
        if len(self._waiting) >= _MAX_WAITING:
            self.lost += len(data)
            return
        self._free_at = max(self._free_at, self._loop.time()) + len(data) * self._character_s
        self._waiting.append((self._free_at, target, data))
        if len(self._waiting) == 1:
            self._timer = self._loop.call_at(self._free_at, self._pump)

    def _pump(self) -> None:
        """Deliver what has had its time on the line, and wait for the next."""
        assert self._loop is not None
        while self._waiting and self._waiting[0][0] <= self._loop.time():
            _, target, data = self._waiting.popleft()
            self._deliver(target, data)
        if self._waiting:
            self._timer = self._loop.call_at(self._waiting[0][0], self._pump)

    def _deliver(self, target: int, data: bytes) -> None:
        try:
            self.lost += len(data) - os.write(target, data)
        except BlockingIOError:
            self.lost += len(data)

    def _forget_settings(self) -> None:
        """Put the near end's speed back to something no program asks for.

        A pseudo-terminal has no parity bit, and the C library refuses a request for parity
        in which nothing else changes: opening the port for the second time would fail.
        """
        settings = termios.tcgetattr(self._near_slave)
        if settings[5] != _IDLE_SPEED:
            settings[4] = settings[5] = _IDLE_SPEED
            termios.tcsetattr(self._near_slave, termios.TCSANOW, settings)


def _raw_pty() -> tuple[int, int]:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, slave
