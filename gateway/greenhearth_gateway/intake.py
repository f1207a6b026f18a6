"""Open what arrived, item by item: a malformed item is refused alone, the others go on.

Before anything else its checksum is looked at: what was damaged on the way is left out and
counted, but not kept and not acknowledged, for its numbers mean nothing and it comes again.
Pure: bytes in, items and refusals out. Nothing here raises for bad data.
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from greenhearth.wire import (
    MAX_FRAME_BYTES,
    VERSION,
    Birth,
    Block,
    DamagedError,
    Event,
    Item,
    Lane,
    Record,
    WindowResult,
    crcs_of,
    split_topic,
)

FRAME_LEAVES = ("birth", "records", "events")
LIVE_LEAVES = ("health", "status")
MAX_INT = (1 << 63) - 1
"""Largest integer the journal can hold; epochs, sequence numbers and times must fit."""


class Source(NamedTuple):
    """Who measured: an agent of a site."""

    site: str
    agent: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """One MQTT message as it came."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """An item and the very bytes it came as."""

    item: Item
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that cannot be stored as data, and why."""

    source: Source
    reason: str
    topic: str
    payload: bytes
    epoch: int = 0
    seq: int = 0
    """0 where the place in the sequence could not be read; such a refusal is not acknowledged."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an arrival held."""

    source: Source
    topic: str
    lane: Lane
    items: list[Parsed]
    refusals: list[Refusal]
    damaged: int = 0
    """Items whose checksum does not fit, or 1 for a whole message that cannot be taken apart."""


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    agent: str
    lane: Lane
    items: list[msgspec.Raw]
    crcs: list[int] | msgspec.UnsetType = msgspec.UNSET


class _Place(msgspec.Struct):
    epoch: int
    seq: int


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ITEM: "msgspec.json.Decoder[Item]" = msgspec.json.Decoder(Item)
_PLACE = msgspec.json.Decoder(_Place)
_CRCS = b'"crcs":['
"""Stands in every frame of an agent that checks, and nowhere else: inside a string it would be escaped."""


def open_arrival(arrival: Arrival) -> Opened:
    """Split a message into items and refusals."""
    source = _source_of(arrival.topic)
    try:
        envelope = _read_envelope(arrival, source)
        whole = _undamaged(envelope, arrival.topic)
    except DamagedError:
        return Opened(source, arrival.topic, "backlog", [], [], damaged=1)
    except (ValueError, RecursionError) as error:
        refusal = Refusal(source, str(error), arrival.topic, arrival.payload)
        return Opened(source, arrival.topic, "backlog", [], [refusal])
    opened = Opened(source, arrival.topic, envelope.lane, [], [], len(envelope.items) - len(whole))
    for payload in whole:
        _open_item(opened, payload)
    return opened


def read_item(payload: bytes) -> Item:
    """Read one item as the journal keeps it; ValueError says where it is malformed."""
    return _ITEM.decode(payload)


def misfit(record: Record, birth: Birth) -> str:
    """Say how a record contradicts its birth, or '' when it fits."""
    for block in record.blocks:
        why = _block_misfit(block, len(birth.series))
        if why:
            return why
    for result in record.results:
        why = _result_misfit(result, birth)
        if why:
            return why
    return ""


def _source_of(topic: str) -> Source:
    try:
        site, agent, _ = split_topic(topic)
    except ValueError:
        return Source("", "")
    return Source(site, agent)


def _read_envelope(arrival: Arrival, source: Source) -> _Envelope:
    site, agent, leaf = split_topic(arrival.topic)
    if not site or not agent or leaf not in FRAME_LEAVES:
        raise ValueError(f"nothing is expected on the topic {arrival.topic!r}")
    if len(arrival.payload) > MAX_FRAME_BYTES:
        raise ValueError(f"payload of {len(arrival.payload)} bytes is over {MAX_FRAME_BYTES}")
    envelope = _decode_envelope(arrival.payload)
    if envelope.v != VERSION:
        raise ValueError(f"version {envelope.v} is not {VERSION}")
    if envelope.agent != source.agent:
        raise ValueError(f"the payload says agent {envelope.agent!r}, the topic {source.agent!r}")
    return envelope


