"""From the outbox to the broker: live at once, backlog as the gateway takes it, until acknowledged.

The broker's PUBACK only frees a place in flight. An item is done when the *gateway* has
acknowledged it; what stays unacknowledged is sent again, for ever.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from greenhearth import failpoints, wire
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions, Will
from greenhearth_agent.items import Counts, Entry
from greenhearth_agent.lanes import FRAME_RECORDS, Lanes, frames

log = logging.getLogger(__name__)

REST_SHARE = 1.0
"""The backlog lane rests for the CPU time of its work: half of a slow core stays with measuring."""
TICK_S = 0.5
"""Longest time between two looks at what has expired."""
IN_FLIGHT = 20


class Store(Protocol):
    """What the uplink needs of the outbox."""

    def acknowledge(self, ack: wire.Ack) -> None:
        """Take an acknowledgement of the gateway."""

    def counts(self) -> Counts:
        """Return the counts."""

    async def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        """Return unacknowledged items, oldest first."""


@dataclass(frozen=True)
class Identity:
    """Who publishes, and where to."""

    site: str
    agent: str
    epoch: int
    broker: tuple[str, int]

    def topic(self, leaf: str) -> str:
        """Return the topic of a leaf of this agent."""
        return wire.topic(self.site, self.agent, leaf)

    def status(self, online: bool) -> bytes:
        """Return the status payload."""
        status = wire.Status(wire.VERSION, self.agent, online, self.epoch)
        return wire.encode_checked(self.topic("status"), status)


@dataclass
class Uplink:
    """Owner of the MQTT link; create and run it inside the event loop."""

    identity: Identity
    birth: Entry
    store: Store | None = None
    lanes: Lanes = field(default_factory=Lanes)
    refused_acks: int = 0
    """Messages on the ack topic that were damaged, or that cannot be true."""

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._greet = False
        self._next_backlog = 0.0
        self._last_seq = self.birth.seq
        """Highest number of this epoch that was ever handed out here."""
        who = self.identity
        options = LinkOptions(
            *who.broker,
            client_id=f"greenhearth-agent-{who.site}-{who.agent}",
            subscriptions=(who.topic("ack"),),
            will=Will(who.topic("status"), who.status(online=False)),
            max_in_flight=IN_FLIGHT,
        )
        self.link = Link(options, LinkCallbacks(self._heard, self._up))

    def offer(self, entries: list[Entry]) -> None:
        """Take items that have just been committed; the live lane."""
        self._hand_out(entries)
        self.lanes.add_fresh(entries)
        self._wake.set()

    def publish_health(self, health: wire.Health) -> None:
        """Send the live state; nobody misses one that is lost."""
        topic = self.identity.topic("health")
        self.link.publish(topic, wire.encode_checked(topic, health), qos=0)

    async def run(self) -> None:
        """Connect and send until cancelled."""
        self.link.start()
        while True:
            pause = await self._step()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.clear()

    async def stop(self) -> None:
        """Say that this agent is going and close the link."""
        self.link.publish(self.identity.topic("status"), self.identity.status(online=False), retain=True)
        await asyncio.to_thread(self.link.stop)

    async def _step(self) -> float:
        """Send what may go now; return how long there is nothing to do [s]."""
        self.lanes.expire(time.monotonic())
        if not self.link.connected:
            return TICK_S
        if self._greet and not self._say_hello():
            return TICK_S
        if not self._send_fresh():
            return TICK_S
        if self.store is None or not self.lanes.backlog_waits(self.store.counts().waiting):
            return TICK_S
        left = self._next_backlog - time.monotonic()
        if left > 0:
            return left
        return await self._send_backlog(self.store)

    def _say_hello(self) -> bool:
        """After a connection: online, then the birth, then the newest of the live lane."""
        self.lanes.connected()
        topic = self.identity.topic("status")
        if not self._publish(topic, self.identity.status(online=True), retain=True):
            return False
        if not self._send([self.birth], "live"):
            return False
        self._greet = False
        return True

    def _send_fresh(self) -> bool:
        """Send the live lane; return whether all of it went."""
        return all(self._send(frame, "live") for frame in frames(self.lanes.fresh()))

    async def _send_backlog(self, store: Store) -> float:
        """Send one frame of what waits; return the pause until the next [s]."""
        if not self.lanes.may_send_backlog() or self.link.in_flight() > IN_FLIGHT // 2:
            return TICK_S
        began = time.process_time()
        if self.lanes.wants_rows and not await self._read(store):
            return TICK_S
        frame = self.lanes.backlog()
        if frame and not self._send(frame, "backlog"):
            self.lanes.rewind()
            return TICK_S
        rest = REST_SHARE * (time.process_time() - began)
        self._next_backlog = time.monotonic() + rest
        return rest

    async def _read(self, store: Store) -> bool:
        """Read on in the outbox; at its end, go back to the beginning and return False."""
        rows = await store.waiting_after(self.lanes.cursor, FRAME_RECORDS)
        if rows:
            self.lanes.read(rows)
        else:
            self.lanes.rewind()
        return bool(rows)

    def _send(self, entries: list[Entry], lane: wire.Lane) -> bool:
        birth = entries[0].leaf == "birth" and entries[-1].epoch == self.identity.epoch
        self._hand_out(entries)
        topic = self.identity.topic(entries[0].leaf)
        payload = wire.frame_payload(topic, self.identity.agent, lane, [e.payload for e in entries])
        if not self._publish(topic, payload, retain=birth):
            return False
        self.lanes.sent(entries, time.monotonic())
        return True

    def _hand_out(self, entries: list[Entry]) -> None:
        self._last_seq = max([self._last_seq, *(e.seq for e in entries if e.epoch == self.identity.epoch)])

    def _publish(self, topic: str, payload: bytes, retain: bool) -> bool:
        failpoints.reached("uplink.before_publish")
        return self.link.publish(topic, payload, retain=retain, on_ack=self._soon(self._taken))

    def _taken(self) -> None:
        """Hear that the broker has a message; that frees a place in flight and means nothing else."""
        failpoints.reached("uplink.after_puback")
        self._wake.set()

    def _up(self) -> None:
        self._soon(self._connected)()

    def _connected(self) -> None:
        self._greet = True
        self._wake.set()

    def _heard(self, topic: str, payload: bytes, _retained: bool) -> None:
        self._soon(lambda: self._take_ack(topic, payload))()

    def _take_ack(self, topic: str, payload: bytes) -> None:
        try:
            ack = wire.decode_ack(payload, self.identity.topic("ack"))
            self._believe(topic, ack)
        except (ValueError, RecursionError) as error:
            self.refused_acks += 1
            if self.refused_acks == 1:
                log.warning("a message on the ack topic was refused: %s", error)
            return
        self.lanes.acknowledged(ack, time.monotonic())
        if self.store is not None:
            self.store.acknowledge(ack)
        failpoints.reached("uplink.after_ack")
        self._wake.set()

    def _believe(self, topic: str, ack: wire.Ack) -> None:
        """Raise ValueError for an acknowledgement that is not for this agent or cannot be true.

        Of an older epoch nothing is too much to be believed: the disk may not have all of what
        the start before this one had sent.
        """
        last = max([ack.upto, *(high for _, high in ack.also)])
        if topic != self.identity.topic("ack"):
            raise ValueError(f"it came on {topic!r}")
        if ack.epoch > self.identity.epoch:
            raise ValueError(
                f"it is of epoch {ack.epoch}, which was not opened here; does another agent run with this id?"
            )
        if ack.epoch == self.identity.epoch and last > self._last_seq:
            raise ValueError(f"it names number {last}, but only {self._last_seq} were handed out")

    def _soon(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return `work` as something the link's thread may call."""

        def call() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                self._loop.call_soon_threadsafe(work)

        return call
