"""The shapes that the page and any other reader of the API get.

Times are Unix nanoseconds where the name ends in `_ns`, milliseconds where it ends in
`_ms`. A number that does not exist is null, never 0.
"""

from typing import Any, Literal

from pydantic import Field

from greenhearth_gateway.web.comparison_types import ComparisonView as ComparisonView
from greenhearth_gateway.web.comparison_types import GradeView as GradeView
from greenhearth_gateway.web.comparison_types import View as View
from greenhearth_gateway.web.count_types import AgentHours as AgentHours
from greenhearth_gateway.web.count_types import BacklogView as BacklogView
from greenhearth_gateway.web.count_types import HourView as HourView
from greenhearth_gateway.web.count_types import QuarantineView as QuarantineView
from greenhearth_gateway.web.count_types import ReconciliationView as ReconciliationView
from greenhearth_gateway.web.twin_types import TwinView as TwinView


class MetricView(View):
    """One metric of a window or of a finished batch."""

    value: float | None
    unit: str
    uncertainty: float | None
    """Expanded (k = 2), in the unit of the value."""


class WindowView(View):
    """Result of one line over one window, as of the line's last record."""

    validity: int
    validity_name: str
    coverage: float
    metrics: dict[str, MetricView]


class FinishedView(View):
    """The last finished batch of a line, or its last finished window where it has no batches."""

    t_ns: int
    what: str
    window: str
    batch: str
    start_ns: int
    end_ns: int
    validity: int
    validity_name: str
    coverage: float
    metrics: dict[str, MetricView]
    factor_set: str
    comparisons: list[ComparisonView] = Field(default=[])
    grades: list[GradeView] = Field(default=[])


class LineEventView(View):
    """Something that happened on a line beside its results: an anode effect, a counter that began anew."""

    t_ns: int
    """When it was over, or told."""
    start_ns: int
    """0 where it has no duration."""
    what: str
    subject: str
    """The series it happened to."""
    detail: str


class LineView(View):
    """One production line, live."""

    line: str
    title: str
    process: str
    product: str
    site: str
    agent: str
    batch_word: str
    phases: list[str]
    phase: int
    """Code into `phases`; -1 where there is none."""
    batch: str
    t_ns: int
    """Time of the line's last record; 0 before the first."""
    age_s: float
    """Age of that record in seconds of a person's life."""
    stale: bool
    factor_set: str
    windows: dict[str, WindowView]
    compared_window: str
    """Which of `windows` the comparisons are of."""
    comparisons: list[ComparisonView]
    grades: list[GradeView] = Field(default=[])
    """Where the line stands on the scales of its process, those that apply first."""
    last_finished: FinishedView | None
    twins: list[TwinView] = Field(default=[])
    """The same product by greener processes, for the line's last batch and hour."""
    why_no_twins: str = ""
    events: list[LineEventView] = Field(default=[])
    """The newest first, 20 at most."""


class AgentView(View):
    """One agent as its status, records and health tell."""

    agent: str
    site: str
    online: bool
    epoch: int
    last_ns: int
    stale: bool


class AlarmView(View):
    """One configured alarm and its state."""

    id: str
    title: str
    line: str
    window: str
    metric: str
    state: Literal["normal", "unack", "ack", "returned_unack"]
    active: bool
    """True for every state but ``normal``."""
    priority: Literal["low", "medium", "high"]
    since_ns: int
    """When this state began; 0 if it never left normal."""
    value: float | None
    limit: float
    unit: str
    cause: str
    consequence: str
    action: str
    respond_within_min: float
    acked_by: str


class AlarmRow(View):
    """One line of the alarm journal: a transition, when, and who."""

    n: int
    id: str
    t_ns: int
    was: str
    state: str
    value: float | None
    who: str
    """Operator for an acknowledgement, ``data`` for what the data did."""


class DeviceView(View):
    """One meter, weigher or PLC."""

    name: str
    agent: str
    bus: str
    state: str
    last_good_ns: int
    requests: int
    errors: dict[str, int]
    rtt_ms: float
    stale: bool


class BusView(View):
    """Load of one bus against its plan."""

    name: str
    agent: str
    endpoint: str
    planned_s: float
    measured_s: float
    scan_interval_s: float
    overruns: int


class Overview(View):
    """Everything the operator's screen shows."""

    now_ns: int
    speed: float
    title: str
    agents: list[AgentView]
    lines: list[LineView]
    alarms: list[AlarmView]
    devices: list[DeviceView]
    buses: list[BusView]
    reconciliation: list[ReconciliationView]
    problems: list[str]


class Beat(View):
    """Heartbeat of the live stream, once a second of the wall."""

    now_ns: int


class Trend(View):
    """One metric of one line and window over the last minutes."""

    line: str
    metric: str
    unit: str
    window: str
    t_ms: list[int]
    value: list[float | None]
    uncertainty: list[float | None]
    validity: list[int]


class SeriesView(View):
    """One series as the last birth named it, and its last reading."""

    name: str
    unit: str
    device: str
    line: str
    agent: str
    t_ns: int
    value: float | None
    quality: int
    quality_name: str
    stale: bool


class History(View):
    """Readings of one series."""

    name: str
    unit: str
    t_ns: list[int]
    value: list[float | None]
    quality: list[int]


class Alarms(View):
    """All alarms and the latest part of their journal, newest first."""

    alarms: list[AlarmView]
    journal: list[AlarmRow]


class AckRequest(View):
    """Who acknowledges an alarm."""

    who: str = Field(min_length=1, max_length=80)


class Health(View):
    """Whether the gateway can do its work."""

    status: Literal["ok", "degraded"]
    problems: list[str]


class BenchmarkView(View):
    """One entry of the benchmark catalogue, as its file has it."""

    id: str
    fields: dict[str, Any]