def _decode_envelope(payload: bytes) -> _Envelope:
    """Take a frame apart; one that is malformed although its sender checks was damaged on the way."""
    try:
        return _ENVELOPE.decode(payload)
    except (ValueError, RecursionError) as error:
        if _CRCS in payload:
            raise DamagedError(str(error)) from error
        raise


def _undamaged(envelope: _Envelope, topic: str) -> list[bytes]:
    """Return the items whose checksums fit, all from an older agent; DamagedError if some are not there."""
    payloads = [bytes(raw) for raw in envelope.items]
    if envelope.crcs is msgspec.UNSET:
        return payloads
    if len(envelope.crcs) != len(payloads):
        raise DamagedError(f"{len(payloads)} items but {len(envelope.crcs)} checksums")
    fits = zip(payloads, envelope.crcs, crcs_of(topic, payloads), strict=True)
    return [payload for payload, told, found in fits if told == found]


def _open_item(opened: Opened, payload: bytes) -> None:
    try:
        item = _ITEM.decode(payload)
    except (ValueError, RecursionError) as error:
        opened.refusals.append(_refusal(opened, str(error), payload))
        return
    why = _unstorable(item, opened.source)
    if why:
        opened.refusals.append(_refusal(opened, why, payload))
    else:
        opened.items.append(Parsed(item, payload))


def _refusal(opened: Opened, reason: str, payload: bytes) -> Refusal:
    epoch, seq = _place(payload)
    return Refusal(opened.source, reason, opened.topic, payload, epoch, seq)


def _place(payload: bytes) -> tuple[int, int]:
    """Return (epoch, seq) where a faulty item still states them, else (0, 0)."""
    try:
        place = _PLACE.decode(payload)
    except (ValueError, RecursionError):
        return 0, 0
    if 0 < place.epoch <= MAX_INT and 0 < place.seq <= MAX_INT:
        return place.epoch, place.seq
    return 0, 0


def _unstorable(item: Item, source: Source) -> str:
    for name in ("epoch", "seq", "t_ns"):
        if not 0 < getattr(item, name) <= MAX_INT:
            return f"{name} {getattr(item, name)} is not in 1..2^63-1"
    if isinstance(item, Birth):
        return _birth_fault(item, source)
    if isinstance(item, Event):
        times = (item.start_ns, item.end_ns)
        return "" if all(0 <= t <= MAX_INT for t in times) else "start_ns or end_ns is not in 0..2^63-1"
    return ""


def _birth_fault(birth: Birth, source: Source) -> str:
    if (birth.site, birth.agent) != source:
        return f"the birth says {birth.site}/{birth.agent}, the topic {source.site}/{source.agent}"
    if len(birth.metrics) != len(birth.metric_units):
        return f"{len(birth.metrics)} metrics but {len(birth.metric_units)} units"
    return ""


def _block_misfit(block: Block, n_series: int) -> str:
    if block.i < 0 or block.i + len(block.x) > n_series:
        return f"block of series {block.i}..{block.i + len(block.x) - 1}; the birth names {n_series}"
    if len(block.q) not in (0, len(block.x)):
        return f"{len(block.x)} values but {len(block.q)} qualities"
    if not -MAX_INT // 4 < block.d < MAX_INT // 4:
        return f"response time {block.d} ns from the record's time"
    fits = not block.q or (min(block.q) >= 0 and max(block.q) <= 255)
    return "" if fits else "a quality outside 0..255"


def _result_misfit(result: WindowResult, birth: Birth) -> str:
    if not 0 <= result.l < len(birth.lines):
        return f"result of line {result.l}; the birth names {len(birth.lines)}"
    if not 0 <= result.w < len(birth.windows):
        return f"result of window {result.w}; the birth names {len(birth.windows)}"
    if not len(result.x) == len(result.u) == len(birth.metrics):
        return f"{len(result.x)} values and {len(result.u)} uncertainties for {len(birth.metrics)} metrics"
    return ""
