"""The checksum in the last column of every row: what a disk changed is not taken for what was measured.

A CRC-32 finds every change of up to 32 adjacent bits, and all others but one in 4 000 million. That
of an item is begun with its topic, as on the wire, and mixed with its id; the epoch, the number and
the time stand in the payload.
"""

import zlib
from functools import lru_cache

from greenhearth.wire import topic
from greenhearth_gateway.intake import Source


@lru_cache(maxsize=4096)
def begun(source: Source, leaf: str) -> int:
    """Return the checksum of a topic, with which that of a payload begins."""
    return zlib.crc32(topic(*source, leaf).encode())


def payload_crc(source: Source, leaf: str, payload: bytes) -> int:
    """Return the checksum of an item, the same as on the wire."""
    return zlib.crc32(payload, begun(source, leaf))


def item_crc(source: Source, leaf: str, payload: bytes, item_id: int) -> int:
    """Return the checksum of a row of `items`."""
    return zlib.crc32(payload, begun(source, leaf)) ^ (item_id & 0xFFFFFFFF)


def columns_crc(table: str, *columns: object) -> int:
    """Return the checksum of a row without a payload: of its texts and numbers, in their order."""
    return zlib.crc32(repr(columns).encode(), zlib.crc32(table.encode()))


def item_fits(crc: int | None, source: Source, leaf: str, payload: object, item_id: int) -> bool:
    """Tell whether the payload of a row is as it was written; id 0 in tables whose checksum has none."""
    if crc is None:
        return True
    return isinstance(payload, bytes) and crc == item_crc(source, leaf, payload, item_id)


def is_whole(crc: int | None, found: int) -> bool:
    """Tell whether a row is as it was written; rows from before there were checksums have none."""
    return crc is None or crc == found
