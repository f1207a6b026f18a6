"""Segment files of the outbox: create, append, seal, read, rewrite, delete.

A file that failed once is never written again: after a failed fsync nobody knows what of it
is on the disk. A sealed file ends with a footer that says what it holds, so that opening
needs no look at the rest.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from greenhearth.seqset import SeqSet
from greenhearth_agent.segment_format import (
    FOOTER,
    HEAD_BYTES,
    PREAMBLE,
    Block,
    Key,
    Piece,
    body_of,
    end_of,
    parse,
    runs,
    survey,
)
from greenhearth_agent.segment_index import Index

SUFFIX = ".seg"
WRITE_BYTES = 1 << 20
"""Joined for one write: after a long refusal of the disk a commit can have 32 MB."""
SECTOR_BYTES = 4096
_TAIL = struct.Struct("<I4s")
_TAIL_MAGIC = b"gh$\n"


class Footer(msgspec.Struct):
    """What a sealed segment holds."""

    held: dict[int, list[tuple[int, int]]]


@dataclass
class Segment:
    """One file, and which items it holds."""

    path: Path
    number: int
    size: int = 0
    held: dict[int, SeqSet] = field(default_factory=dict)
    sealed: bool = False
    thin: bool = False
    """Whether only what is given up last is left in it."""

    last: Key = (0, 0)
    """The newest item in it, (0, 0) if there is none."""

    def __post_init__(self) -> None:
        self.hold_only(self.held)

    def hold_only(self, held: dict[int, SeqSet]) -> None:
        """Note which items are in it."""
        self.held = held
        self.last = max(((epoch, last) for epoch, seqs in held.items() for _, last in seqs), default=(0, 0))

    def hold(self, pieces: Iterable[Piece]) -> None:
        """Note that more items are in it, newer than all others."""
        for epoch, first, last in runs(pieces):
            self.last = epoch, last
            self.held.setdefault(epoch, SeqSet()).add_range(first, last)

    def items(self) -> int:
        """Return how many items are in it."""
        return sum(len(seqs) for seqs in self.held.values())


def segment_path(folder: Path, number: int) -> Path:
    """Return the path of a segment."""
    return folder / f"{number:08d}{SUFFIX}"


def holding(pieces: Iterable[Piece]) -> dict[int, SeqSet]:
    """Return the items among pieces, by epoch."""
    held: dict[int, SeqSet] = {}
    for epoch, first, last in runs(pieces):
        held.setdefault(epoch, SeqSet()).add_range(first, last)
    return held


class Writer:
    """The one segment that is being written."""

    def __init__(self, segment: Segment) -> None:
        self.segment, self.index, self._new = segment, Index(), True
        self._fd = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def append(self, block: Block, written: Callable[[], None] = lambda: None) -> None:
        """Write entries, then wait until the disk has them; OSError: it takes no more."""
        write_all(self._fd, block.parts)
        written()
        os.fdatasync(self._fd)
        if self._new:
            sync_folder(self.segment.path.parent)
            self._new = False
        self.segment.size = block.at
        self.segment.hold(block.pieces)
        for piece in block.pieces:
            self.index.add(piece)

    def abandon(self) -> bool:
        """Close it after a failure, without what was under way; return whether anything is left."""
        try:
            if self._new:
                self.segment.path.unlink(missing_ok=True)
            else:
                os.ftruncate(self._fd, self.segment.size)
        except OSError:
            pass  # the rest of a failed commit is found again at the next start, and known by its numbers
        finally:
            self.close()
        return not self._new

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def seal(segment: Segment, end: int) -> None:
    """Cut a file behind its last entry and end it with a footer; OSError leaves it readable."""
    footer = Block(segment.number, end)
    _add_footer(footer, segment.held)
    fd = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, end)
        os.lseek(fd, end, os.SEEK_SET)
        write_all(fd, footer.parts)
        os.fdatasync(fd)
    finally:
        os.close(fd)
    segment.size, segment.sealed = footer.at, True


def read_footer(path: Path, number: int) -> Segment | None:
    """Return a sealed segment as its footer tells it; None if it has none, or a damaged one."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL.size, 0))
        tail = file.read()
        if len(tail) < _TAIL.size or tail[4:] != _TAIL_MAGIC:
            return None
        begin = size - HEAD_BYTES - _TAIL.unpack(tail)[0]
        if begin < len(PREAMBLE):
            return None
        file.seek(begin)
        data = file.read()
    piece = parse(data, 0, number)
    if piece is None or piece.kind != FOOTER or piece.at != begin:
        return None
    told = msgspec.json.decode(data[HEAD_BYTES : -_TAIL.size], type=Footer)
    return Segment(path, number, size, {e: SeqSet(ranges) for e, ranges in told.held.items()}, sealed=True)


