"""The only `import paho`: a link to a broker that connects for ever and promises little.

The broker is treated as lossy. The link therefore keeps nothing: a publish is refused
while the broker is away or too many are in flight, and what was in flight when a
connection ended is forgotten. Whoever publishes keeps its own books and sends again.
Every connection gets a new paho client, so that no state of an old one leaks into it.
A connection that is up but does no work is ended: silence, PUBACKs that stay away, bytes
that are no MQTT. Subscriptions are said again now and then, for a broker may have missed them.
"""

import fcntl
import logging
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from greenhearth.mqtt_log import LinkLog
from greenhearth.mqtt_options import BackOff as BackOff
from greenhearth.mqtt_options import LinkCallbacks as LinkCallbacks
from greenhearth.mqtt_options import LinkOptions as LinkOptions
from greenhearth.mqtt_options import Will as Will
from greenhearth.mqtt_options import nothing
from greenhearth.mqtt_places import Places

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""TCP connection plus the broker's answer; a broker on the same site answers in milliseconds."""
LOOK_S = 0.5
"""How often a connection is looked at."""


class Link:
    """A client that is always connected, or trying to be."""

    def __init__(self, options: LinkOptions, callbacks: LinkCallbacks | None = None) -> None:
        self.options = options
        self._callbacks = callbacks or LinkCallbacks()
        self._stopping = threading.Event()
        self._session: _Session | None = None
        self._log = LinkLog(options, log)
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
        return session.publish(topic, payload, qos, retain, on_ack or nothing)

    def in_flight(self) -> int:
        """Return how many QoS 1 messages of this connection have no PUBACK yet."""
        session = self._session
        return session.places.taken if session is not None else 0

    def stop(self, flush_s: float = 1.0) -> None:
        """Wait up to `flush_s` for open PUBACKs, say goodbye and end; no will is published."""
        session = self._session
        if session is not None and session.open:
            session.places.flushed.wait(flush_s)
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
        """Hold one connection until it ends; return whether it was accepted and held for a while."""
        session = _Session(self.options, self._callbacks, self._log.connected)
        self._session = session
        began = time.monotonic()
        try:
            session.hold()
        except OSError as error:
            session.why = error.strerror or str(error)
        self._session = None
        held = self._log.ended(session.accepted, time.monotonic() - began)
        if session.accepted:
            self._callbacks.on_disconnected()
        if not self._stopping.is_set():
            self._log.away(session.why)
        return held


class _Client(Client):
    """A paho client whose thread tells when it ends, whatever it ended of.

    paho takes packets apart without looking whether they are whole: a damaged one ends its
    thread with any error there is, and without on_disconnect.
    """

    ended: Callable[[str], None]

    def loop_forever(self, *args: Any, **more: Any) -> MQTTErrorCode:
        why = "the connection was lost"
        try:
            return super().loop_forever(*args, **more)
        except Exception as error:  # noqa: BLE001 - the link must outlive whatever damaged bytes lead to
            why = f"it sent what is no MQTT ({type(error).__name__}: {error})"
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.ended(why)


class _Session:
    """One connection: its paho client and its open publishes."""

    def __init__(self, options: LinkOptions, callbacks: LinkCallbacks, accepted: Callable[[], None]) -> None:
        self.options, self.callbacks, self.tell_accepted = options, callbacks, accepted
        self.open = False
        self.accepted = False
        self.why = "no answer to the connection request"
        self.answered, self.closed = threading.Event(), threading.Event()
        self.places = Places(options.max_in_flight)
        self._sent_at = 0.0
        """When the socket was last seen with bytes that were not sent [monotonic s]."""
        self.client = self._make_client()

    def _make_client(self) -> _Client:
        client = _Client(
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
        client.on_subscribe = self._on_subscribe
        client.ended = self._end
        return client

    def hold(self) -> None:
        """Connect and stay until the connection ends; OSError if the broker is not there."""
        self.client.connect(self.options.host, self.options.port, self.options.keepalive_s)
        self.client.loop_start()
        try:
            if self.answered.wait(CONNECT_TIMEOUT_S):
                self._watch()
            self.open = False
            self.client.disconnect()
        finally:
            self.client.loop_stop()
            _let_go(self.client)

    def _watch(self) -> None:
        """Wait for the end of the connection; end it if it does no work."""
        refreshed = time.monotonic()
        while not self.closed.wait(LOOK_S):
            now = time.monotonic()
            if self._is_stalled(now):
                self.why = f"it has not acknowledged a message for {self.options.stall_s:g} s"
                return
            if now - refreshed > self.options.refresh_s:
                refreshed = now
                self._subscribe()

    def _is_stalled(self, now: float) -> bool:
        """Tell whether the oldest open PUBACK stays away although nothing is left to send."""
        if self.client.want_write() or _unacknowledged_bytes(self.client.socket()):
            self._sent_at = now
        oldest = self.places.oldest()
        return oldest is not None and now - max(oldest, self._sent_at) > self.options.stall_s

    def _subscribe(self) -> None:
        if self.options.subscriptions:
            self.client.subscribe([(topic, 1) for topic in self.options.subscriptions])

    def _end(self, why: str) -> None:
        """Note that the client's thread is over."""
        if not self.closed.is_set():
            self.why = why
            self._on_disconnect()

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool, on_ack: Callable[[], None]) -> bool:
        if qos == 0:
            return self._publish_once(topic, payload, retain)
        if not self.places.take():
            return False
        info = self.client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.places.give_back()
            return False
        self.places.published(info.mid, on_ack)
        return True

    def _publish_once(self, topic: str, payload: bytes, retain: bool) -> bool:
        if not self.places.may_send_once():
            return False
        info = self.client.publish(topic, payload, 0, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self.places.sent_once(info.mid)
        return True

    def _on_publish(self, _client: Client, _data: Any, mid: int, *_: Any) -> None:
        self.places.reported(mid)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.why = f"it refuses this client: {reason}"
            self.answered.set()
            self.closed.set()
            return
        self.why = "the connection was lost"
        self._subscribe()
        self.open = self.accepted = True
        self.answered.set()
        self.tell_accepted()
        self.callbacks.on_connected()

    def _on_disconnect(self, *_: Any) -> None:
        self.open = False
        self.answered.set()
        self.closed.set()
        self.places.flushed.set()

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, *_: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.warning("the broker refuses a subscription of %s: %s", self.options.client_id, refused[0])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            self.callbacks.on_message(message.topic, bytes(message.payload), message.retain)
        except Exception:
            # The network thread must outlive a defect in the owner's code.
            log.exception("a message on %s could not be handled", message.topic)


def _let_go(client: _Client) -> None:
    """Break the ring between client and session, so that its sockets close now and not at some collection."""
    client.on_connect = client.on_disconnect = client.on_message = None
    client.on_publish = client.on_subscribe = None
    client.ended = nothing


def _no_delay(_client: Client, _data: Any, sock: Any) -> None:
    """Send small packets at once: Nagle's algorithm would hold an ack back by up to 40 ms."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _unacknowledged_bytes(sock: Any) -> int:
    """Return how many bytes the other side's TCP has not taken yet; 0 where the system does not tell."""
    if not isinstance(sock, socket.socket) or not hasattr(termios, "TIOCOUTQ"):
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0  # closed meanwhile
