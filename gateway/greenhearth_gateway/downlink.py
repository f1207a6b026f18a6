"""From the broker into the inbox, and acknowledgements back after the commit."""

import logging
import threading
import time

from greenhearth import failpoints
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.wire import DamagedError, decode_health, decode_status, encode_checked, split_topic, topic
from greenhearth_gateway.config import BrokerPart
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import FRAME_LEAVES, LIVE_LEAVES, Arrival, Source
from greenhearth_gateway.journal.books import Book, Sequence
from greenhearth_gateway.journal.transaction import Commit, Entry
from greenhearth_gateway.live import Hub
from greenhearth_gateway.problems import Problems

log = logging.getLogger(__name__)

FULL_WAIT_S = 0.5
"""How long the network thread waits for room before a message is refused."""

AWAY_S = 2.0
"""A broker that is away for less is not worth an operator's look."""

ACKS_IN_FLIGHT = 200

MOST_BIRTHS = 1000
"""Agents whose last birth is known by its hash; one more costs a duplicate now and then."""


class Downlink:
    """Listens to all agents of the configured sites and acknowledges what was committed."""

    def __init__(
        self, broker: BrokerPart, gateway: str, inbox: Inbox[Entry], hub: Hub, problems: Problems
    ) -> None:
        self._inbox, self._hub, self._problems = inbox, hub, problems
        self._where = f"{broker.host}:{broker.port}"
        self._away_since: float | None = None
        self._lock = threading.Lock()
        self._births: dict[str, int] = {}
        """Hash of the birth last taken from each topic; the broker repeats it with every subscription."""
        self._owed: dict[Sequence, Book] = {}
        """Acknowledgements that the broker has not taken yet; the newest of a sequence says all."""
        options = LinkOptions(
            host=broker.host,
            port=broker.port,
            client_id=f"greenhearth-gateway-{gateway}",
            subscriptions=tuple(topic(broker.site, "+", leaf) for leaf in FRAME_LEAVES + LIVE_LEAVES),
            max_in_flight=ACKS_IN_FLIGHT,
        )
        self._link = Link(options, LinkCallbacks(self._on_message, self._on_connected, self._on_disconnected))

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._away_since is None

    def start(self) -> None:
        """Begin to listen; returns at once, whether or not the broker is there."""
        self._away_since = time.monotonic()
        self._link.start()

    def stop(self) -> None:
        """Say goodbye to the broker."""
        self._link.stop()

    def acknowledge(self, commit: Commit) -> None:
        """Tell the agents what is safe; called after the commit."""
        with self._lock:
            self._owed.update(commit.books)
        self.settle()

    def settle(self) -> None:
        """Send the acknowledgements that are still owed, as far as the broker takes them."""
        self._tell_if_away()
        with self._lock:
            for sequence, book in list(self._owed.items()):
                if not self._publish_ack(sequence, book):
                    return
                del self._owed[sequence]

    def _publish_ack(self, sequence: Sequence, book: Book) -> bool:
        failpoints.reached("downlink.before_ack")
        name = topic(*sequence.source, "ack")
        taken = self._link.publish(name, encode_checked(name, book.ack(sequence.epoch)))
        failpoints.reached("downlink.after_ack")
        return taken

    def _on_connected(self) -> None:
        self._away_since = None
        self._problems.end("broker")

    def _on_disconnected(self) -> None:
        self._away_since = time.monotonic()

    def _tell_if_away(self) -> None:
        since = self._away_since
        if since is not None and time.monotonic() - since > AWAY_S:
            self._problems.begin(
                "broker",
                f"The MQTT broker at {self._where} cannot be reached: no new data comes in, agents keep "
                "theirs. Check that it runs; the gateway connects by itself.",
            )

    def _on_message(self, name: str, payload: bytes, retained: bool) -> None:
        failpoints.reached("downlink.received")
        try:
            site, agent, leaf = split_topic(name)
        except ValueError:
            leaf = ""
        if leaf in LIVE_LEAVES:
            self._take_live(Source(site, agent), leaf, name, payload)
        elif not (retained and self._births.get(name) == hash(payload)):
            self._put(name, payload)

    def _put(self, name: str, payload: bytes) -> None:
        if self._inbox.put(Arrival(name, payload), len(payload), FULL_WAIT_S):
            self._problems.end("inbox")
            if name.endswith("/birth"):
                self._remember_birth(name, payload)
            return
        self._problems.begin(
            "inbox",
            f"The gateway cannot write as fast as data comes: {self._inbox.refused} message(s) were left to "
            "the agents, who send them again.",
        )

    def _remember_birth(self, name: str, payload: bytes) -> None:
        self._births.pop(name, None)
        self._births[name] = hash(payload)
        if len(self._births) > MOST_BIRTHS:
            self._births.pop(next(iter(self._births)))

    def _take_live(self, source: Source, leaf: str, name: str, payload: bytes) -> None:
        try:
            if leaf == "health":
                health = decode_health(payload, name)
                _same_agent(health.agent, source)
                self._hub.set_health(source, health)
            else:
                status = decode_status(payload, name)
                _same_agent(status.agent, source)
                self._hub.set_status(source, status)
        except DamagedError as error:
            log.debug("%s refused: %s", name, error)
            self._hub.damaged_live(source)
        except (ValueError, RecursionError) as error:
            log.debug("%s refused: %s", name, error)
            self._hub.refuse_live(source, str(error))


def _same_agent(said: str, source: Source) -> None:
    if said != source.agent:
        raise ValueError(f"the payload says agent {said!r}, the topic {source.agent!r}")
