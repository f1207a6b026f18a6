"""How old what is shown is, whatever the clocks of gateway and agents say.

Age counts from the arrival of a live record by the monotonic clock, so that a stepped or wrong
clock on either side makes nothing stale and nothing live. A record that was held up on its way
is as old as it is later than the least late record of the last minutes.
"""

from dataclasses import dataclass, field

SPAN_NS = 300 * 1_000_000_000
"""The least lateness is that of this span and the one before: two clocks drift apart by some 10 ms in it."""


@dataclass(slots=True)
class Lateness:
    """How late the live records of one agent come."""

    epoch: int = 0
    _least: int = 0
    _least_before: int = 0
    _since: int = 0

    def moment(self, epoch: int, passed_ns: int, now_ns: int) -> int:
        """Return the monotonic time [ns] that a record speaks of.

        `passed_ns` is its time without the steps of the agent's clock, `now_ns` the monotonic time now.
        """
        late = now_ns - passed_ns
        if epoch != self.epoch:
            self.epoch, self._least, self._least_before, self._since = epoch, late, late, now_ns
        if now_ns - self._since > SPAN_NS:
            self._least_before, self._least, self._since = self._least, late, now_ns
        self._least = min(self._least, late)
        return now_ns - (late - min(self._least, self._least_before))


@dataclass(frozen=True, slots=True)
class Told:
    """Where a state comes from: what is newer replaces it, by its place in the sequence and not by time."""

    place: tuple[int, int] = (0, 0)
    """(epoch, seq) of the record."""
    moment_ns: int = field(default=0, compare=False)
    """Monotonic time of what it says; 0: it did not come live."""


NOTHING = Told()
"""Nothing was told yet."""
