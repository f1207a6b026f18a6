"""Whether what looks like a row of the journal is one: by its checksum, an old one by its payload; pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from greenhearth.wire import Birth, Item, Record
from greenhearth_gateway.alarms.state import AlarmState
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.checks import columns_crc, is_whole, item_crc, payload_crc
from greenhearth_gateway.journal.ledger import seqs_of
from greenhearth_gateway.journal.rows import Row

LEAVES = ("birth", "records", "events")


class _Head(msgspec.Struct):
    """What every item says of itself; the rest is skipped while reading."""

    kind: str
    epoch: int
    seq: int
    t_ns: int
    birth: int = 0


_HEAD = msgspec.json.Decoder(_Head)
_ITEM: "msgspec.json.Decoder[Item]" = msgspec.json.Decoder(Item)
_STATE = msgspec.json.Decoder(AlarmState)
_KINDS = {"birth": "birth", "record": "records", "event": "events"}


def is_proved(row: Row) -> bool:
    """Tell whether a row is as the gateway wrote it."""
    try:
        return _PROOFS[row.table](row.rowid, *row.values)
    except (ValueError, RecursionError, TypeError, OverflowError):
        return False


def _item(rowid: int, _null: None, *columns: Any) -> bool:
    site, agent, epoch, seq, t_ns, leaf, payload, crc = columns
    if not is_whole(crc, item_crc(Source(site, agent), leaf, payload, rowid)):
        return False
    head = _HEAD.decode(payload) if crc is not None else _decoded(payload)
    return rowid > 0 and (epoch, seq, t_ns, leaf) == (head.epoch, head.seq, head.t_ns, _KINDS[head.kind])


def _decoded(payload: bytes) -> _Head:
    """Read all of a payload that no checksum proves."""
    _ITEM.decode(payload)
    return _HEAD.decode(payload)


def _orphan(_rowid: int, *columns: Any) -> bool:
    site, agent, epoch, seq, birth, payload, crc = columns
    head = _decoded(payload)
    fits = (epoch, seq, birth) == (head.epoch, head.seq, head.birth) and head.kind == "record"
    return fits and is_whole(crc, payload_crc(Source(site, agent), "records", payload))


def _birth(_rowid: int, *columns: Any) -> bool:
    site, agent, epoch, seq, payload, crc = columns
    birth = _ITEM.decode(payload)
    if not isinstance(birth, Birth):
        return False
    fits = (birth.site, birth.agent, birth.epoch, birth.seq) == (site, agent, epoch, seq)
    return fits and is_whole(crc, payload_crc(Source(site, agent), "birth", payload))


def _finished(_rowid: int, _null: None, *columns: Any) -> bool:
    site, agent, line, what, end_ns, payload, crc = columns
    event = _ITEM.decode(payload)
    if isinstance(event, Birth | Record):
        return False
    fits = (event.subject, event.what, event.end_ns) == (line, what, end_ns)
    return fits and is_whole(crc, payload_crc(Source(site, agent), "events", payload))


def _watermark(_rowid: int, *columns: Any) -> bool:
    *rest, crc = columns
    seqs_of(rest[3]), seqs_of(rest[4])
    return _whole("watermark", rest, crc)


def _counts(_rowid: int, *columns: Any) -> bool:
    *rest, crc = columns
    seqs_of(rest[6]), seqs_of(rest[7])
    return all(int(n or 0) >= 0 for n in rest[2:6]) and _whole("counts", rest, crc)


def _alarm_state(_rowid: int, alarm_id: str, state: str, crc: int | None) -> bool:
    _STATE.decode(state)
    return is_whole(crc, columns_crc("alarm_state", alarm_id, state))


def _alarm_journal(_rowid: int, _null: None, *columns: Any) -> bool:
    *rest, crc = columns
    rest[4] = None if rest[4] is None else float(rest[4])
    return rest[3] in ("normal", "unack", "ack", "returned_unack") and _whole("alarm_journal", rest, crc)


def _quarantine(_rowid: int, _null: None, *columns: Any) -> bool:
    *rest, times, crc = columns
    return isinstance(times, int) and times > 0 and len(rest[7]) == 32 and _whole("quarantine", rest, crc)


def _cursor(_rowid: int, name: str, item_id: int, crc: int | None) -> bool:
    return name != "items" and item_id >= 0 and is_whole(crc, columns_crc("cursors", name, item_id))


def _hour_run(_rowid: int, *columns: Any) -> bool:
    *rest, crc = columns
    return crc is not None and _whole("hour_runs", rest, crc)


def _whole(table: str, columns: list[Any], crc: int | None) -> bool:
    return crc is None or crc == columns_crc(table, *columns)


_PROOFS: dict[str, Callable[..., bool]] = {
    "items": _item,
    "orphans": _orphan,
    "births": _birth,
    "watermark": _watermark,
    "counts": _counts,
    "finished": _finished,
    "alarm_state": _alarm_state,
    "alarm_journal": _alarm_journal,
    "quarantine": _quarantine,
    "cursors": _cursor,
    "hour_runs": _hour_run,
}