def read_items(
    segment: Segment, index: Index, wanted: Iterable[int]
) -> Iterator[tuple[int, Piece | None, bytes]]:
    """Yield items of a segment by their places in its index, with None for one that is damaged."""
    with segment.path.open("rb", buffering=0) as file:
        for at in wanted:
            data = os.pread(file.fileno(), index.lengths[at], index.offsets[at])
            piece = parse(data, 0, segment.number, index.offsets[at])
            whole = piece is not None and piece.key == index.key(at)
            yield at, piece if whole else None, data[HEAD_BYTES:]


def read_whole(path: Path) -> bytes:
    """Return a file, with zeros in place of sectors that cannot be read; b"" if it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except PermissionError:
        raise
    except OSError:
        return b"".join(_sectors(path))


def rewrite(segment: Segment, keep: Callable[[Piece], bool], reached: Callable[[], None]) -> None:
    """Replace a file by one that holds only what `keep` keeps; OSError leaves the old one."""
    data = read_whole(segment.path)
    pieces = [piece for piece in survey(data, segment.number) if keep(piece)]
    block = Block(segment.number, len(PREAMBLE), [PREAMBLE])
    for piece in pieces:
        block.copy(piece, body_of(data, piece))
    held = holding(block.pieces)
    _add_footer(block, held)
    new = segment.path.with_suffix(".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        write_all(fd, block.parts)
        os.fdatasync(fd)
    finally:
        os.close(fd)
    reached()
    new.rename(segment.path)
    sync_folder(segment.path.parent)
    segment.hold_only(held)
    segment.size, segment.sealed = block.at, True


def look_at(segment: Segment) -> tuple[bytes, list[Piece]]:
    """Read a segment whole: its bytes, and every entry that is whole."""
    data = read_whole(segment.path)
    return data, survey(data, segment.number)


def scanned(path: Path, number: int, data: bytes, pieces: list[Piece]) -> Segment:
    """Return a segment as its entries tell it."""
    return Segment(path, number, max(end_of(pieces), len(data)), holding(pieces))


def write_all(fd: int, parts: list[bytes]) -> None:
    """Write all parts, in pieces of about a megabyte; OSError if the file does not take them."""
    going: list[bytes] = []
    size = 0
    for part in parts:
        going.append(part)
        size += len(part)
        if size >= WRITE_BYTES:
            _write(fd, b"".join(going))
            going, size = [], 0
    _write(fd, b"".join(going))


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of a folder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _add_footer(block: Block, held: dict[int, SeqSet]) -> None:
    text = msgspec.json.encode(Footer({epoch: list(seqs) for epoch, seqs in held.items()}))
    block.note(FOOTER, text + _TAIL.pack(len(text) + _TAIL.size, _TAIL_MAGIC))


def _sectors(path: Path) -> Iterable[bytes]:
    with path.open("rb", buffering=0) as file:
        for at in range(0, os.fstat(file.fileno()).st_size, SECTOR_BYTES):
            try:
                yield os.pread(file.fileno(), SECTOR_BYTES, at)
            except OSError:
                yield bytes(SECTOR_BYTES)
