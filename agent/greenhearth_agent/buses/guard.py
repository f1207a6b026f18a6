"""What may leave for a device, and whether its answer is the answer to what was asked. Pure.

The Modbus library below accepts a late reply, a reply with transaction id 0 and a reply
with fewer registers than were asked for. Here a reply counts only if every field and the
exact length match the one open request.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, NamedTuple

from greenhearth.quality import Quality, exception_quality

READ_FUNCTIONS: Final = frozenset({1, 2, 3, 4})
"""Read coils, discrete inputs, holding and input registers. Nothing else may leave."""


class Framing(Enum):
    """How a request is wrapped."""

    MBAP = "mbap"
    RTU = "rtu"


class ForbiddenFunctionError(Exception):
    """Something tried to send a request that is not a plain read."""


@dataclass(frozen=True, slots=True)
class Request:
    """One read."""

    unit: int
    function: int
    address: int
    count: int


class Expected(NamedTuple):
    """The open request, and how its answer must be wrapped."""

    request: Request
    framing: Framing
    tid: int = 0
    tid_zero: bool = False
    """Whether the device may answer with transaction id 0."""


class Verdict(NamedTuple):
    """What the bytes heard so far are."""

    done: bool
    """False: the answer may still become complete."""
    quality: int = 0
    data: bytes = b""
    """Register or bit bytes of a good answer."""


MORE = Verdict(False)
MALFORMED = Verdict(True, int(Quality.MALFORMED))


def egress(packet: bytes, framing: Framing) -> bytes:
    """Return `packet` if it is a plain read (function 1 to 4); raise ForbiddenFunctionError if not."""
    at = 7 if framing is Framing.MBAP else 1
    if len(packet) <= at or packet[at] not in READ_FUNCTIONS:
        function = packet[at] if len(packet) > at else None
        raise ForbiddenFunctionError(f"function {function} is not a read and was not sent")
    return packet


def data_bytes(request: Request) -> int:
    """Return how many data bytes the answer to a request must bring."""
    return (request.count + 7) // 8 if request.function <= 2 else 2 * request.count


def inspect(expected: Expected, heard: bytes) -> Verdict:
    """Judge all bytes heard since the request went out."""
    if expected.framing is Framing.MBAP:
        return _inspect_mbap(expected, heard)
    return _inspect_rtu(expected.request, heard)


def _inspect_mbap(expected: Expected, heard: bytes) -> Verdict:
    if len(heard) < 7:
        return MORE
    tid, protocol, length = (int.from_bytes(heard[i : i + 2], "big") for i in (0, 2, 4))
    known = tid == expected.tid or (expected.tid_zero and tid == 0)
    if not known or protocol != 0 or length not in (3, 3 + data_bytes(expected.request)):
        return MALFORMED
    if len(heard) < 6 + length:
        return MORE
    return _inspect_pdu(expected.request, heard[6:], length)


def _inspect_rtu(request: Request, heard: bytes) -> Verdict:
    if len(heard) < 2:
        return MORE if not heard or heard[0] == request.unit else MALFORMED
    length = 3 if heard[1] & 0x80 else 3 + data_bytes(request)
    if heard[0] != request.unit or heard[1] & 0x7F != request.function:
        return MALFORMED
    if length > 3 and len(heard) > 2 and heard[2] != data_bytes(request):
        return MALFORMED
    if len(heard) < length + 2:
        return MORE
    if crc16(heard[: length + 2]) != 0:
        return Verdict(True, int(Quality.CRC))
    return _inspect_pdu(request, heard[:-2], length) if len(heard) == length + 2 else MALFORMED


def _inspect_pdu(request: Request, heard: bytes, length: int) -> Verdict:
    """Judge unit, function, byte count and data, which must be `length` bytes exactly."""
    if len(heard) != length or heard[0] != request.unit:
        return MALFORMED
    if heard[1] == request.function | 0x80 and length == 3 and heard[2] != 0:
        return Verdict(True, exception_quality(heard[2]))
    wanted = data_bytes(request)
    if heard[1] != request.function or heard[2] != wanted or length != 3 + wanted:
        return MALFORMED
    return Verdict(True, int(Quality.GOOD), heard[3:])


def sync_probe(request: Request, under_way: Collection[int]) -> Request:
    """Return a read whose good answer cannot be mistaken for one that is still under way.

    A serial line carries no transaction id, so after a timeout the next answer of that
    device is only believed if its data length is none of those `under_way` [bytes].
    """
    step = 8 if request.function <= 2 else 1
    shorter = range(request.count - step, 0, -step)
    longer = range(request.count + step, request.count + (len(under_way) + 2) * step, step)
    probes = (replace(request, count=count) for count in (*shorter, *longer))
    return next(probe for probe in probes if data_bytes(probe) not in under_way)


def crc16(data: bytes) -> int:
    """Return the Modbus CRC-16; over a frame with its CRC appended it is 0."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_entry(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ 0xA001 if index & 1 else index >> 1
    return index


_CRC_TABLE = tuple(_crc_entry(index) for index in range(256))
