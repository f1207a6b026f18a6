"""Disk space kept back, so that on a full disk the rest can still be stored when the agent ends."""

import os
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 4 << 20
"""Room for 200 records of 20 kB; the counts alone take some 50 kB."""


@dataclass(frozen=True)
class Reserve:
    """One file that holds nothing but its place."""

    path: Path
    size: int = RESERVE_BYTES

    def keep(self) -> bool:
        """Take the space; return False, and take none, where the disk does not have it."""
        try:
            with self.path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self.size)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give the space back."""
        self.path.unlink(missing_ok=True)
