"""Which publishes of one connection are open: QoS 1 without a PUBACK, QoS 0 not yet on the socket.

The client library reports both by number, from its own thread, and at times before the publish
that it belongs to has returned that number.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_UNSENT = 2
"""QoS 0 messages that may wait for the socket; on a slow link a newer one is worth more than a queue."""


@dataclass(slots=True)
class _Open:
    on_ack: Callable[[], None]
    since: float


class Places:
    """At most `most` QoS 1 messages in flight; safe for any thread."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0
        self.flushed = threading.Event()
        """Set while no PUBACK is waited for."""
        self.flushed.set()
        self._lock = threading.Lock()
        self._open: dict[int, _Open] = {}
        self._unsent: set[int] = set()
        self._early: set[int] = set()

    def take(self) -> bool:
        """Take a place before a QoS 1 message is published; False if none is free."""
        with self._lock:
            if self.taken >= self.most:
                return False
            self.taken += 1
            self.flushed.clear()
            return True

    def give_back(self) -> None:
        """Free a place whose message could not be published after all."""
        with self._lock:
            self._free()

    def published(self, number: int, on_ack: Callable[[], None]) -> None:
        """Note the number of the message that took a place."""
        with self._lock:
            if number not in self._early:
                self._open[number] = _Open(on_ack, time.monotonic())
                return
            self._early.discard(number)
            self._free()
        on_ack()

    def may_send_once(self) -> bool:
        """Tell whether another QoS 0 message may be published."""
        return len(self._unsent) < MOST_UNSENT

    def sent_once(self, number: int) -> None:
        """Note the number of a QoS 0 message."""
        with self._lock:
            if number in self._early:
                self._early.discard(number)
            else:
                self._unsent.add(number)

    def reported(self, number: int) -> None:
        """Take what the library reports: a PUBACK, or a QoS 0 message that was written."""
        with self._lock:
            if number in self._unsent:
                self._unsent.discard(number)
                return
            one = self._open.pop(number, None)
            if one is None:
                self._early.add(number)
                return
            self._free()
        one.on_ack()

    def oldest(self) -> float | None:
        """Return since when the oldest PUBACK has been waited for [monotonic s]."""
        with self._lock:
            return next((one.since for one in self._open.values()), None)

    def _free(self) -> None:
        self.taken -= 1
        if self.taken == 0:
            self.flushed.set()
