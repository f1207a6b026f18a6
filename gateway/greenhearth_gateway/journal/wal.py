"""SQLite's write-ahead log as bytes: its frames, and whether it is damaged before its end; pure.

SQLite reads a log up to the first frame whose checksum does not fit and silently forgets the rest,
for it cannot know a damaged frame from one that a crash left half written. The difference: after
such a crash nothing follows that a commit has closed.
"""

import struct
from dataclasses import dataclass

from greenhearth_gateway.journal.schema import PAGE

HEAD, FRAME_HEAD = 32, 24
FRAME = FRAME_HEAD + PAGE
_MAGIC = (0x377F0682, 0x377F0683)
_STALE = 1 << 20
"""With every round of the log its first salt grows by one; frames of rounds before may lie behind the end."""
_GROWTH = 64
"""Pages by which one transaction makes the journal longer, at most, where that has to be guessed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One page as a transaction wrote it."""

    page: int
    closes: bool
    """Whether it is the last of its transaction."""
    salts: bytes
    start: int
    """Where its content stands in the log."""


def frames_of(log: bytes) -> list[Frame]:
    """Return all whole frames of a log, whatever their checksums say."""
    found = []
    for start in range(HEAD, len(log) - FRAME + 1, FRAME):
        page, size = struct.unpack_from(">II", log, start)
        found.append(Frame(page, size > 0, log[start + 8 : start + 16], start + FRAME_HEAD))
    return found


def is_damaged(log: bytes) -> bool:
    """Tell whether a log holds, behind a frame that does not fit, something that was committed."""
    if not log.strip(b"\0") and len(log) <= HEAD:
        return False
    frames = frames_of(log)
    if not _head_fits(log):
        return bool(frames)
    good, sums = _fitting(log, frames)
    salts = log[16:24]
    rest = frames[good:]
    if any(frame.closes and frame.salts == salts for frame in rest):
        return True
    if any(frame.salts != salts and not _is_old(log, frame) for frame in rest):
        return True
    return bool(rest) and rest[0].salts == salts and _closed_once(log, frames, good, sums)


def _head_fits(log: bytes) -> bool:
    if len(log) < HEAD:
        return False
    magic, version, page = struct.unpack_from(">III", log)
    if magic not in _MAGIC or version != 3007000 or page != PAGE:
        return False
    return _sum(log[:24], (0, 0), magic) == struct.unpack_from(">II", log, 24)


def _fitting(log: bytes, frames: list[Frame]) -> tuple[int, tuple[int, int]]:
    """Return how many frames from the first on fit, and the checksum after them."""
    (magic,) = struct.unpack_from(">I", log)
    sums: tuple[int, int] = struct.unpack_from(">II", log, 24)
    for n, frame in enumerate(frames):
        head = frame.start - FRAME_HEAD
        after = _sum(log[head : head + 8] + log[frame.start : frame.start + PAGE], sums, magic)
        if frame.salts != log[16:24] or after != struct.unpack_from(">II", log, head + 16):
            return n, sums
        sums = after
    return len(frames), sums


def _closed_once(log: bytes, frames: list[Frame], good: int, sums: tuple[int, int]) -> bool:
    """Tell whether a frame that does not fit would, were it the last of its transaction: then it was."""
    (magic,) = struct.unpack_from(">I", log)
    frame = frames[good]
    head = frame.start - FRAME_HEAD
    before = max((_size(log, one) for one in frames[:good]), default=1)
    content, told = log[frame.start : frame.start + PAGE], struct.unpack_from(">II", log, head + 16)
    return any(
        _sum(log[head : head + 4] + size.to_bytes(4, "big") + content, sums, magic) == told
        for size in range(max(before, 1), before + _GROWTH)
    )


def _size(log: bytes, frame: Frame) -> int:
    """Return the number of pages of the journal after a transaction that this frame closes, else 0."""
    return int(struct.unpack_from(">I", log, frame.start - FRAME_HEAD + 4)[0])


def _sum(data: bytes, sums: tuple[int, int], magic: int) -> tuple[int, int]:
    """Go on with SQLite's checksum over whole pairs of words."""
    order = ">" if magic & 1 else "<"
    a, b = sums
    for x, y in struct.iter_unpack(f"{order}II", data):
        a = (a + x + b) & 0xFFFFFFFF
        b = (b + y + a) & 0xFFFFFFFF
    return a, b


def _is_old(log: bytes, frame: Frame) -> bool:
    """Tell whether a frame is of a round before (each has its own second salt), or nothing but zeros."""
    ago = int.from_bytes(log[16:20], "big") - int.from_bytes(frame.salts[:4], "big")
    whole = log[frame.start - FRAME_HEAD : frame.start + PAGE]
    before = 0 < ago % (1 << 32) < _STALE and frame.salts[4:] != log[20:24]
    return before or not whole.strip(b"\0")
