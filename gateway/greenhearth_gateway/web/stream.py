"""The live stream: the newest overview to every open page, and a heartbeat.

Each page has a mailbox with room for one overview and one beat; a slow page gets the latest
and misses what was in between, it never holds the others up.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

SHORTEST_S = 0.1
"""Between two overviews: at most ten a second, more than an eye can follow."""

BEAT_S = 1.0
MOST_PAGES = 64
"""Open pages at a time; one more is refused with 503."""


@dataclass(slots=True, eq=False)
class _Mailbox:
    letters: dict[str, bytes] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, event: str, letter: bytes) -> None:
        self.letters[event] = letter
        self.news.set()


class Stream:
    """Builds events once and hands them to all pages."""

    def __init__(self, overview: Callable[[], bytes], beat: Callable[[], bytes]) -> None:
        self._overview, self._beat = overview, beat
        self._pages: set[_Mailbox] = set()
        self._dirty = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_full(self) -> bool:
        """Whether one more page would be too many."""
        return len(self._pages) >= MOST_PAGES

    def poke(self) -> None:
        """Something has changed; may be called from any thread, before and after the loop runs."""
        loop = self._loop
        if loop is not None and not self._dirty.is_set():
            try:
                loop.call_soon_threadsafe(self._dirty.set)
            except RuntimeError:
                self._loop = None  # the loop has been closed: nobody listens any more

    async def run(self) -> None:
        """Push until cancelled: on every change, and at least once a second so that age shows."""
        self._loop = asyncio.get_running_loop()
        next_beat = time.monotonic()
        last_push = next_beat - BEAT_S
        while not self._closed:
            changed = await self._wait_until(min(next_beat, last_push + BEAT_S))
            now = time.monotonic()
            if now >= next_beat:
                self._send("beat", self._beat)
                next_beat += BEAT_S
            if changed or now - last_push >= BEAT_S:
                await asyncio.sleep(max(0.0, last_push + SHORTEST_S - now))
                self._dirty.clear()
                last_push = time.monotonic()
                self._send("overview", self._overview)

    async def events(self) -> AsyncIterator[bytes]:
        """Yield server-sent events for one page, beginning with the overview of now."""
        mailbox = _Mailbox({"overview": _event("overview", self._overview())})
        mailbox.news.set()
        self._pages.add(mailbox)
        try:
            while not self._closed:
                await mailbox.news.wait()
                mailbox.news.clear()
                letters, mailbox.letters = mailbox.letters, {}
                for letter in letters.values():
                    yield letter
        finally:
            self._pages.discard(mailbox)

    def close(self) -> None:
        """End all streams; called in the loop."""
        self._closed = True
        self._dirty.set()
        for page in self._pages:
            page.news.set()

    async def _wait_until(self, deadline: float) -> bool:
        try:
            await asyncio.wait_for(self._dirty.wait(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return False
        return True

    def _send(self, event: str, build: Callable[[], bytes]) -> None:
        if self._pages:
            letter = _event(event, build())
            for page in self._pages:
                page.put(event, letter)


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
