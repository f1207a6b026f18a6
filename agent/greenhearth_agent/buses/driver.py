"""What a poller needs of a bus, whatever is spoken on it."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from greenhearth.site import Bus
from greenhearth_agent.buses.guard import Request


class Reply(NamedTuple):
    """What one request brought."""

    quality: int
    t_ns: int
    """When the answer was complete, or was given up."""
    words: NDArray[np.uint16] | None = None
    """Registers, or one word per bit; None unless the quality is GOOD."""
    rtt_s: float = 0.0


class Driver(Protocol):
    """One physical endpoint with its devices: one owner, one request at a time."""

    name: str
    bus: Bus
    late_bytes: int
    """Bytes that came when nothing was asked: this bus's timeouts are too short."""

    @property
    def connected(self) -> bool:
        """Whether requests can be sent."""

    @property
    def endpoint(self) -> str:
        """Where the bus is, as a person would write it."""

    async def connect(self) -> str:
        """Connect, or return in one sentence why that did not succeed ('' if it did)."""

    def close(self) -> None:
        """Give up the connection."""

    async def read(self, request: Request, timeout_s: float, tid_zero: bool = False) -> Reply:
        """Send one read and return its answer; a bus that is not connected gives NO_LINK."""
