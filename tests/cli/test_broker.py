"""The demo's broker carries messages on the loopback, and on nothing else."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth_cli.supervise import Family


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """A run folder whose children are ended after the test."""
    one = Family(tmp_path)
    yield one
    one.end_all(())


def test_a_message_of_a_megabyte_arrives_unchanged(family: Family) -> None:
    """The longest message that the contract allows."""
    family.start("broker", ["broker"])
    at = family.ready("broker", 20)
    payload = bytes(range(256)) * 4096
    got: list[bytes] = []
    arrived, listening, speaking = threading.Event(), threading.Event(), threading.Event()

    def keep(_topic: str, message: bytes, _retained: bool) -> None:
        got.append(message)
        arrived.set()

    hears = Link(
        LinkOptions(at["host"], at["port"], "hears", subscriptions=("greenhearth/1/+/+/records",)),
        LinkCallbacks(on_message=keep, on_connected=listening.set),
    )
    speaks = Link(LinkOptions(at["host"], at["port"], "speaks"), LinkCallbacks(on_connected=speaking.set))
    hears.start()
    speaks.start()
    try:
        assert listening.wait(10)
        assert speaking.wait(10)
        assert speaks.publish("greenhearth/1/works/agent/records", payload)
        assert arrived.wait(10)
        assert got == [payload]
    finally:
        speaks.stop()
        hears.stop()


def test_it_listens_on_the_loopback_only(family: Family) -> None:
    """It asks nobody for a password, so nobody outside may reach it."""
    family.start("broker", ["broker"])
    at = family.ready("broker", 20)
    assert at["host"] == "127.0.0.1"
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        outside.connect(("192.0.2.1", 9))  # sends nothing: tells which address this machine has
        address = outside.getsockname()[0]
    except OSError:
        pytest.skip("this machine has no address besides the loopback")
    finally:
        outside.close()
    if address.startswith("127."):
        pytest.skip("this machine has no address besides the loopback")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, at["port"]), 2)


def test_it_ends_with_0_when_it_is_asked_to_while_clients_are_connected(family: Family) -> None:
    """A demo that is ended must not wait for anybody."""
    child = family.start("broker", ["broker"])
    at = family.ready("broker", 20)
    with socket.create_connection((at["host"], at["port"]), 5):
        child.process.terminate()
        assert child.process.wait(5) == 0
