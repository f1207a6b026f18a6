"""The wire contract between agent and gateway, version 1.

Topics: ``greenhearth/1/{site}/{agent}/birth|records|events|health|status`` (agent to
gateway) and ``.../ack`` (gateway to agent). Everything is JSON that ``mosquitto_sub -v``
can read. `birth`, `records` and `events` carry a :class:`Frame` of items that all draw
(epoch, seq) from one sequence, are journalled by the gateway and acknowledged;
`health` and `status` are live only.

Floats are written so that they read back bit for bit; NaN and infinities do not exist on
the wire: a reading without a value is null, and its quality says why.

Every item of a frame, and every other message, carries a CRC-32 begun with its topic. What
does not fit is neither stored nor acknowledged: whoever sent it sends it again.
"""

from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

from greenhearth.wire_checks import DamagedError as DamagedError
from greenhearth.wire_checks import crcs_of as crcs_of
from greenhearth.wire_checks import refuse_damaged, with_check
from greenhearth.wire_counts import HourRun as HourRun
from greenhearth.wire_health import BusHealth as BusHealth
from greenhearth.wire_health import DeviceHealth as DeviceHealth
from greenhearth.wire_names import LineInfo as LineInfo
from greenhearth.wire_names import SeriesInfo as SeriesInfo
from greenhearth.wire_names import TwinInfo as TwinInfo

VERSION = 1
MAX_FRAME_BYTES = 1 << 20
"""Longest payload either side accepts; a record of 1 000 series takes about 20 kB."""

Lane = Literal["live", "backlog"]

TWIN = "twin"
"""What an event is that tells a green twin's figures for a finished hour or batch."""


class Birth(msgspec.Struct, tag="birth", tag_field="kind", forbid_unknown_fields=True):
    """The names behind the numbers; the first item of every epoch."""

    epoch: int
    seq: int
    t_ns: int
    site: str
    agent: str
    software: str
    series: list[SeriesInfo]
    lines: list[LineInfo]
    windows: list[str]
    """Window names; WindowResult.w counts in this list."""
    metrics: list[str]
    """Metric names; WindowResult.x and .u follow this list."""
    metric_units: list[str]


