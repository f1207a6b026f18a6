"""Where one MQTT packet ends and the next begins; what is in a fixed header, and no more."""

from dataclasses import dataclass, field

PUBLISH, PUBACK = 3, 4


def kind(packet: bytes) -> int:
    """Return the type of a packet."""
    return packet[0] >> 4


def qos(packet: bytes) -> int:
    """Return the quality of service of a PUBLISH."""
    return packet[0] >> 1 & 3


def again(packet: bytes) -> bytes:
    """Return a PUBLISH marked as a repetition."""
    return bytes([packet[0] | 8]) + packet[1:]


def puback_for(packet: bytes) -> bytes:
    """Return the acknowledgement of a QoS 1 PUBLISH, as its receiver would write it."""
    start = _body(packet)
    at = start + 2 + int.from_bytes(packet[start : start + 2], "big")
    return b"\x40\x02" + packet[at : at + 2]


def _body(packet: bytes) -> int:
    at = 1
    while packet[at] & 0x80:
        at += 1
    return at + 1


@dataclass
class Splitter:
    """Bytes in, whole packets out."""

    rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes of a stream and return the packets that are now complete."""
        self.rest += data
        packets = []
        while length := self._whole():
            packets.append(bytes(self.rest[:length]))
            del self.rest[:length]
        return packets

    def _whole(self) -> int:
        """Return the length of the first packet, 0 while it is not all there."""
        length, factor = 0, 1
        for at in range(1, min(5, len(self.rest))):
            length += (self.rest[at] & 0x7F) * factor
            factor *= 128
            if not self.rest[at] & 0x80:
                end = at + 1 + length
                return end if len(self.rest) >= end else 0
        return 0
