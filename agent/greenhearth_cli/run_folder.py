"""The folder of a run: emptied at its start, owned by one, never mistaken for a person's."""

import fcntl
import shutil
from pathlib import Path
from typing import IO

from greenhearth_cli.complaints import WRONG_USE, PlainError

MARK = ".greenhearth-run"


def claim(folder: Path) -> IO[bytes]:
    """Empty a run folder and lock it until the returned file is closed.

    PlainError when the folder holds something that no earlier run has made, or when
    another run is using it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / MARK
    if not mark.exists() and any(folder.iterdir()):
        raise PlainError(f"{folder} is not empty and was not made by a demo; name another --data", WRONG_USE)
    lock = mark.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise PlainError(f"another demo is running in {folder}; stop it or name another --data") from None
    for old in folder.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif old != mark:
            old.unlink()
    return lock
