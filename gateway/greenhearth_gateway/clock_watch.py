"""The gateway's own clock: steps are seen, followed and told; what was stepped deletes nothing."""

import threading
import time
from datetime import UTC, datetime

from greenhearth.clock import NS, Clock
from greenhearth_gateway.problems import Problems

LOOK_S = 0.5
TOLD_S = 600.0
DISTRUST_S = 86_400.0
"""For so long after a step the clock decides about no deletion."""


class ClockWatch:
    """Looks at the wall's clock twice a second."""

    def __init__(self, clock: Clock, problems: Problems) -> None:
        self.clock = clock
        self._problems = problems
        self._stepped_at: float | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Watch until told to stop."""
        while not self._stopping.wait(LOOK_S):
            self.look()

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    def look(self) -> None:
        """Follow a step, and state or take back the problem."""
        step_ns = self.clock.step_ns()
        if step_ns:
            self.clock.follow(step_ns)
            self._stepped_at = time.monotonic()
            self._problems.begin(
                "clock stepped",
                f"The clock of the gateway's machine was stepped by {step_ns / NS:+.1f} s. Values and their "
                "age are not touched; nothing is deleted from the journal for a day.",
            )
        elif self._stepped_at is not None and time.monotonic() - self._stepped_at > TOLD_S:
            self._problems.end("clock stepped")
        if self.clock.set:
            self._problems.end("clock not set")
        else:
            shown = datetime.fromtimestamp(self.clock.now_ns() / NS, UTC)
            self._problems.begin(
                "clock not set",
                f"The clock of the gateway's machine shows {shown:%Y-%m-%d}: nobody has set it. Set it, or "
                "see that NTP reaches its server; nothing is deleted from the journal meanwhile.",
            )

    def trusted(self) -> bool:
        """Tell whether the clock may decide what is old enough to be deleted."""
        stepped = self._stepped_at is not None and time.monotonic() - self._stepped_at < DISTRUST_S
        return self.clock.set and not stepped
