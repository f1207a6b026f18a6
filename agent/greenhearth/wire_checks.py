"""Checksums of what travels: bytes that a broker or a network changed are found out.

TCP's own checksum lets about one damaged packet in 65 000 through, and says nothing about a
broker's memory. A CRC-32 finds every change of up to 32 adjacent bits, and all others but one
in 4 000 million. Each is begun with the topic, so that a message that arrives under another
site's or agent's name does not fit either.
"""

import zlib
from collections.abc import Sequence

_CHECK = b',"check":'


class DamagedError(ValueError):
    """A message was changed on its way: its checksum does not fit."""


def crcs_of(topic: str, payloads: Sequence[bytes]) -> list[int]:
    """Return the CRC-32 of each payload, begun with the topic it travels on."""
    begun = zlib.crc32(topic.encode())
    return [zlib.crc32(payload, begun) for payload in payloads]


def with_check(topic: str, body: bytes) -> bytes:
    """Return a JSON object with its own checksum as its last key."""
    return b"%s%s%d}" % (body[:-1], _CHECK, crcs_of(topic, [body])[0])


def refuse_damaged(topic: str, payload: bytes, check: int) -> None:
    """Raise DamagedError unless `check` fits the object it stands at the end of; 0 is of a peer without."""
    body, _, _ = payload.rpartition(_CHECK)
    if check and crcs_of(topic, [body + b"}"])[0] != check:
        raise DamagedError("the checksum does not fit: it was changed on the way")
