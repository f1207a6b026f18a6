"""Journal items as InfluxDB line protocol; pure.

One line per device and response time with a float field per series, one line per production
line and window with a float field per metric. Tags never change between a send and a resend
(site, agent, device, line, window); everything that may is a field. Field types never change:
values are floats, codes are integers, batch ids are strings. Times are Unix ns.
"""

from greenhearth.wire import TWIN, Birth, Block, Event, Record, WindowResult
from greenhearth_gateway.intake import Source

READINGS, INTENSITY, FINISHED, EVENTS = "readings", "intensity", "finished", "events"


def record_lines(source: Source, record: Record, birth: Birth) -> list[bytes]:
    """Return the lines of a record: readings by device and time, then results."""
    head = _tags(source)
    groups: dict[tuple[str, int], list[str]] = {}
    for block in record.blocks:
        _add_block(groups, block, record.t_ns, birth)
    lines = [
        f"{READINGS}{head},device={tag(device)} {','.join(fields)} {t_ns}"
        for (device, t_ns), fields in groups.items()
        if fields
    ]
    for result in record.results:
        place = f"{head},line={tag(birth.lines[result.l].name)},window={tag(birth.windows[result.w])}"
        lines.append(f"{INTENSITY}{place} {','.join(_result_fields(result, birth))} {record.t_ns}")
    return [line.encode() for line in lines]


def event_lines(source: Source, event: Event) -> list[bytes]:
    """Return the line of an event: figures at the end of a batch or window, text otherwise.

    A green twin's figures have a measurement of their own: with the line's tags and time they would
    replace the line's.
    """
    head = _tags(source)
    if event.metrics:
        place = f"{head},line={tag(event.subject)},window={tag(event.window or 'batch')}"
        name = FINISHED
        if event.what == TWIN:
            name, place = TWIN, f"{place},twin={tag(event.detail)}"
        fields = [f"validity={event.validity}i", f"coverage={event.coverage!r}", f"start={event.start_ns}i"]
        if event.batch:
            fields.append(f"batch={text(event.batch)}")
        for metric, one in event.metrics.items():
            fields += _number(metric, one.value) + _number(f"u_{metric}", one.uncertainty)
        return [f"{name}{place} {','.join(fields)} {event.end_ns or event.t_ns}".encode()]
    place = f"{head},subject={tag(event.subject)}"
    fields = [f"what={text(event.what)}", f"detail={text(event.detail)}", f"seq={event.seq}i"]
    return [f"{EVENTS}{place} {','.join(fields)} {event.t_ns}".encode()]


def tag(value: str) -> str:
    """Escape a tag value or a field key; line breaks cannot be written and become blanks."""
    plain = value.replace("\n", " ").replace("\r", " ").replace("\\", "/")
    return plain.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ") or "-"


def text(value: str) -> str:
    """Quote a string field."""
    plain = value.replace("\n", " ").replace("\r", " ")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tags(source: Source) -> str:
    return f",site={tag(source.site)},agent={tag(source.agent)}"


def _add_block(groups: dict[tuple[str, int], list[str]], block: Block, t_ns: int, birth: Birth) -> None:
    for k, value in enumerate(block.x):
        info = birth.series[block.i + k]
        fields = groups.setdefault((info.device, t_ns + block.d), [])
        fields += _number(info.name, value)
        if block.q and block.q[k]:
            fields.append(f"q_{tag(info.name)}={block.q[k]}i")


def _result_fields(result: WindowResult, birth: Birth) -> list[str]:
    fields = [f"validity={result.v}i", f"coverage={result.c!r}"]
    if result.b:
        fields.append(f"batch={text(result.b)}")
    if result.p >= 0:
        fields.append(f"phase={result.p}i")
    for name, value, doubt in zip(birth.metrics, result.x, result.u, strict=True):
        fields += _number(name, value) + _number(f"u_{name}", doubt)
    return fields


def _number(name: str, value: float | None) -> list[str]:
    return [] if value is None else [f"{tag(name)}={float(value)!r}"]
