"""The link against a real mosquitto: comes back, forgets, refuses, says goodbye."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth.mqtt import BackOff, Link, LinkCallbacks, LinkOptions, Will

from ..conftest import Broker
from ..waiting import until

NO_MQTT = (
    b"\x32\x02\xff\xff",  # a topic longer than its packet
    b"\x32\x05\x00\x01\xff\x00\x01",  # a topic that is no UTF-8
    b"\x32\xff\xff\xff\xff\xff",  # a length that does not end
    b"\x30\x01\x00",
    b"\x40\x00",
    b"\x90\x01\x00",
    b"\xf0\x00",
)


@dataclass
class Heard:
    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)
    ups: int = 0
    downs: int = 0

    def callbacks(self) -> LinkCallbacks:
        return LinkCallbacks(self._message, self._up, self._down)

    def _message(self, topic: str, payload: bytes, retained: bool) -> None:
        self.messages.append((topic, payload, retained))

    def _up(self) -> None:
        self.ups += 1

    def _down(self) -> None:
        self.downs += 1


@contextmanager
def running(address: tuple[str, int], name: str, heard: Heard, **more: Any) -> Iterator[Link]:
    link = Link(LinkOptions(*address, name, longest_wait_s=0.3, **more), heard.callbacks())
    link.start()
    try:
        yield link
    finally:
        link.stop(0.2)


def test_a_message_travels_and_its_puback_is_reported(mosquitto: tuple[str, int]) -> None:
    heard, acked = Heard(), threading.Event()
    with running(mosquitto, "b", heard, subscriptions=("x/#",)) as b, running(mosquitto, "a", Heard()) as a:
        until(lambda: a.connected and b.connected)
        assert a.publish("x/1", b"hello", on_ack=acked.set)
        until(lambda: heard.messages)
        assert heard.messages == [("x/1", b"hello", False)]
        assert acked.wait(5)
        until(lambda: a.in_flight() == 0)


def test_every_one_of_many_publishes_is_acknowledged_once(mosquitto: tuple[str, int]) -> None:
    acks: list[int] = []
    with running(mosquitto, "a", Heard(), max_in_flight=5) as link:
        until(lambda: link.connected)
        for number in range(300):
            until(lambda n=number: link.publish("x", b"%d" % n, on_ack=lambda: acks.append(n)))
            assert link.in_flight() <= 5
        until(lambda: len(acks) == 300)
        assert sorted(acks) == list(range(300))


def test_publishing_is_refused_while_the_broker_is_away(broker: Broker) -> None:
    heard = Heard()
    with running((broker.host, broker.port), "a", heard) as link:
        until(lambda: link.connected)
        broker.kill()
        until(lambda: heard.downs == 1)
        assert not link.connected
        assert not link.publish("x", b"lost")
        broker.start()
        until(lambda: heard.ups == 2)
        assert link.publish("x", b"kept")


def test_too_many_open_pubacks_are_refused_not_queued(silent_broker: tuple[str, int]) -> None:
    with running(silent_broker, "a", Heard(), max_in_flight=3) as link:
        until(lambda: link.connected)
        assert [link.publish("x", b"%d" % n) for n in range(5)] == [True, True, True, False, False]
        assert link.publish("x", b"live only", qos=0)


def test_subscriptions_return_after_the_broker_was_killed(broker: Broker) -> None:
    heard = Heard()
    address = (broker.host, broker.port)
    with running(address, "b", heard, subscriptions=("x",)) as b, running(address, "a", Heard()) as a:
        until(lambda: a.connected and b.connected)
        broker.kill()
        until(lambda: not a.connected and not b.connected)
        broker.start()
        until(lambda: a.connected and b.connected)
        until(lambda: a.publish("x", b"again") and heard.messages)


def test_the_will_is_published_when_a_client_vanishes_and_not_when_it_says_goodbye(
    mosquitto: tuple[str, int],
) -> None:
    heard = Heard()
    with running(mosquitto, "b", heard, subscriptions=("status/#",)) as watcher:
        until(lambda: watcher.connected)
        with running(mosquitto, "polite", Heard(), will=Will("status/polite", b"gone")) as polite:
            until(lambda: polite.connected)
        vanishing = Link(LinkOptions(*mosquitto, "rude", will=Will("status/rude", b"gone")))
        vanishing.start()
        until(lambda: vanishing.connected)
        with running(mosquitto, "rude", Heard()) as usurper:  # the broker throws the first one out
            until(lambda: usurper.connected)
            until(lambda: heard.messages)
            vanishing.stop(0.0)
    assert {topic for topic, _, _ in heard.messages} == {"status/rude"}


def test_a_retained_message_says_that_it_is_old(mosquitto: tuple[str, int]) -> None:
    heard, acked = Heard(), threading.Event()
    with running(mosquitto, "a", Heard()) as a:
        until(lambda: a.connected)
        assert a.publish("s", b"now", retain=True, on_ack=acked.set)
        assert acked.wait(5)
    with running(mosquitto, "b", heard, subscriptions=("s",)):
        until(lambda: heard.messages)
    assert heard.messages == [("s", b"now", True)]


def test_a_defect_in_the_owners_callback_does_not_end_the_link(mosquitto: tuple[str, int]) -> None:
    seen: list[bytes] = []

    def fragile(_topic: str, payload: bytes, _retained: bool) -> None:
        seen.append(payload)
        raise RuntimeError("defect")

    link = Link(LinkOptions(*mosquitto, "a", subscriptions=("x",)), LinkCallbacks(on_message=fragile))
    link.start()
    until(lambda: link.connected)
    assert link.publish("x", b"1")
    assert link.publish("x", b"2")
    until(lambda: len(seen) == 2)
    link.stop()


def test_a_broker_that_is_away_is_named_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs_up:
        hangs_up.settimeout(10)
        host, port = hangs_up.getsockname()
        with running((host, port), "a", Heard(), first_wait_s=0.01):
            for _ in range(4):  # at the fourth attempt three have failed
                hangs_up.accept()[0].close()
    away = [r.getMessage() for r in caplog.records if "is away" in r.getMessage()]
    assert len(away) == 1
    assert f"{host}:{port}" in away[0]


def test_a_broker_that_never_acknowledges_is_left_and_asked_anew(silent_broker: tuple[str, int]) -> None:
    heard = Heard()
    with running(silent_broker, "a", heard, max_in_flight=1, stall_s=0.6) as link:
        until(lambda: link.connected)
        assert link.publish("x", b"never acknowledged")
        until(lambda: heard.downs == 1 and link.connected)
        assert link.in_flight() == 0


def test_live_messages_do_not_take_the_places_of_others(mosquitto: tuple[str, int]) -> None:
    with running(mosquitto, "a", Heard(), max_in_flight=3) as link:
        until(lambda: link.connected)
        for _ in range(50):
            until(lambda: link.publish("x", b"live only", qos=0))
        done = threading.Event()
        until(lambda: link.publish("y", b"last", on_ack=done.set))
        assert done.wait(5)
        assert link.in_flight() == 0


@pytest.mark.parametrize("damaged", NO_MQTT, ids=bytes.hex)
def test_bytes_that_are_no_mqtt_end_the_connection_not_the_link(damaged: bytes) -> None:
    """What paho makes of a broken packet is an error in its thread; the link connects again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        with running(server.getsockname(), "a", Heard(), first_wait_s=0.01, keepalive_s=1):
            for _ in range(3):
                with server.accept()[0] as client:
                    client.recv(4096)
                    client.sendall(b"\x20\x02\x00\x00" + damaged)
                    while client.recv(4096):  # until the link has hung up
                        pass


