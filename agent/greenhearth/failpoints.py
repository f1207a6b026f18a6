"""Named places in the lossless path at which a test can end the process, as a crash would.

Nothing happens unless the environment variable GREENHEARTH_FAILPOINT says ``NAME:N``: then
the process ends without a word, with exit code 137, when it comes to NAME for the Nth time.
Random kills rarely hit the microseconds between two system calls; these always do.
"""

import os

VARIABLE = "GREENHEARTH_FAILPOINT"
EXIT_CODE = 137
"""What a shell reports of a process that was killed (128 + SIGKILL)."""


def _armed() -> dict[str, int]:
    name, _, number = os.environ.get(VARIABLE, "").rpartition(":")
    return {name: int(number)} if name and number.isdigit() else {}


_left = _armed()


def reached(name: str) -> None:
    """Say that the process is at `name`; returns, unless a test wanted the end here."""
    if name in _left:
        _left[name] -= 1
        if _left[name] <= 0:
            os._exit(EXIT_CODE)