class Block(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Readings of adjacent series that came in one reply, so at one time."""

    d: int
    """Response time minus the record's t_ns [ns]."""
    i: int
    """Number of the first series."""
    x: list[float | None]
    """Values of series i, i+1, ..."""
    q: list[int] = []
    """Quality codes; empty when all are GOOD."""


class WindowResult(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Intensity of one line over one window, as of the record's t_ns."""

    l: int  # noqa: E741 - one letter on a wire that repeats it every second
    """Number of the line in the birth."""
    w: int
    """Number of the window in the birth."""
    v: int
    """Validity code."""
    c: float
    """Share of the window that its worst required stream covers, 0..1."""
    x: list[float | None]
    """Metric values."""
    u: list[float | None]
    """Expanded uncertainties (k = 2) in the metric's unit."""
    b: str = ""
    """Batch id, where the window is a batch."""
    p: int = -1
    """Phase code, where the line has phases."""


class Record(msgspec.Struct, tag="record", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """One scan: readings and the results they led to."""

    epoch: int
    seq: int
    t_ns: int
    birth: int
    """seq of the birth (of the same epoch) that names the series."""
    blocks: list[Block]
    results: list[WindowResult]
    steps_ns: int = 0
    """Sum of the clock's steps since the epoch began: t_ns - steps_ns is the time that really passed."""
    era: int = 0
    """How often this agent's clock went back: times may repeat, but not within one era."""


class MetricValue(msgspec.Struct, forbid_unknown_fields=True):
    """One metric of a finished batch or window."""

    value: float | None
    unit: str
    uncertainty: float | None


class Event(msgspec.Struct, tag="event", tag_field="kind", forbid_unknown_fields=True):
    """Something that happened once: a batch or window finished, a device fell silent."""

    epoch: int
    seq: int
    t_ns: int
    what: str
    """``batch_finished``, ``window_finished``, ``twin``, ``device_down``, ``counter_reset``..."""
    subject: str
    """The line, device or series it happened to."""
    window: str = ""
    batch: str = ""
    start_ns: int = 0
    end_ns: int = 0
    validity: int = 0
    coverage: float = 0.0
    metrics: dict[str, MetricValue] = {}
    factor_set: str = ""
    detail: str = ""
    era: int | msgspec.UnsetType = msgspec.UNSET
    """As in Record; absent while it is 0."""


Item = Birth | Record | Event


class Frame(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What `birth`, `records` and `events` topics carry."""

    v: int
    agent: str
    lane: Lane
    items: list[Item]
    crcs: list[int] = []
    """CRC-32 of the bytes of each item, begun with the topic; none from an older agent."""


class Ack(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What the gateway has committed of one epoch."""

    v: int
    epoch: int
    upto: int
    """Every seq from 1 to here."""
    also: list[tuple[int, int]] = []
    """And these closed ranges above it (live overtakes backlog)."""
    check: int = 0
    """CRC-32 of the message without this key, begun with the topic; 0 from an older gateway."""


class Health(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Live state of an agent; the counts are over the life of its outbox."""

    v: int
    agent: str
    epoch: int
    t_ns: int
    measured: int
    """Items ever given a sequence number."""
    waiting: int
    """Items not yet acknowledged by the gateway."""
    dropped: int
    """Items given up by policy."""
    readings: int
    """Single readings in all records measured."""
    oldest_waiting_ns: int = 0
    hours_left: float | None = None
    """How long the outbox lasts at this rate if nothing is acknowledged."""
    devices: list[DeviceHealth] = []
    buses: list[BusHealth] = []
    balances: dict[str, float] = {}
    """``line.role`` -> (power integral / counter - 1) over the last hour."""
    problems: list[str] = []
    """Sentences a person can act on."""
    hour: HourRun | None = None
    """The numbers of the running hour, and so of the epoch: its `last` is the newest of all."""
    waiting_ranges: list[tuple[int, int, int]] | None = None
    """(epoch, first, last) of what waits; absent where these are too many to tell."""
    dropped_hours: list[tuple[int, int]] = []
    """(begin of an hour, items of it given up), at most 100 hours."""
    check: int = 0
    """As in Ack."""


class Status(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Retained; the broker publishes the offline form as the agent's will."""

    v: int
    agent: str
    online: bool
    epoch: int
    check: int = 0
    """As in Ack."""


def topic(site: str, agent: str, leaf: str) -> str:
    """Return the topic of `leaf` for one agent."""
    return f"greenhearth/{VERSION}/{site}/{agent}/{leaf}"


def split_topic(text: str) -> tuple[str, str, str]:
    """Return (site, agent, leaf); ValueError if it is not a topic of this version."""
    parts = text.split("/")
    if len(parts) != 5 or parts[:2] != ["greenhearth", str(VERSION)]:
        raise ValueError(f"topic {text!r} is not greenhearth/{VERSION}/site/agent/leaf")
    return parts[2], parts[3], parts[4]


def leaf_of(item: Item) -> str:
    """Return the topic leaf an item travels on."""
    if isinstance(item, Birth):
        return "birth"
    return "records" if isinstance(item, Record) else "events"


_M = TypeVar("_M", Frame, Ack, Health, Status)


def encode(message: msgspec.Struct) -> bytes:
    """Write a message; ValueError if a float has no JSON form."""
    return msgspec.json.encode(message)


def encode_checked(topic: str, message: Ack | Health | Status) -> bytes:
    """Write a message with its checksum for the topic it travels on."""
    return with_check(topic, encode(message))


def frame_payload(topic: str, agent: str, lane: Lane, payloads: Sequence[bytes]) -> bytes:
    """Write a Frame around items that are JSON already, with the checksum of each."""
    head = b'{"v":%d,"agent":"%s","lane":"%s","items":[' % (VERSION, agent.encode(), lane.encode())
    crcs = ",".join(map(str, crcs_of(topic, payloads))).encode()
    return head + b",".join(payloads) + b'],"crcs":[' + crcs + b"]}"


def decode_frame(payload: bytes) -> Frame:
    """Read a frame, whose checksums are not looked at; ValueError (msgspec's) says where it is malformed."""
    return _read(payload, _FRAME)


def decode_ack(payload: bytes, topic: str = "") -> Ack:
    """Read an acknowledgement; ValueError where it is malformed, DamagedError if it does not fit `topic`."""
    return _whole(_read(payload, _ACK), payload, topic)


def decode_health(payload: bytes, topic: str = "") -> Health:
    """Read a health message; errors as for an acknowledgement."""
    return _whole(_read(payload, _HEALTH), payload, topic)


def decode_status(payload: bytes, topic: str = "") -> Status:
    """Read a status message; errors as for an acknowledgement."""
    return _whole(_read(payload, _STATUS), payload, topic)


_FRAME = msgspec.json.Decoder(Frame)
_ACK = msgspec.json.Decoder(Ack)
_HEALTH = msgspec.json.Decoder(Health)
_STATUS = msgspec.json.Decoder(Status)


def _read(payload: bytes, decoder: "msgspec.json.Decoder[_M]") -> _M:
    if len(payload) > MAX_FRAME_BYTES:
        raise ValueError(f"payload of {len(payload)} bytes is over {MAX_FRAME_BYTES}")
    message = decoder.decode(payload)
    if message.v != VERSION:
        raise ValueError(f"version {message.v} is not {VERSION}")
    return message


_C = TypeVar("_C", Ack, Health, Status)


def _whole(message: _C, payload: bytes, topic: str) -> _C:
    if topic:
        refuse_damaged(topic, payload, message.check)
    return message
