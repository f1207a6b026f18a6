"""Asks a running gateway what its page shows."""

import time
import urllib.request
from collections.abc import Callable

from pydantic import TypeAdapter

from greenhearth_cli.complaints import PlainError
from greenhearth_gateway.web.types import Alarms, FinishedView, Overview

FINISHED = TypeAdapter(list[FinishedView])
LIMIT = 50
"""Finished results that are looked at: enough for a heat, during which a dozen windows may end."""
TIMEOUT_S = 5.0
POLL_S = 0.1


class Page:
    """The API behind the page at one address, e.g. ``http://127.0.0.1:8080``."""

    def __init__(self, address: str) -> None:
        self.address = address

    def overview(self) -> Overview:
        """Return everything the operator's screen shows; OSError when nobody answers."""
        return Overview.model_validate_json(self._get("/api/v1/overview"))

    def alarms(self) -> Alarms:
        """Return all alarms and the latest part of their journal."""
        return Alarms.model_validate_json(self._get("/api/v1/alarms"))

    def finished(self, line: str) -> list[FinishedView]:
        """Return the last finished batches and windows of a line, newest first."""
        return FINISHED.validate_json(self._get(f"/api/v1/lines/{line}/batches?limit={LIMIT}"))

    def wait_for_lines(self, within_s: float, check: Callable[[], None]) -> None:
        """Wait until the page shows data of at least one line; `check` may raise meanwhile."""
        deadline = time.monotonic() + within_s
        while not self._shows_lines():
            check()
            if time.monotonic() > deadline:
                raise PlainError(f"the page at {self.address} showed no line within {within_s:.0f} s")
            time.sleep(POLL_S)

    def _shows_lines(self) -> bool:
        try:
            return any(line.t_ns for line in self.overview().lines)
        except OSError:
            return False

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=TIMEOUT_S) as reply:
            found: bytes = reply.read()
            return found
