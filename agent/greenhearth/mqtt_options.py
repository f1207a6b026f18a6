"""What a link to a broker is told: where, how, and whom to tell; how long it waits in between."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Will:
    """What the broker publishes when this client disappears without saying goodbye."""

    topic: str
    payload: bytes
    retain: bool = True


@dataclass(frozen=True)
class LinkOptions:
    """Where the broker is and how a client behaves towards it."""

    host: str
    port: int
    client_id: str
    subscriptions: tuple[str, ...] = ()
    will: Will | None = None
    max_in_flight: int = 20
    """QoS 1 messages without a PUBACK; more are refused, not queued."""
    keepalive_s: int = 5
    stall_s: float = 15.0
    """A connection that owes a PUBACK for so long, though all has been sent, is given up."""
    refresh_s: float = 30.0
    """How often subscriptions are said again."""
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0
    """A broker that comes back is joined within this; after 50 to 100 % of it, so as not to come in step."""


def nothing(*_: object) -> None:
    """Do nothing, whatever is told."""


@dataclass(frozen=True)
class LinkCallbacks:
    """What a link tells its owner; all are called in the link's thread and must not block."""

    on_message: Callable[[str, bytes, bool], None] = nothing
    """Topic, payload, whether the broker had retained it."""
    on_connected: Callable[[], None] = nothing
    """After every connection, when the subscriptions have been sent."""
    on_disconnected: Callable[[], None] = nothing
    """Once after every connection that had been made."""


class BackOff:
    """Growing waits with jitter, so that many clients do not come back in step."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self.first_s, self.longest_s = first_s, longest_s
        self._next_s = first_s

    def reset(self) -> None:
        """Start again with the shortest wait."""
        self._next_s = self.first_s

    def next_s(self) -> float:
        """Return the next wait [s]: 50 to 100 % of a value that doubles up to the longest."""
        wait = self._next_s
        self._next_s = min(2 * wait, self.longest_s)
        return wait * random.uniform(0.5, 1.0)
