"""The shapes of what the gateway remembers: a line, a series, an agent."""

from dataclasses import dataclass, field

from greenhearth.quality import Quality
from greenhearth.wire import Event, Health, LineInfo, MetricValue, SeriesInfo
from greenhearth_gateway.intake import Source
from greenhearth_gateway.line_events import LineEvents
from greenhearth_gateway.twin_ledger import TwinLedger


@dataclass(frozen=True, slots=True)
class WindowState:
    """Result of one window as its last record had it."""

    validity: int
    coverage: float
    metrics: dict[str, MetricValue]


@dataclass(slots=True)
class LineState:
    """One production line."""

    info: LineInfo
    source: Source
    t_ns: int = 0
    phase: int = -1
    batch: str = ""
    windows: dict[str, WindowState] = field(default_factory=dict)
    finished: Event | None = None
    twins: TwinLedger = field(default_factory=TwinLedger)
    events: LineEvents = field(default_factory=LineEvents)


@dataclass(slots=True)
class SeriesState:
    """One series and its last reading."""

    info: SeriesInfo
    source: Source
    t_ns: int = 0
    value: float | None = None
    quality: int = Quality.NOT_READ


@dataclass(slots=True)
class AgentState:
    """One agent."""

    source: Source
    online: bool = False
    epoch: int = 0
    birth: tuple[int, int] = (0, 0)
    metrics: list[str] = field(default_factory=list)
    """What its results tell, by name; a metric that no line of its site has is not among them."""
    last_ns: int = 0
    health: Health | None = None
    taken_at_health: int = 0
    """Items taken from this agent when the health message came."""

    @property
    def scan_s(self) -> float:
        """Longest scan interval of the agent's buses [s of data time]."""
        buses = self.health.buses if self.health else []
        return max((bus.scan_interval_s for bus in buses), default=1.0)


@dataclass(slots=True)
class Refused:
    """Messages of one agent that could not be read."""

    times: int
    reason: str
    last_monotonic: float
