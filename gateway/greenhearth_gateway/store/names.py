"""Names that plants choose, written so that they cannot break out of line protocol; pure.

Two different names stay two: what cannot be written is replaced by ``%`` and two hexadecimal
digits, as in a web address, and a ``%`` that could be read as such is replaced too.
"""

import re
from collections.abc import Collection
from functools import lru_cache

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\\]|%(?=[0-9A-F]{2})")
_SPECIAL = re.compile(r"[,= ]")
NAMES_KEPT = 8192
"""Written names that are remembered; 5 000 series have as many."""


@lru_cache(NAMES_KEPT)
def tag(value: str) -> str:
    """Write a tag value; an empty one, which servers refuse, becomes ``-``."""
    if value in ("", "-"):
        return "%2D" if value else "-"
    return _SPECIAL.sub(r"\\\g<0>", _UNWRITABLE.sub(_hexadecimal, value))


@lru_cache(NAMES_KEPT)
def key(value: str, reserved: Collection[str] = frozenset(), prefix: str = "") -> str:
    """Write a field key; `time` (servers drop it), a reserved or a prefixed one begins with ``%``."""
    written = tag(value).replace('"', "%22")  # some servers read a quotation mark as one even here
    if value == "time" or value in reserved or (prefix and value.startswith(prefix)):
        return f"%{ord(value[0]):02X}{written[1:]}"
    return written


def text(value: str) -> str:
    """Quote a string field; a line break in it becomes a blank."""
    plain = value.replace("\n", " ").replace("\r", " ")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _hexadecimal(match: re.Match[str]) -> str:
    return f"%{ord(match.group()):02X}"
