"""How an entry of the outbox lies in a segment file; pure.

An entry is a head of 56 bytes and a body, each with a CRC-32. The head also says where it was
written (segment and place in it), so a block that was copied elsewhere is no second entry. No
text contains the magic (0xF5 and 0xFE do not exist in UTF-8): after damage it leads to the next.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from greenhearth_agent.items import Entry

VERSION = 1
PREAMBLE_START = b"greenhearth outbox "
PREAMBLE = PREAMBLE_START + b"%d\n" % VERSION
MAGIC = b"\xf5gh\xfe"
LEAVES = ("birth", "records", "events")
ITEM, ACKNOWLEDGED, GIVEN_UP, SNAPSHOT, BOOKS, CHECKPOINT, FOOTER = range(1, 8)

_HEAD = struct.Struct("<4sBBHIIIIIQQq")
_CRC = struct.Struct("<I")
HEAD_BYTES = _HEAD.size + _CRC.size

Key = tuple[int, int]
"""Epoch and sequence number; items are written in this order."""


class Piece(NamedTuple):
    """The head of an entry that was found whole."""

    kind: int
    leaf: int
    length: int
    """Of the body [bytes]."""
    at: int
    """Where it was written."""
    offset: int
    """Where it is."""
    readings: int
    epoch: int
    seq: int
    t_ns: int

    @property
    def key(self) -> Key:
        """The item, or the last item that a snapshot covers."""
        return self.epoch, self.seq

    @property
    def end(self) -> int:
        """First byte after it."""
        return self.offset + HEAD_BYTES + self.length


@dataclass
class Block:
    """Entries that are written together, from place `at` of a segment on."""

    segment: int
    at: int
    parts: list[bytes] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    """The items and snapshots among them."""

    def item(self, entry: Entry) -> Piece:
        """Append an item."""
        leaf = LEAVES.index(entry.leaf)
        return self._append(ITEM, entry.payload, entry.epoch, entry.seq, entry.t_ns, leaf, entry.readings)

    def snapshot(self, key: Key, state: bytes) -> Piece:
        """Append a state that contains every item up to `key`."""
        return self._append(SNAPSHOT, state, *key)

    def note(self, kind: int, body: bytes) -> None:
        """Append one of the other kinds."""
        self._append(kind, body)

    def copy(self, piece: Piece, body: bytes) -> None:
        """Append an entry that was read elsewhere."""
        self._append(piece.kind, body, piece.epoch, piece.seq, piece.t_ns, piece.leaf, piece.readings)

    def _append(
        self, kind: int, body: bytes, epoch: int = 0, seq: int = 0, t_ns: int = 0, leaf: int = 0, n: int = 0
    ) -> Piece:
        at, length = self.at, len(body)
        crc = zlib.crc32(body)
        head = _HEAD.pack(MAGIC, kind, leaf, 0, self.segment, at, length, n, crc, epoch, seq, t_ns)
        self.parts += (head + _CRC.pack(zlib.crc32(head)), body)
        self.at = at + HEAD_BYTES + length
        piece = Piece(kind, leaf, length, at, at, n, epoch, seq, t_ns)
        if kind in (ITEM, SNAPSHOT):
            self.pieces.append(piece)
        return piece


def parse(data: bytes, at: int, segment: int, shift: int = 0) -> Piece | None:
    """Return the entry at `at` of `data` if it is whole; `data` begins at place `shift` of the file."""
    if at + HEAD_BYTES > len(data):
        return None
    magic, kind, leaf, _, number, place, length, n, crc, epoch, seq, t_ns = _HEAD.unpack_from(data, at)
    (head_crc,) = _CRC.unpack_from(data, at + _HEAD.size)
    view = memoryview(data)
    if magic != MAGIC or number != segment or zlib.crc32(view[at : at + _HEAD.size]) != head_crc:
        return None
    body = view[at + HEAD_BYTES : at + HEAD_BYTES + length]
    if len(body) < length or zlib.crc32(body) != crc:
        return None
    return Piece(kind, leaf, length, place, at + shift, n, epoch, seq, t_ns)


def survey(data: bytes, segment: int) -> list[Piece]:
    """Return every whole entry of a segment once, in the order in which they were written.

    A copy elsewhere in the file counts only where the original is gone.
    """
    found: dict[int, Piece] = {}
    at = data.find(MAGIC)
    while at >= 0:
        piece = parse(data, at, segment)
        if piece is not None and (piece.at not in found or piece.at == piece.offset):
            found[piece.at] = piece
        at = data.find(MAGIC, piece.end if piece is not None else at + 1)
    return [found[place] for place in sorted(found)]


def body_of(data: bytes, piece: Piece) -> bytes:
    """Return the body of an entry of `data`."""
    return data[piece.offset + HEAD_BYTES : piece.end]


def end_of(pieces: Iterable[Piece]) -> int:
    """Return the first byte after the last of these that is no footer."""
    return max((piece.end for piece in pieces if piece.kind != FOOTER), default=len(PREAMBLE))


def runs(pieces: Iterable[Piece]) -> Iterator[tuple[int, int, int]]:
    """Yield the items among pieces as (epoch, first, last) of consecutive numbers."""
    epoch, first, last = 0, 1, 0
    for piece in pieces:
        if piece.kind != ITEM:
            continue
        if piece.epoch == epoch and piece.seq == last + 1:
            last += 1
            continue
        if first <= last:
            yield epoch, first, last
        epoch, first, last = piece.epoch, piece.seq, piece.seq
    if first <= last:
        yield epoch, first, last


def is_newer(data: bytes) -> bool:
    """Tell whether the file names a later format than this one."""
    number = data[len(PREAMBLE_START) :][:8].partition(b"\n")[0]
    return data.startswith(PREAMBLE_START) and number.isdigit() and int(number) > VERSION
