"""The only `import paho`: a link to a broker that connects for ever and promises little.

The broker is treated as lossy. The link therefore keeps nothing: a publish is refused
while the broker is away or too many are in flight, and what was in flight when a
connection ended is forgotten. Whoever publishes keeps its own books and sends again.
Every connection gets a new paho client, so that no state of an old one leaks into it.
"""

import logging
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""TCP connection plus the broker's answer; a broker on the same site answers in milliseconds."""


@dataclass(frozen=True)
class Will:
    """What the broker publishes when this client disappears without saying goodbye."""

    topic: str
    payload: bytes
    retain: bool = True


@dataclass(frozen=True)
class LinkOptions:
    """Where the broker is and how a client behaves towards it."""

    host: str
    port: int
    client_id: str
    subscriptions: tuple[str, ...] = ()
    will: Will | None = None
    max_in_flight: int = 20
    """QoS 1 messages without a PUBACK; more are refused, not queued."""
    keepalive_s: int = 5
    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True)
class LinkCallbacks:
    """What a link tells its owner; all are called in the link's thread and must not block."""

    on_message: Callable[[str, bytes, bool], None] = _nothing
    """Topic, payload, whether the broker had retained it."""
    on_connected: Callable[[], None] = _nothing
    """After every connection, when the subscriptions have been sent."""
    on_disconnected: Callable[[], None] = _nothing
    """Once after every connection that had been made."""


class BackOff:
    """Growing waits with jitter, so that many clients do not come back in step."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self.first_s, self.longest_s = first_s, longest_s
        self._next_s = first_s

    def reset(self) -> None:
        """Start again with the shortest wait."""
        self._next_s = self.first_s

    def next_s(self) -> float:
        """Return the next wait [s]: 50 to 100 % of a value that doubles up to the longest."""
        wait = self._next_s
        self._next_s = min(2 * wait, self.longest_s)
        return wait * random.uniform(0.5, 1.0)


class Link:
    """A client that is always connected, or trying to be."""

    def __init__(self, options: LinkOptions, callbacks: LinkCallbacks | None = None) -> None:
        self.options = options
        self._callbacks = callbacks or LinkCallbacks()
        self._stopping = threading.Event()
        self._session: _Session | None = None
        self._told_away = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{options.client_id}", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the present connection."""
        session = self._session
        return session is not None and session.open

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        on_ack: Callable[[], None] | None = None,
    ) -> bool:
        """Send one message, or return False if it cannot be sent now.

        `on_ack` is called in the link's thread at the PUBACK of a QoS 1 message; it is not
        called if the connection ends first.
        """
        session = self._session
        if session is None or not session.open:
            return False
        return session.publish(topic, payload, qos, retain, on_ack or _nothing)

    def in_flight(self) -> int:
        """Return how many QoS 1 messages of this connection have no PUBACK yet."""
        session = self._session
        return session.taken if session is not None else 0

    def stop(self, flush_s: float = 1.0) -> None:
        """Wait up to `flush_s` for open PUBACKs, say goodbye and end; no will is published."""
        session = self._session
        if session is not None and session.open:
            session.flushed.wait(flush_s)
        self._stopping.set()
        if session is not None:
            session.closed.set()
        if self._thread.is_alive():
            self._thread.join(CONNECT_TIMEOUT_S + 2.0)

    def _run(self) -> None:
        back_off = BackOff(self.options.first_wait_s, self.options.longest_wait_s)
        while not self._stopping.is_set():
            if self._connect_once():
                back_off.reset()
            self._stopping.wait(back_off.next_s())

    def _connect_once(self) -> bool:
        """Hold one connection until it ends; return whether the broker had accepted it."""
        session = _Session(self.options, self._callbacks, self._connected)
        self._session = session
        try:
            session.hold()
        except OSError as error:
            session.why = error.strerror or str(error)
        self._session = None
        if session.accepted:
            self._callbacks.on_disconnected()
        if not self._stopping.is_set():
            self._tell_away(session.why)
        return session.accepted

    def _connected(self) -> None:
        self._told_away = False
        log.info("connected to the broker at %s:%d", self.options.host, self.options.port)

    def _tell_away(self, why: str) -> None:
        if not self._told_away:
            where = f"{self.options.host}:{self.options.port}"
            log.warning("the broker at %s is away (%s); trying again until it answers", where, why)
            self._told_away = True


@dataclass
class _Pending:
    """PUBACKs that are waited for. One may come before publish() has returned its number."""

    waiting: dict[int, Callable[[], None]] = field(default_factory=dict)
    early: set[int] = field(default_factory=set)


class _Session:
    """One connection: its paho client and its open publishes."""

    def __init__(self, options: LinkOptions, callbacks: LinkCallbacks, accepted: Callable[[], None]) -> None:
        self.options, self.callbacks, self.tell_accepted = options, callbacks, accepted
        self.open = False
        self.accepted = False
        self.why = "no answer to the connection request"
        self.answered, self.closed, self.flushed = threading.Event(), threading.Event(), threading.Event()
        self.flushed.set()
        self.taken = 0
        self._lock = threading.Lock()
        self._pending = _Pending()
        self.client = self._make_client()

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            self.options.client_id,
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(self.options.max_in_flight)
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self.options.will:
            client.will_set(self.options.will.topic, self.options.will.payload, 1, self.options.will.retain)
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def hold(self) -> None:
        """Connect and stay until the connection ends; OSError if the broker is not there."""
        self.client.connect(self.options.host, self.options.port, self.options.keepalive_s)
        self.client.loop_start()
        try:
            if self.answered.wait(CONNECT_TIMEOUT_S):
                self.closed.wait()
            self.open = False
            self.client.disconnect()
        finally:
            self.client.loop_stop()

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool, on_ack: Callable[[], None]) -> bool:
        if qos == 0:
            return self.client.publish(topic, payload, 0, retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        if not self._take_place():
            return False
        info = self.client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._free_place()
            return False
        with self._lock:
            came_before = info.mid in self._pending.early
            self._pending.early.discard(info.mid)
            if not came_before:
                self._pending.waiting[info.mid] = on_ack
        if came_before:
            on_ack()
        return True

    def _take_place(self) -> bool:
        with self._lock:
            if self.taken >= self.options.max_in_flight:
                return False
            self.taken += 1
            self.flushed.clear()
            return True

    def _free_place(self) -> None:
        with self._lock:
            self.taken -= 1
            if self.taken == 0:
                self.flushed.set()

    def _on_publish(self, _client: Client, _data: Any, mid: int, *_: Any) -> None:
        with self._lock:
            on_ack = self._pending.waiting.pop(mid, None)
            if on_ack is None:
                self._pending.early.add(mid)
        self._free_place()
        if on_ack is not None:
            on_ack()

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.why = f"it refuses this client: {reason}"
            self.answered.set()
            self.closed.set()
            return
        self.why = "the connection was lost"
        if self.options.subscriptions:
            client.subscribe([(topic, 1) for topic in self.options.subscriptions])
        self.open = self.accepted = True
        self.answered.set()
        self.tell_accepted()
        self.callbacks.on_connected()

    def _on_disconnect(self, *_: Any) -> None:
        self.open = False
        self.answered.set()
        self.closed.set()
        self.flushed.set()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            self.callbacks.on_message(message.topic, bytes(message.payload), message.retain)
        except Exception:
            # The network thread must outlive a defect in the owner's code.
            log.exception("a message on %s could not be handled", message.topic)


def _no_delay(_client: Client, _data: Any, sock: Any) -> None:
    """Send small packets at once: Nagle's algorithm would hold an ack back by up to 40 ms."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
