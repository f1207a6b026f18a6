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
_ROWS = 2048
"""Payloads fetched at a time: some 6 MB."""


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
    with reader.connection() as db:
        rows = db.execute(f"SELECT site, agent, payload FROM finished {where}", (line, TWIN, from_ns, to_ns))
        for site, agent, payload in rows:
            head = _HEAD.decode(payload)
            if head.window in windows and head.start_ns >= from_ns:
                found.setdefault(Source(site, agent), []).append(_EVENT.decode(payload))
    return found


def record_payloads(reader: Reader, source: Source, from_ns: int, to_ns: int) -> Iterator[bytes]:
    """Yield the records of an agent as they came, in the order of their times."""
    sql = (
        "SELECT payload FROM items WHERE leaf = 'records' AND site = ? AND agent = ?"
        " AND t_ns BETWEEN ? AND ? ORDER BY t_ns"
    )
    with reader.connection() as db:
        cursor = db.execute(sql, (*source, from_ns, to_ns))
        while rows := cursor.fetchmany(_ROWS):
            for (payload,) in rows:
                yield payload


def births_of(reader: Reader, source: Source) -> dict[tuple[int, int], Birth]:
    """Return all births of an agent by (epoch, seq)."""
    sql = "SELECT payload FROM births WHERE site = ? AND agent = ? ORDER BY epoch, seq"
    with reader.connection() as db:
        items = [read_item(payload) for (payload,) in db.execute(sql, source)]
    return {(one.epoch, one.seq): one for one in items if isinstance(one, Birth)}


def told_sets(births: dict[tuple[int, int], Birth], line: str) -> dict[str, dict[str, FactorInfo]]:
    """Return the factors of every set that the births of a line name."""
    lines = (one for birth in births.values() for one in birth.lines if one.name == line)
    return {one.factor_set: one.factors for one in lines if one.factors}


def expanded_set(reader: Reader, name: str) -> tuple[str, dict[str, FactorInfo]] | None:
    """Return a line with the factor set `name`, its own or a green twin's, and the set's factors.

    None where no birth tells them.
    """
    with reader.connection() as db:
        for (payload,) in db.execute("SELECT payload FROM births ORDER BY epoch DESC, seq DESC"):
            birth = read_item(payload)
            for line in birth.lines if isinstance(birth, Birth) else ():
                told: list[LineInfo | TwinInfo] = [line, *line.twins.values()]
                for one in told:
                    if one.factor_set == name and one.factors:
                        return line.name, one.factors
    return None
