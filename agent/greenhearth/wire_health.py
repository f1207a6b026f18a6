"""What a health message says of each meter and each bus."""

import msgspec


class DeviceHealth(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """State of one meter, weigher or PLC as its bus saw it."""

    name: str
    bus: str
    state: str
    """``ok``, ``degraded`` (some blocks fail), ``down``, ``unread``."""
    last_good_ns: int = 0
    requests: int = 0
    errors: dict[str, int] = {}
    """Quality name -> count."""
    rtt_ms: float = 0.0
    """Median response time of the last 64 requests."""


class BusHealth(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Load of one bus against its plan."""

    name: str
    endpoint: str
    planned_s: float
    measured_s: float
    scan_interval_s: float
    overruns: int = 0
    """Scans that were skipped because the one before had not ended."""
