"""The bounded queue before the journal's writer.

When it is full, whoever puts waits a little and is then refused; refusals are counted.
Nothing is lost by a refusal: what is not acknowledged, the agent sends again.
"""

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_ENTRIES = 1000
MAX_BYTES = 64 << 20


class Inbox(Generic[T]):
    """First in, first out; bounded by entries and by bytes."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self.refused = 0
        self._entries: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: T, size: int = 0, wait_s: float = 0.0) -> bool:
        """Append `entry` of `size` bytes; return False if there was no room within `wait_s`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(size), wait_s):
                self.refused += 1
                return False
            self._entries.append((entry, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def take_batch(self, most: int, first_wait_s: float, gather_s: float) -> list[T]:
        """Wait for a first entry, then gather for `gather_s` more or until there are `most`."""
        batch: list[T] = []
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._entries), first_wait_s):
                return batch
            deadline = time.monotonic() + gather_s
            while len(batch) < most:
                left = max(0.0, deadline - time.monotonic())
                if not self._changed.wait_for(lambda: bool(self._entries), left):
                    break
                entry, size = self._entries.popleft()
                self._bytes -= size
                batch.append(entry)
            self._changed.notify_all()
        return batch

    def _has_room(self, size: int) -> bool:
        if not self._entries:
            return True
        return len(self._entries) < self.max_entries and self._bytes + size <= self.max_bytes
