"""The fault proxy does what its verbs say: what it does not spoil passes unharmed."""

import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ..waiting import until
from .mqtt_packets import Splitter, puback_for
from .proxy import FaultProxy

CONNECT = b"\x10\x02\x00\x00"
PUBLISH = b"\x32\x08\x00\x02ab\x12\x34hi"
OTHER = b"\x32\x08\x00\x02ab\x12\x35ho"
PUBACK = b"\x40\x02\x12\x34"


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says back whatever it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(4096):
                    client.sendall(data)
            except OSError:
                return

    def serve() -> None:
        try:
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def proxy(echo: tuple[str, int]) -> Iterator[FaultProxy]:
    """A proxy before it that knows MQTT packets."""
    one = FaultProxy(echo, 7, mqtt=True).start()
    yield one
    one.stop()


def said_back(proxy: FaultProxy, data: bytes, expected: int, within_s: float = 5.0) -> bytes:
    with socket.create_connection(proxy.address, 5) as client:
        client.sendall(data)
        return hear(client, expected, within_s)


def hear(client: socket.socket, expected: int, within_s: float = 5.0) -> bytes:
    """Return what comes until there are `expected` bytes, the other side ends, or time is up."""
    client.settimeout(within_s)
    heard = b""
    try:
        while len(heard) < expected and (more := client.recv(4096)):
            heard += more
    except OSError:
        pass  # reset, or nothing more came
    return heard


def test_a_sound_link_passes_everything(proxy: FaultProxy) -> None:
    data = b"".join(b"\x30\x02%d%d" % (n // 10, n % 10) for n in range(100)) + PUBLISH + PUBACK
    assert said_back(proxy, data, len(data)) == data


@pytest.mark.parametrize("cut", range(1, len(PUBLISH)))
def test_packets_are_found_however_they_are_cut(cut: int) -> None:
    splitter = Splitter()
    stream = PUBLISH + b"\x30\x81\x01" + bytes(129) + PUBACK
    found = [packet for at in range(0, len(stream), cut) for packet in splitter.feed(stream[at : at + cut])]
    assert found == [PUBLISH, b"\x30\x81\x01" + bytes(129), PUBACK]


def test_slices_and_waits_change_nothing_but_the_time(proxy: FaultProxy) -> None:
    proxy.up.slice_bytes, proxy.down.latency_s = 1, 0.2
    began = time.monotonic()
    assert said_back(proxy, PUBLISH, len(PUBLISH)) == PUBLISH
    assert time.monotonic() - began >= 0.2
    assert proxy.counts["slices"] == len(PUBLISH)


def test_a_slow_link_takes_its_time(proxy: FaultProxy) -> None:
    proxy.up.bytes_per_s = 100
    began = time.monotonic()
    assert said_back(proxy, 4 * PUBLISH, 4 * len(PUBLISH)) == 4 * PUBLISH
    assert time.monotonic() - began >= 0.3


def test_the_same_seed_flips_the_same_bits(echo: tuple[str, int]) -> None:
    data = PUBLISH * 300
    heard = []
    for _ in range(2):
        one = FaultProxy(echo, 42).start()
        one.up.flip_per_byte = 0.01
        heard.append(said_back(one, data, len(data)))
        one.stop()
    wrong = sum(bin(a ^ b).count("1") for a, b in zip(heard[0], data, strict=True))
    assert 5 <= wrong <= 90
    assert heard[0] == heard[1]


def test_a_cut_ends_the_connection_in_the_middle_of_a_packet(proxy: FaultProxy) -> None:
    proxy.up.cut_after = 13
    assert len(said_back(proxy, PUBLISH + OTHER, 20)) <= 13
    assert proxy.counts["cuts"] == 1


def test_a_half_open_link_stays_dead_when_it_is_healed_and_a_new_one_lives(proxy: FaultProxy) -> None:
    with socket.create_connection(proxy.address, 5) as client:
        client.sendall(PUBLISH)
        assert hear(client, len(PUBLISH)) == PUBLISH
        proxy.up.swallow = proxy.down.swallow = True
        client.sendall(PUBLISH)
        until(lambda: proxy.counts["swallowed"])
        proxy.heal()
        client.sendall(PUBLISH)
        assert not select.select([client], [], [], 0.3)[0]
    assert said_back(proxy, PUBLISH, len(PUBLISH)) == PUBLISH


def test_who_is_reset_or_refused_notices_at_once_and_may_come_back(proxy: FaultProxy) -> None:
    with socket.create_connection(proxy.address, 5) as client:
        client.sendall(PUBLISH)
        hear(client, len(PUBLISH))
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(proxy.address, 5)
    proxy.listen()
    assert said_back(proxy, PUBLISH, len(PUBLISH)) == PUBLISH


def test_a_discarded_message_is_acknowledged_and_gone(proxy: FaultProxy) -> None:
    proxy.up.discard_publish = 1.0
    assert puback_for(PUBLISH) == PUBACK
    assert said_back(proxy, PUBLISH + CONNECT, 8) == PUBACK + CONNECT


def test_messages_are_repeated_swapped_and_their_acknowledgements_lost(proxy: FaultProxy) -> None:
    proxy.up.duplicate_publish = 1.0
    assert said_back(proxy, PUBLISH, 20) == PUBLISH + bytes([0x3A]) + PUBLISH[1:]
    proxy.heal()
    proxy.up.swap_publish = 1.0
    assert said_back(proxy, PUBLISH + OTHER, 20) == OTHER + PUBLISH
    proxy.heal()
    proxy.up.drop_puback = 1.0
    assert said_back(proxy, PUBACK + CONNECT, 4) == CONNECT
