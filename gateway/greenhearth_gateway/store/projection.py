"""Carry the journal into a time series server, in order, with a cursor of its own.

Nothing here can lose data: the cursor moves only after the server has taken a batch, and a
batch that is sent twice overwrites itself. A line that the server refuses is found by
halving the batch, quarantined with the server's reason, and the rest goes on.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Protocol

from greenhearth.mqtt import BackOff
from greenhearth.wire import Birth, Event, Record
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Refusal, Source
from greenhearth_gateway.journal.reader import Reader, StoredItem
from greenhearth_gateway.journal.transaction import Entry, SaveCursor
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.store.lines import event_lines, record_lines

BATCH_ITEMS = 500
"""Items per batch: about 5 000 lines of the demonstration works, 1 MB."""

IDLE_S = 2.0
REJECTED = (400, 413, 422)
"""Statuses by which a server refuses the data itself; everything else is tried again."""

BIRTHS_KEPT = 64


class WriteFailedError(Exception):
    """A write that the server did not take."""

    def __init__(self, status: int, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{reason} (HTTP {status})" if status else reason)
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s


class Target(Protocol):
    """A server that takes line protocol."""

    @property
    def where(self) -> str:
        """Address, for people."""

    def write(self, body: bytes) -> None:
        """Write lines; WriteFailedError says why the server did not take them."""


def deliver(lines: list[bytes], write: Callable[[bytes], None]) -> list[tuple[bytes, str]]:
    """Write lines and return those that the server refuses, each with its reason.

    Halves a refused batch until single lines remain; WriteFailedError for any other failure.
    """
    if not lines:
        return []
    try:
        write(b"\n".join(lines))
    except WriteFailedError as error:
        if error.status not in REJECTED:
            raise
        if len(lines) == 1:
            return [(lines[0], str(error))]
        middle = len(lines) // 2
        return deliver(lines[:middle], write) + deliver(lines[middle:], write)
    return []


class Projection:
    """One server's view of the journal."""

    def __init__(
        self, name: str, target: Target, reader: Reader, inbox: Inbox[Entry], problems: Problems
    ) -> None:
        self.name = name
        self._target, self._reader, self._inbox, self._problems = target, reader, inbox, problems
        self.stopping = threading.Event()
        self._news = threading.Event()
        self._back_off = BackOff(0.2, 30.0)
        self._births: dict[tuple[Source, int, int], Birth | None] = {}
        self.refused = 0

    def wake(self) -> None:
        """There is something new in the journal."""
        self._news.set()

    def stop(self) -> None:
        """End after the batch in hand."""
        self.stopping.set()
        self._news.set()

    def run(self) -> None:
        """Carry on from the saved cursor until stopped."""
        cursor = self._reader.cursor(self.name)
        while not self.stopping.is_set():
            self._news.clear()
            items = self._reader.items_after(cursor, BATCH_ITEMS)
            if not items:
                self._news.wait(IDLE_S)
                continue
            refused = self._send([line for item in items for line in self._lines(item)])
            if refused is not None and self._save(items[-1].id, refused):
                cursor = items[-1].id

    def _lines(self, stored: StoredItem) -> list[bytes]:
        item = stored.item
        if isinstance(item, Event):
            return event_lines(stored.source, item)
        if isinstance(item, Record):
            birth = self._birth(stored.source, item)
            return record_lines(stored.source, item, birth) if birth else []
        return []

    def _birth(self, source: Source, record: Record) -> Birth | None:
        key = (source, record.epoch, record.birth)
        if key not in self._births:
            if len(self._births) >= BIRTHS_KEPT:
                self._births.clear()
            self._births[key] = self._reader.birth(*key)
        return self._births[key]

    def _send(self, lines: list[bytes]) -> list[tuple[bytes, str]] | None:
        """Deliver, however often the server fails; None when stopped before it succeeded."""
        while not self.stopping.is_set():
            try:
                refused = deliver(lines, self._target.write)
            except WriteFailedError as error:
                self._tell_away(error)
                wait = self._back_off.next_s()
                self.stopping.wait(max(wait, error.retry_after_s or 0.0))
            else:
                self._back_off.reset()
                self._problems.end(self.name)
                return refused
        return None

    def _save(self, item_id: int, refused: list[tuple[bytes, str]]) -> bool:
        """Have the cursor saved by the writer; False when stopped before that was done."""
        self.refused += len(refused)
        if refused:
            self._problems.begin(
                f"{self.name} refused",
                f"{self._target.where} refused {self.refused} line(s); they are in quarantine. The last: "
                f"{refused[-1][1]}",
            )
        rows = tuple(Refusal(Source("", ""), why, self.name, line) for line, why in refused)
        request = SaveCursor(self.name, item_id, rows)
        while not self._inbox.put(request, wait_s=1.0):
            if self.stopping.is_set():
                return False
        return _is_done(request.done, self.stopping)

    def _tell_away(self, error: WriteFailedError) -> None:
        self._problems.begin(
            self.name,
            f"{self._target.where} does not take data: {error}. Nothing is lost; it is sent when the server "
            "takes it again.",
        )


def _is_done(done: "Future[None]", stopping: threading.Event) -> bool:
    while True:
        try:
            done.result(0.5)
        except NotYetError:
            if stopping.is_set():
                return False
        else:
            return True
