"""How a device is doing, and when to ask it again. Pure; times are monotonic seconds."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import median

from greenhearth.quality import EXCEPTION_BASE, Quality, quality_name

SILENT_SCANS = 3
"""After so many scans without any answer a device counts as down."""
FIRST_PROBE_S = 2.0
LONGEST_PROBE_S = 300.0


class Change(Enum):
    """What a scan changed about a device."""

    NONE = "none"
    DOWN = "down"
    UP = "up"


def answered(quality: int) -> bool:
    """Tell whether the device itself replied: with data, or with an exception."""
    return quality in (Quality.GOOD, Quality.BUSY) or quality > EXCEPTION_BASE


@dataclass
class DeviceWatch:
    """One device: its counts, its state, its next turn."""

    name: str
    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    last_good_ns: int = 0
    down: bool = False
    worst: int = 0
    """Quality of the newest block that failed in the last scan, 0: none did."""
    _read: bool = False
    _silent: int = 0
    _probe_at: float = 0.0
    _probe_wait: float = FIRST_PROBE_S
    _rtts: deque[float] = field(default_factory=lambda: deque(maxlen=64))

    def due(self, now: float) -> bool:
        """Tell whether the device has a turn in this scan; one that is down is only probed."""
        return not self.down or now >= self._probe_at

    @property
    def doubtful(self) -> bool:
        """Whether the last scan heard nothing: such a device is read after the others."""
        return self._silent > 0

    def replied(self, quality: int, t_ns: int, rtt_s: float) -> None:
        """Count one request."""
        self.requests += quality != Quality.NO_LINK
        if quality == Quality.GOOD:
            self.last_good_ns = t_ns
        else:
            self.errors[quality_name(quality)] += 1
        if answered(quality):
            self._rtts.append(rtt_s)

    def scanned(self, qualities: Sequence[int], now: float) -> Change:
        """Take the result of a scan's requests to this device; tell what changed."""
        self._read = True
        self.worst = next((q for q in reversed(qualities) if q != Quality.GOOD), 0)
        if any(answered(q) for q in qualities):
            return self._spoke()
        self._silent += 1
        if self.worst == Quality.NO_LINK:
            self._probe_at, self._probe_wait = now, FIRST_PROBE_S  # its turn as soon as the bus is back
        elif self.down:
            self._probe_wait = min(2 * self._probe_wait, LONGEST_PROBE_S)
            self._probe_at = now + self._probe_wait
        else:
            self._probe_at = now + self._probe_wait
        if self.down or self._silent < SILENT_SCANS:
            return Change.NONE
        self.down = True
        return Change.DOWN

    def _spoke(self) -> Change:
        was_down, self.down = self.down, False
        self._silent, self._probe_wait = 0, FIRST_PROBE_S
        return Change.UP if was_down else Change.NONE

    @property
    def state(self) -> str:
        """``ok``, ``degraded``, ``down`` or ``unread``, as in wire.DeviceHealth."""
        if self.down:
            return "down"
        if not self._read:
            return "unread"
        return "degraded" if self.worst else "ok"

    @property
    def rtt_ms(self) -> float:
        """Median response time of the last 64 answers [ms]."""
        return median(self._rtts) * 1000.0 if self._rtts else 0.0
