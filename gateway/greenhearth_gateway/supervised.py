"""Threads that are started again after a defect, so that one part cannot end the others."""

import logging
import threading
from collections.abc import Callable

from greenhearth_gateway.problems import Problems

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0


class Supervised:
    """One task in a thread: runs until stopped, and again after any exception."""

    def __init__(self, name: str, run: Callable[[], None], problems: Problems) -> None:
        self.name = name
        self._run, self._problems = run, problems
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._hold, name=name, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; return whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _hold(self) -> None:
        wait = FIRST_WAIT_S
        while not self.stopping.is_set():
            try:
                self._run()
                self._problems.end(self.name)
                return
            except Exception as error:
                log.exception("%s failed", self.name)
                self._problems.begin(self.name, f"{self.name} failed and was started again: {error}")
            self.stopping.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)
