"""Journal items as InfluxDB line protocol; pure.

One line per device and response time with a float field per series, one line per production
line and window with a float field per metric. Tags never change between a send and a resend
(site, agent, device, line, window, kind); everything that may is a field. The type of a field
is decided by its name alone: validity, coverage, phase, start, seq and q_... are what they are
here, every other number is a float with a point or an exponent. Times are Unix ns.

No two different items have the same measurement, tags and time, because the server would keep
the later one only, without a word. What cannot be a line is a fault, with its reason.
"""

import math
from dataclasses import dataclass, field

from greenhearth.wire import TWIN, Birth, Block, Event, Record, WindowResult
from greenhearth_gateway.intake import Source
from greenhearth_gateway.store.names import key, tag, text

READINGS, INTENSITY, FINISHED, EVENTS = "readings", "intensity", "finished", "events"

FIRST_NS, LAST_NS = -(2**63) + 2, 2**63 - 2
"""Times that InfluxDB can hold."""

LAST_INT = 2**63 - 1

APART = 1_000_000
"""Events of one moment are put up to 1 ms apart by their sequence number, so that all are kept."""

_RESULT_FIELDS = frozenset({"validity", "coverage", "batch", "phase", "start"})


@dataclass(slots=True)
class Lines:
    """What an item becomes: lines, and what cannot be one, each with its reason."""

    lines: list[bytes] = field(default_factory=list)
    faults: list[tuple[bytes, str]] = field(default_factory=list)

    def add(self, place: str, fields: "_Fields", t_ns: int) -> None:
        """Take a line in; one without fields is none."""
        for fault in fields.faults:
            self.faults.append((_line(place, fault, t_ns), f"{fault}: not a number that can be stored"))
        if not fields.texts:
            return
        line = _line(place, ",".join(fields.texts.values()), t_ns)
        if FIRST_NS <= t_ns <= LAST_NS:
            self.lines.append(line)
        else:
            self.faults.append((line, f"the time {t_ns} ns cannot be stored"))


class _Fields:
    """Fields of one line by key, and those that have no form or come twice."""

    __slots__ = ("faults", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.faults: list[str] = []

    def put(self, name: str, value: str, sound: bool = True) -> None:
        one = f"{name}={value}"
        if sound and name not in self.texts:
            self.texts[name] = one
        else:
            self.faults.append(one)

    def number(self, name: str, value: float | None) -> None:
        """Put a float; None is no field."""
        if value is not None:
            self.put(name, repr(float(value)), math.isfinite(value))

    def integer(self, name: str, value: int) -> None:
        """Put an integer."""
        self.put(name, f"{value}i", abs(value) <= LAST_INT)


def record_lines(source: Source, record: Record, birth: Birth) -> Lines:
    """Return the lines of a record: readings by device and time, then results."""
    head = _head(source, record.era)
    groups: dict[tuple[str, int], _Fields] = {}
    for block in record.blocks:
        _add_block(groups, block, record.t_ns, birth)
    found = Lines()
    for (device, t_ns), fields in groups.items():
        found.add(f"{READINGS}{head},device={tag(device)}", fields, t_ns)
    for result in record.results:
        place = f"{head},line={tag(birth.lines[result.l].name)},window={tag(birth.windows[result.w])}"
        found.add(f"{INTENSITY}{place}", _result_fields(result, birth), record.t_ns)
    return found


def event_lines(source: Source, event: Event) -> Lines:
    """Return the line of an event: figures at the end of a batch or window, text otherwise.

    A green twin's figures have a measurement of their own: with the line's tags and time they would
    replace the line's.
    """
    found = Lines()
    if event.metrics:
        name, place = _place_of_figures(event)
        found.add(
            f"{name}{_head(source, event.era or 0)}{place}", _figures(event), event.end_ns or event.t_ns
        )
        return found
    fields = _Fields()
    fields.put("what", text(event.what))
    fields.put("detail", text(event.detail))
    fields.integer("seq", event.seq)
    place = f"{_head(source, event.era or 0)},subject={tag(event.subject)},kind={tag(event.what)}"
    found.add(f"{EVENTS}{place}", fields, event.t_ns + event.seq % APART)
    return found


def _line(place: str, fields: str, t_ns: int) -> bytes:
    """Join a line; a half of a character pair, which no text should hold, becomes a question mark."""
    return f"{place} {fields} {t_ns}".encode("utf-8", "replace")


def _head(source: Source, era: int) -> str:
    """Return the tags of every line; an era after the first has one, as its times may repeat."""
    again = f",era={era}" if era else ""
    return f",site={tag(source.site)},agent={tag(source.agent)}{again}"


def _add_block(groups: dict[tuple[str, int], _Fields], block: Block, t_ns: int, birth: Birth) -> None:
    for k, value in enumerate(block.x):
        info = birth.series[block.i + k]
        place = (info.device, t_ns + block.d)
        fields = groups.get(place) or groups.setdefault(place, _Fields())
        name = key(info.name, prefix="q_")
        fields.number(name, value)
        if block.q and block.q[k]:
            fields.integer(f"q_{name}", block.q[k])


def _result_fields(result: WindowResult, birth: Birth) -> _Fields:
    fields = _Fields()
    fields.integer("validity", result.v)
    fields.number("coverage", result.c)
    if result.b:
        fields.put("batch", text(result.b))
    if result.p >= 0:
        fields.integer("phase", result.p)
    for metric, value, doubt in zip(birth.metrics, result.x, result.u, strict=True):
        _put_metric(fields, metric, value, doubt)
    return fields


def _put_metric(fields: _Fields, metric: str, value: float | None, doubt: float | None) -> None:
    name = key(metric, _RESULT_FIELDS, "u_")
    fields.number(name, value)
    fields.number(f"u_{name}", doubt)


def _place_of_figures(event: Event) -> tuple[str, str]:
    """Return the measurement and the tags of figures; a kind that is new here gets a tag of its own."""
    window = event.window or "batch"
    place = f",line={tag(event.subject)},window={tag(window)}"
    if event.what == TWIN:
        return TWIN, f"{place},twin={tag(event.detail)}"
    if event.what == ("batch_finished" if window == "batch" else "window_finished"):
        return FINISHED, place
    return FINISHED, f"{place},kind={tag(event.what)}"


def _figures(event: Event) -> _Fields:
    fields = _Fields()
    fields.integer("validity", event.validity)
    fields.number("coverage", event.coverage)
    fields.integer("start", event.start_ns)
    if event.batch:
        fields.put("batch", text(event.batch))
    for metric, one in event.metrics.items():
        _put_metric(fields, metric, one.value, one.uncertainty)
    return fields
