"""Lines on their way to a server: what is sent together, split or refused; pure but for the given write.

A server that refuses some lines of a batch names none, one, or a few of them. The batch is
therefore halved until the refused ones are found, within a number of requests. Two things
keep that number small: lines of one series stay together, so that a series that is refused
as a whole is found as a whole, and a server that says that it dropped *all* lines of a part is
not asked about each. A server that refuses everything, even a line that is surely sound, is away.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

REJECTED = (400, 413, 422)
"""Statuses by which a server refuses the data itself; everything else is tried again.

A 500 is never taken for a refusal, however often it comes: a server with a full disk answers so to a
large body and still takes a small one.
"""

TOO_LARGE = 413

MOST_REQUESTS = 1000
"""For one batch. One bad line in 5 000 takes 28, all lines of one device of ten take 43."""

LINES_AT_ONCE = 5000
"""About 1 MB."""

CHECK = b'events,site=-,agent=-,subject=gateway,kind=check what="check",detail="is data taken?",seq=0i'
"""A line that is surely sound, without a time: the server's own."""

_DROPPED = re.compile(r"partial write: .*\bdropped=(\d+)", re.DOTALL)

Refused = tuple[bytes, str]
"""A line and the server's reason."""


class WriteFailedError(Exception):
    """A write that the server did not take; `slow` when it did not end in time."""

    def __init__(
        self, status: int, reason: str, retry_after_s: float | None = None, slow: bool = False
    ) -> None:
        super().__init__(f"{reason} (HTTP {status})" if status else reason)
        self.status, self.reason, self.retry_after_s, self.slow = status, reason, retry_after_s, slow

    @property
    def dropped(self) -> int:
        """How many lines the server says it dropped while it stored the others; 0 if it says nothing."""
        said = _DROPPED.search(self.reason)
        return int(said.group(1)) if said else 0


@dataclass(slots=True)
class Pace:
    """How many lines a server takes at once without being slow; learnt, kept from batch to batch."""

    lines: int = LINES_AT_ONCE

    def was_slow(self, lines: int) -> None:
        """Send half as many from now on."""
        self.lines = max(1, lines // 2)

    def was_taken(self) -> None:
        """Carefully try more again."""
        self.lines = min(LINES_AT_ONCE, self.lines + self.lines // 8 + 1)


@dataclass(slots=True)
class Delivery:
    """One batch of lines; knows what is still to be sent when an attempt ends early."""

    lines: list[bytes]
    write: Callable[[bytes], None]
    pace: Pace = field(default_factory=Pace)
    refused: list[Refused] = field(default_factory=list)
    requests: int = 0
    _parts: list[list[bytes]] = field(default_factory=list)
    _checked: bool = False

    def __post_init__(self) -> None:
        if self.lines:
            self._parts = [self.lines]

    def run(self) -> None:
        """Send what is still to be sent; WriteFailedError when the server is away, then call again later."""
        while self._parts:
            part = self._next()
            try:
                self._ask(b"\n".join(part))
            except WriteFailedError as error:
                self._meet(error, part)
            else:
                self._parts.pop()
                self.pace.was_taken()

    def _next(self) -> list[bytes]:
        """Return the part to be sent now, cut to what the server takes at once; it stays on the list."""
        part = self._parts[-1]
        if len(part) > self.pace.lines:
            self._parts[-1:] = [part[self.pace.lines :], part[: self.pace.lines]]
        return self._parts[-1]

    def _meet(self, error: WriteFailedError, part: list[bytes]) -> None:
        """Decide what a failed part becomes; raises the error again where the server is at fault."""
        if error.slow:
            self.pace.was_slow(len(part))
        if error.status not in REJECTED:
            raise error
        if error.status == TOO_LARGE and len(part) > 1:
            self._halve(part)
        elif error.dropped >= len(part):
            self._refuse(part, str(error))
        else:
            self._check(error)
            self._search(part, str(error))

    def _search(self, part: list[bytes], reason: str) -> None:
        if len(part) == 1:
            self._refuse(part, reason)
        elif self.requests >= MOST_REQUESTS:
            self._refuse(part, f"{reason}; one of {len(part)} lines, not looked for any further")
        else:
            self._halve(sorted(part))

    def _halve(self, part: list[bytes]) -> None:
        middle = len(part) // 2
        self._parts[-1:] = [part[middle:], part[:middle]]

    def _refuse(self, part: list[bytes], reason: str) -> None:
        self.refused += [(line, reason) for line in part]
        self._parts.pop()

    def _check(self, refusal: WriteFailedError) -> None:
        """Ask once per batch whether the server takes anything at all; raises `refusal` if it does not."""
        if self._checked or refusal.dropped:
            return
        try:
            self._ask(CHECK)
        except WriteFailedError as error:
            if not error.dropped:
                raise WriteFailedError(
                    error.status, f"it refuses everything: {error.reason}", error.retry_after_s
                ) from refusal
        self._checked = True

    def _ask(self, body: bytes) -> None:
        self.requests += 1
        self.write(body)
