"""Which items travel next: live before backlog, and again what was not acknowledged. Pure.

Times are monotonic seconds that the caller passes in.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from greenhearth.wire import VERSION, Ack, Lane
from greenhearth_agent.items import Entry

FRAME_BYTES = 256 << 10
FRAME_RECORDS = 200
RESEND_S = 5.0
"""After this time without the gateway's acknowledgement an item is sent again."""
OPEN_ITEMS = 4000
"""Sent and not acknowledged; the backlog lane waits above this."""
FRESH_ITEMS = 200
"""Live items that wait for the broker; older ones take the backlog lane."""

Key = tuple[int, int]


class Lanes:
    """What is on its way, and what may go next."""

    def __init__(self) -> None:
        self.trusted = False
        """Whether the gateway has acknowledged something since the last silence."""
        self.cursor = 0
        """Id in the outbox up to which the backlog lane has come."""
        self._fresh: deque[Entry] = deque(maxlen=FRESH_ITEMS)
        self._sent: dict[Key, float] = {}

    def add_fresh(self, entries: Iterable[Entry]) -> None:
        """Take items that were just made."""
        self._fresh.extend(entries)

    def connected(self) -> None:
        """Start anew after a connection: only the newest record is still live."""
        newest = next((e for e in reversed(self._fresh) if e.leaf == "records"), None)
        self._fresh.clear()
        if newest is not None:
            self._fresh.append(newest)
        self._sent.clear()
        self.cursor = 0
        self.trusted = False

    def fresh(self) -> list[Entry]:
        """Return the items of the live lane, in order."""
        return list(self._fresh)

    def sent(self, entries: Iterable[Entry], now: float) -> None:
        """Note that items were handed to the broker."""
        gone = {(e.epoch, e.seq) for e in entries}
        for key in gone:
            self._sent.pop(key, None)  # so that the newest sending is the last in order
            self._sent[key] = now
        self._fresh = deque((e for e in self._fresh if (e.epoch, e.seq) not in gone), FRESH_ITEMS)

    def acknowledged(self, ack: Ack) -> None:
        """Forget what the gateway has."""
        ranges = [(1, ack.upto), *ack.also]
        for key in [k for k in self._sent if k[0] == ack.epoch and _within(k[1], ranges)]:
            del self._sent[key]
        self.trusted = True

    def expire(self, now: float) -> None:
        """Let go of what has waited too long for an acknowledgement, so that it is sent again."""
        while self._sent:
            key, at = next(iter(self._sent.items()))
            if now - at < RESEND_S:
                return
            del self._sent[key]
            self.cursor = 0
            self.trusted = False

    def backlog_waits(self, waiting: int) -> bool:
        """Tell whether the outbox holds items that are neither on their way nor about to be."""
        return waiting > len(self._sent) + len(self._fresh)

    def may_send_backlog(self) -> bool:
        """Tell whether another frame of backlog may go: one until the gateway has answered."""
        return len(self._sent) < OPEN_ITEMS if self.trusted else not self._sent

    def backlog(self, rows: Sequence[tuple[int, Entry]]) -> list[Entry]:
        """Choose from the next rows of the outbox one frame's worth; moves the cursor past it."""
        busy = self._sent.keys() | {(e.epoch, e.seq) for e in self._fresh}
        chosen: list[Entry] = []
        for number, entry in rows:
            if (entry.epoch, entry.seq) not in busy:
                if chosen and (chosen[0].leaf != entry.leaf or not _fits(chosen, entry)):
                    break
                chosen.append(entry)
            self.cursor = number
        return chosen

    def rewind(self) -> None:
        """Look through the outbox from its beginning again."""
        self.cursor = 0


def frames(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut items into frames: one topic each, within the longest frame, order kept."""
    frame: list[Entry] = []
    for entry in entries:
        if frame and (frame[0].leaf != entry.leaf or not _fits(frame, entry)):
            yield frame
            frame = []
        frame.append(entry)
    if frame:
        yield frame


def frame_payload(agent: str, lane: Lane, entries: Sequence[Entry]) -> bytes:
    """Write a wire.Frame around items that are JSON already."""
    head = b'{"v":%d,"agent":"%s","lane":"%s","items":[' % (VERSION, agent.encode(), lane.encode())
    return head + b",".join(e.payload for e in entries) + b"]}"


def _fits(frame: Sequence[Entry], entry: Entry) -> bool:
    size = sum(len(e.payload) + 1 for e in frame) + len(entry.payload) + 100
    return size <= FRAME_BYTES and len(frame) < FRAME_RECORDS


def _within(seq: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= seq <= last for first, last in ranges)
