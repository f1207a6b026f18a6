"""Which items travel next: live before backlog, and again what was not acknowledged. Pure.

The backlog lane follows the gateway's acknowledgements: as long as they come at once, more
and more may be under way; when they take longer than they should, less. So a long backlog
goes as fast as the gateway commits, and never makes a queue that live items have to wait in.
Times are monotonic seconds that the caller passes in.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from greenhearth.wire import Ack
from greenhearth_agent.items import Entry

FRAME_BYTES = 256 << 10
FRAME_RECORDS = 200
RESEND_S = 5.0
"""After this time without the gateway's acknowledgement an item is sent again."""
ANSWER_S = 0.5
"""Acknowledgements that take longer mean a queue, which live items would stand in too (bar: 2 s)."""
OPEN_ITEMS = 20_000
"""Most items under way; half a second of what a gateway on two cores commits."""
OPEN_BYTES = 8 << 20
"""Most bytes under way: they lie in the broker's memory, with those of all other agents."""
FRESH_ITEMS = 200
"""Live items that wait for the broker; older ones take the backlog lane."""

Key = tuple[int, int]


class Sending(NamedTuple):
    """An item under way."""

    at: float
    size: int


class Lanes:
    """What is on its way, and what may go next."""

    def __init__(self) -> None:
        self.trusted = False
        """Whether the gateway has acknowledged something since the last silence."""
        self.cursor = 0
        """Id in the outbox up to which the backlog lane has read."""
        self.window = FRAME_RECORDS
        """Items that may be under way now."""
        self.resent = 0
        """Items let go of for want of an acknowledgement, to be sent again."""
        self._fresh: dict[Key, Entry] = {}
        self._ahead: deque[Entry] = deque()
        """Read from the outbox, not sent yet."""
        self._sent: dict[Key, Sending] = {}
        """In the order of sending."""
        self._open_bytes = 0
        self._answered_at = 0.0
        self._reached = 0.0
        """When the youngest item that was acknowledged had been sent."""
        self._narrowed_at = 0.0

    def add_fresh(self, entries: Iterable[Entry]) -> None:
        """Take items that were just made."""
        for entry in entries:
            self._fresh[(entry.epoch, entry.seq)] = entry
        while len(self._fresh) > FRESH_ITEMS:
            del self._fresh[next(iter(self._fresh))]

    def connected(self) -> None:
        """Start anew after a connection: only the newest record is still live."""
        newest = next((e for e in reversed(self._fresh.values()) if e.leaf == "records"), None)
        self._fresh.clear()
        if newest is not None:
            self.add_fresh([newest])
        self._sent.clear()
        self._open_bytes = 0
        self._begin_anew()

    def fresh(self) -> list[Entry]:
        """Return the items of the live lane, in order."""
        return list(self._fresh.values())

    def sent(self, entries: Iterable[Entry], now: float) -> None:
        """Note that items were handed to the broker."""
        for entry in entries:
            key = (entry.epoch, entry.seq)
            self._drop(key)  # so that the newest sending is the last in order
            self._sent[key] = Sending(now, len(entry.payload))
            self._open_bytes += len(entry.payload)
            self._fresh.pop(key, None)

    def acknowledged(self, ack: Ack, now: float) -> None:
        """Forget what the gateway has, and follow how long it took."""
        self.trusted = True
        self._answered_at = now
        times = [sending.at for key in self._covered(ack) if (sending := self._drop(key)) is not None]
        if times:
            self._reached = max(self._reached, max(times))
            self._follow(len(times), min(times), now)

    def expire(self, now: float) -> None:
        """Let go of what was lost on the way, so that it is sent again.

        An item that something younger has overtaken is lost. One that is only slow is not: while
        acknowledgements come at all, it is waited for, and a slow gateway gets nothing twice.
        """
        while self._sent:
            key, sending = next(iter(self._sent.items()))
            silent = now - self._answered_at >= RESEND_S
            if now - sending.at < RESEND_S or not (silent or sending.at < self._reached):
                return
            self._drop(key)
            self.resent += 1
            self.rewind()
            if silent:
                self._begin_anew()

    def backlog_waits(self, waiting: int) -> bool:
        """Tell whether the outbox holds items that are neither on their way nor about to be."""
        return waiting > len(self._sent) + len(self._fresh)

    def may_send_backlog(self) -> bool:
        """Tell whether another frame of backlog may go: one until the gateway has answered."""
        if not self._sent or not self.trusted:
            return not self._sent
        return len(self._sent) < self.window and self._open_bytes < OPEN_BYTES

    @property
    def wants_rows(self) -> bool:
        """Whether the backlog lane has used up what it has read."""
        return not self._ahead

    def read(self, rows: Sequence[tuple[int, Entry]]) -> None:
        """Take the next rows of the outbox; moves the cursor past them."""
        if rows:
            self.cursor = rows[-1][0]
            self._ahead.extend(entry for _, entry in rows)

    def backlog(self) -> list[Entry]:
        """Choose one frame's worth of what was read; empty when all of that is under way already."""
        chosen: list[Entry] = []
        size = 0
        while self._ahead:
            entry = self._ahead[0]
            if (entry.epoch, entry.seq) not in self._sent and (entry.epoch, entry.seq) not in self._fresh:
                size += _room(entry)
                if chosen and not _fits(chosen, entry, size):
                    break
                chosen.append(entry)
            self._ahead.popleft()
        return chosen

    def rewind(self) -> None:
        """Look through the outbox from its beginning again."""
        self.cursor = 0
        self._ahead.clear()

    def _begin_anew(self) -> None:
        """Trust nobody: one frame, until it is answered."""
        self.rewind()
        self.trusted = False
        self.window = FRAME_RECORDS

    def _drop(self, key: Key) -> Sending | None:
        sending = self._sent.pop(key, None)
        if sending is not None:
            self._open_bytes -= sending.size
        return sending

    def _covered(self, ack: Ack) -> list[Key]:
        """Return at least those under way that an acknowledgement covers, by the cheaper of two ways."""
        ranges = [(1, ack.upto), *ack.also]
        if sum(last - first + 1 for first, last in ranges) <= len(self._sent):
            return [(ack.epoch, seq) for first, last in ranges for seq in range(first, last + 1)]
        return [key for key in self._sent if key[0] == ack.epoch and _within(key[1], ranges)]

    def _follow(self, n: int, oldest: float, now: float) -> None:
        """Widen the window while answers come at once; halve it, once for each that stood in a queue."""
        if now - oldest > ANSWER_S:
            if oldest >= self._narrowed_at:
                self.window = max(FRAME_RECORDS, self.window // 2)
                self._narrowed_at = now
        elif len(self._sent) + n > self.window // 2:  # else the window was not what held it back
            self.window = min(self.window + n, OPEN_ITEMS)


def frames(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut items into frames: one topic each, within the longest frame, order kept."""
    frame: list[Entry] = []
    size = 0
    for entry in entries:
        size += _room(entry)
        if frame and not _fits(frame, entry, size):
            yield frame
            frame, size = [], _room(entry)
        frame.append(entry)
    if frame:
        yield frame


def _room(entry: Entry) -> int:
    """Return what an item takes in a frame: itself, a comma, a checksum of up to ten digits."""
    return len(entry.payload) + 12


def _fits(frame: Sequence[Entry], entry: Entry, size: int) -> bool:
    """Tell whether a frame may take one more item, with which it would be `size` bytes long."""
    return entry.leaf == frame[0].leaf and len(frame) < FRAME_RECORDS and size + 100 <= FRAME_BYTES


def _within(seq: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= seq <= last for first, last in ranges)
