"""The shapes of what the gateway remembers: a line, a series, an agent."""

from dataclasses import dataclass, field

from greenhearth.quality import Quality
from greenhearth.wire import Event, Health, LineInfo, MetricValue, SeriesInfo
from greenhearth_gateway.backlog import Backlog
from greenhearth_gateway.freshness import NOTHING, Lateness, Told
from greenhearth_gateway.hours import HourCount
from greenhearth_gateway.intake import Source
from greenhearth_gateway.line_events import LineEvents
from greenhearth_gateway.reconcile import Reconciliation
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
    told: Told = NOTHING
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
    told: Told = NOTHING
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
    told: Told = NOTHING
    lateness: Lateness = field(default_factory=Lateness)
    health: Health | None = None
    taken_at_health: int = 0
    """Items taken from this agent when the health message came."""
    heard: int = 0
    """Health messages."""
    off_since: float | None = None
    """Since when its count has not closed [monotonic s]."""
    hours: list[HourCount] = field(default_factory=list)
    hours_at: tuple[int, int] = (-1, 0)
    """Items taken, and health messages heard, when `hours` were counted."""
    backlog: Backlog = field(default_factory=Backlog)

    def judge(self, count: Reconciliation | None, now: float) -> None:
        """Note since when the count has not closed; what is missing does not come back by itself."""
        if count is None or count.closes:
            self.off_since = None
        elif self.off_since is None:
            self.off_since = now

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