def test_connections_that_end_leave_no_sockets(free_address: tuple[str, int]) -> None:
    gc.collect()
    gc.disable()
    try:
        before = len(list(Path("/dev/fd").iterdir()))
        with socket.create_server(free_address) as server:
            server.settimeout(10)
            with running(free_address, "a", Heard(), first_wait_s=0.01):
                for _ in range(8):
                    server.accept()[0].close()
        assert len(list(Path("/dev/fd").iterdir())) <= before
    finally:
        gc.enable()


def test_subscriptions_are_said_again(mosquitto: tuple[str, int]) -> None:
    """A broker sends what it retains with every subscription."""
    heard = Heard()
    with (
        running(mosquitto, "a", Heard()) as a,
        running(mosquitto, "b", heard, subscriptions=("s",), refresh_s=0.1),
    ):
        until(lambda: a.connected and a.publish("s", b"kept", retain=True))
        until(lambda: sum(retained for _, _, retained in heard.messages) >= 2)


def test_stop_before_any_connection_returns_at_once(free_address: tuple[str, int]) -> None:
    link = Link(LinkOptions(*free_address, "a"))
    link.start()
    started = time.monotonic()
    link.stop()
    assert time.monotonic() - started < 6


@given(st.floats(0.01, 1), st.floats(1, 60), st.integers(1, 30))
def test_waits_grow_to_the_longest_and_start_again(first: float, longest: float, times: int) -> None:
    back_off = BackOff(first, longest)
    waits = [back_off.next_s() for _ in range(times)]
    for number, wait in enumerate(waits):
        top = min(first * 2**number, longest)
        assert top * 0.5 <= wait <= top
    back_off.reset()
    assert back_off.next_s() <= first
