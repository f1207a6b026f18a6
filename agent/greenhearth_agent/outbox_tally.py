"""How far an epoch has come, noted with every item before any disk has it.

One block of one file, overwritten in place: that takes no space, so it also works on a full
disk, and no fsync, because it is for a process that is killed, not for a power cut. What was
numbered and never reached the outbox is counted with its help at the next start.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "tally"
BLOCK_BYTES = 4096
_BLOCK = struct.Struct("<8sQQQqQQ")
_CRC = struct.Struct("<I")
_MAGIC = b"ghtally1"


class Told(NamedTuple):
    """What a tally says."""

    epoch: int
    seq: int
    """Items of this epoch that were numbered."""
    readings: int
    t_ns: int
    """Time of the last of them."""
    carried: int = 0
    """Items of earlier epochs that were lost before the first commit of this one."""
    carried_readings: int = 0


def read_tally(folder: Path) -> Told | None:
    """Return what the tally of a folder says; None if there is none, or a damaged one."""
    try:
        data = (folder / FILE_NAME).read_bytes()
    except OSError:
        return None
    if len(data) < _BLOCK.size + _CRC.size or data[:8] != _MAGIC:
        return None
    if _CRC.unpack_from(data, _BLOCK.size)[0] != zlib.crc32(data[: _BLOCK.size]):
        return None
    return Told(*_BLOCK.unpack_from(data)[1:])


class Tally:
    """The file of a running agent; without one (a disk that was full from the first) it notes nothing."""

    def __init__(self, folder: Path, carried: int = 0, carried_readings: int = 0) -> None:
        self._carried = carried, carried_readings
        self._fd: int | None = None
        path = folder / FILE_NAME
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            os.posix_fallocate(self._fd, 0, BLOCK_BYTES)
        except OSError:
            self.close()

    def note(self, epoch: int, seq: int, readings: int, t_ns: int) -> None:
        """Note the last number given, and the readings so far, of an epoch."""
        if self._fd is None:
            return
        block = _BLOCK.pack(_MAGIC, epoch, seq, readings, t_ns, *self._carried)
        try:
            os.pwrite(self._fd, block + _CRC.pack(zlib.crc32(block)), 0)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
