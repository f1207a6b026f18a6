"""What a recomputation reads of the journal: finished windows, the readings behind them, and the births."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from greenhearth.factor_sets import FactorInfo
from greenhearth.wire import TWIN, Birth, Event, LineInfo, TwinInfo
from greenhearth_gateway.intake import Source, read_item
from greenhearth_gateway.journal.database import FILE_NAME, JournalError
from greenhearth_gateway.journal.reader import Reader


class _Head(msgspec.Struct):
    """What decides whether a finished window is wanted: quarter hours are 96 of 121."""

    window: str = ""
    start_ns: int = 0


_HEAD = msgspec.json.Decoder(_Head)
_EVENT = msgspec.json.Decoder(Event)


def journal_of(data: Path) -> Reader:
    """Return the journal in a gateway's folder, or the journal file itself; JournalError if there is none."""
    path = data / FILE_NAME if data.is_dir() else data
    if not path.is_file():
        raise JournalError(f"{path}: there is no journal; give the folder of a gateway's data, or the file")
    return Reader(path)


def finished_between(
    reader: Reader, line: str, span: tuple[int, int], windows: Sequence[str]
) -> dict[Source, list[Event]]:
    """Return the finished `windows` that lie within a span [Unix ns], oldest first, by agent."""
    from_ns, to_ns = span
    where = "WHERE line = ? AND what != ? AND end_ns BETWEEN ? AND ? ORDER BY end_ns, id"
    found: dict[Source, list[Event]] = {}
    sql = f"SELECT 0, site, agent, payload, crc FROM finished {where}"
    for one in reader.whole("finished", "events", sql, (line, TWIN, from_ns, to_ns)):
        head = _HEAD.decode(one.payload)
        if head.window in windows and head.start_ns >= from_ns:
            found.setdefault(one.source, []).append(_EVENT.decode(one.payload))
    return found


def record_payloads(reader: Reader, source: Source, from_ns: int, to_ns: int) -> Iterator[bytes]:
    """Yield the records of an agent as they came, in the order of their times."""
    sql = (
        "SELECT id, site, agent, payload, crc FROM items WHERE leaf = 'records' AND site = ? AND agent = ?"
        " AND t_ns BETWEEN ? AND ? ORDER BY t_ns"
    )
    for one in reader.whole("items", "records", sql, (*source, from_ns, to_ns)):
        yield one.payload


def births_of(reader: Reader, source: Source) -> dict[tuple[int, int], Birth]:
    """Return all births of an agent by (epoch, seq)."""
    sql = "SELECT 0, site, agent, payload, crc FROM births WHERE site = ? AND agent = ? ORDER BY epoch, seq"
    items = [read_item(one.payload) for one in reader.whole("births", "birth", sql, source)]
    return {(one.epoch, one.seq): one for one in items if isinstance(one, Birth)}


def told_sets(births: dict[tuple[int, int], Birth], line: str) -> dict[str, dict[str, FactorInfo]]:
    """Return the factors of every set that the births of a line name."""
    lines = (one for birth in births.values() for one in birth.lines if one.name == line)
    return {one.factor_set: one.factors for one in lines if one.factors}


def expanded_set(reader: Reader, name: str) -> tuple[str, dict[str, FactorInfo]] | None:
    """Return a line with the factor set `name`, its own or a green twin's, and the set's factors.

    None where no birth tells them.
    """
    sql = "SELECT 0, site, agent, payload, crc FROM births ORDER BY epoch DESC, seq DESC"
    for row in reader.whole("births", "birth", sql, ()):
        birth = read_item(row.payload)
        for line in birth.lines if isinstance(birth, Birth) else ():
            told: list[LineInfo | TwinInfo] = [line, *line.twins.values()]
            for one in told:
                if one.factor_set == name and one.factors:
                    return line.name, one.factors
    return None
