"""Brokers that misbehave, for the link's tests."""

import socket
import threading
from collections.abc import Iterator

import pytest

from ..programs import free_port


@pytest.fixture
def free_address() -> tuple[str, int]:
    """An address of the loopback where nobody listens."""
    return "127.0.0.1", free_port()


@pytest.fixture
def silent_broker() -> Iterator[tuple[str, int]]:
    """A broker that accepts a client and then acknowledges nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def serve() -> None:
        try:
            while True:
                client, _ = listener.accept()
                clients.append(client)
                client.recv(4096)
                client.sendall(b"\x20\x02\x00\x00")  # CONNACK, accepted
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for client in clients:
        client.close()
    thread.join(5)
