"""Carry the journal into a time series server, in order, with a cursor of its own.

Nothing here can lose data: the cursor moves only after the server has taken a batch, and a
batch that is sent twice overwrites itself. What the server refuses is quarantined with its
reason, and the rest goes on. The projection has its own thread and reads the journal through its own
connections: a slow or dead server holds up nobody.
"""

import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Protocol

from greenhearth import failpoints
from greenhearth.mqtt import BackOff
from greenhearth.wire import Birth, Event, Record, encode
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Refusal, Source
from greenhearth_gateway.journal.reader import Reader, StoredItem
from greenhearth_gateway.journal.transaction import Entry, SaveCursor
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.store.delivery import LINES_AT_ONCE, Delivery, Pace, Refused, WriteFailedError
from greenhearth_gateway.store.lines import Lines, event_lines, record_lines

ITEMS_AT_ONCE = 50
"""Read in one go; an item has at most 1 MB, one of 100 series 4 kB."""

BATCH_BYTES = 1 << 20
"""Lines are gathered up to this size; with one more read of items that is what a batch takes in memory."""

IDLE_S = 2.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 30.0
LONGEST_RETRY_AFTER_S = 3600.0
"""A server that asks for more patience than this is asked again every hour."""

BIRTHS_KEPT = 64


class Target(Protocol):
    """A server that takes line protocol."""

    @property
    def where(self) -> str:
        """Address, for people."""

    def write(self, body: bytes) -> None:
        """Write lines; WriteFailedError says why the server did not take them."""


class Projection:
    """One server's view of the journal."""

    def __init__(
        self, name: str, target: Target, reader: Reader, inbox: Inbox[Entry], problems: Problems
    ) -> None:
        self.name = name
        self._target, self._reader, self._inbox, self._problems = target, reader, inbox, problems
        self.stopping = threading.Event()
        self.back_off = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self.refused = 0
        self._news = threading.Event()
        self._births: dict[tuple[Source, int, int], Birth | None] = {}
        self._pace = Pace()
        self._away_since = 0.0
        """Wall time [s] of the first failure in a row; 0: the server takes data."""

    def wake(self) -> None:
        """There is something new in the journal."""
        self._news.set()

    def stop(self) -> None:
        """End after the request in hand."""
        self.stopping.set()
        self._news.set()

    def run(self) -> None:
        """Carry on from the saved cursor until stopped."""
        cursor = self._reader.cursor(self.name)
        while not self.stopping.is_set():
            self._news.clear()
            upto, lines = self._gather(cursor)
            if upto == cursor:
                self._news.wait(IDLE_S)
                continue
            refused = self._send(lines.lines)
            if refused is not None and self._save(upto, lines.faults + refused):
                cursor = upto

    def _gather(self, cursor: int) -> tuple[int, Lines]:
        """Return the lines of the items after `cursor`, as many as make a batch, and the last item's id."""
        found, upto, size = Lines(), cursor, 0
        while size < BATCH_BYTES and len(found.lines) < LINES_AT_ONCE:
            items = self._reader.items_after(upto, ITEMS_AT_ONCE)
            for stored in items:
                new = self._lines_of(stored)
                found.lines += new.lines
                found.faults += new.faults
                size += sum(map(len, new.lines))
                upto = stored.id
            if len(items) < ITEMS_AT_ONCE:
                break
        return upto, found

    def _lines_of(self, stored: StoredItem) -> Lines:
        """Return an item's lines; one that has none, against all checks at the door, holds nobody up."""
        try:
            return self._lines(stored)
        except (LookupError, ValueError) as error:
            why = f"item {stored.id} of the journal cannot be written as lines ({error})"
            return Lines(faults=[(encode(stored.item), why)])

    def _lines(self, stored: StoredItem) -> Lines:
        item = stored.item
        if isinstance(item, Event):
            return event_lines(stored.source, item)
        birth = self._birth(stored.source, item) if isinstance(item, Record) else None
        return record_lines(stored.source, item, birth) if birth and isinstance(item, Record) else Lines()

    def _birth(self, source: Source, record: Record) -> Birth | None:
        key = (source, record.epoch, record.birth)
        if key not in self._births:
            if len(self._births) >= BIRTHS_KEPT:
                self._births.clear()
            self._births[key] = self._reader.birth(*key)
        return self._births[key]

    def _send(self, lines: list[bytes]) -> list[Refused] | None:
        """Deliver, however often the server fails; None when stopped before it succeeded."""
        delivery = Delivery(lines, self._target.write, self._pace)
        while not self.stopping.is_set():
            try:
                delivery.run()
            except WriteFailedError as error:
                self._wait_for(error)
            else:
                failpoints.reached("projection.after_write")
                self.back_off.reset()
                self._away_since = 0.0
                self._problems.end(self.name)
                return delivery.refused
        return None

    def _wait_for(self, error: WriteFailedError) -> None:
        """Say that the server is away, and wait: a jittered back-off, and never less than it asks for."""
        now = time.time()
        self._away_since = self._away_since or now
        asked = min(error.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
        wait = self.back_off.next_s()
        wait = asked + wait if asked else wait
        self._problems.begin(
            self.name,
            f"{self._target.where} has taken no data since {_clock(self._away_since)}: {error}. Nothing is "
            f"lost; it is asked again at {_clock(now + wait)} and gets everything when it takes data again.",
        )
        self.stopping.wait(wait)

    def _save(self, item_id: int, refused: list[Refused]) -> bool:
        """Have the cursor saved by the writer; False when stopped before that was done."""
        failpoints.reached("projection.before_cursor")
        if refused:
            self._tell_refused(refused)
        rows = tuple(Refusal(Source("", ""), why, self.name, line) for line, why in refused)
        request = SaveCursor(self.name, item_id, rows)
        while not self._inbox.put(request, wait_s=1.0):
            if self.stopping.is_set():
                return False
        return _is_done(request.done, self.stopping)

    def _tell_refused(self, refused: list[Refused]) -> None:
        self.refused += len(refused)
        self._problems.begin(
            f"{self.name} refused",
            f"{self._target.where} refused {self.refused} line(s) since the start; they are in quarantine "
            f"and stay in the journal. The last: {refused[-1][1]}",
        )


def _clock(wall_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall_s))


def _is_done(done: "Future[None]", stopping: threading.Event) -> bool:
    while True:
        try:
            done.result(0.5)
        except NotYetError:
            if stopping.is_set():
                return False
        else:
            return True


__all__ = ["Projection", "Target", "WriteFailedError"]
