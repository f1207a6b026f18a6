"""What can be done to a link, for how long and to which; a schedule is made from a seed."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .proxy import FaultProxy, Faults

FLAP_S = 0.2
Spoil = Callable[[Faults, random.Random], None]


@dataclass(frozen=True)
class Episode:
    """One fault of one link."""

    link: str
    verb: str
    seconds: float
    strength: int
    """Seed of what is random in it."""


def _latency(faults: Faults, rng: random.Random) -> None:
    faults.latency_s = rng.choice((0.05, 0.3, 1.0))
    faults.jitter_s = 2 * faults.latency_s


def _cut(faults: Faults, rng: random.Random) -> None:
    faults.cut_after = rng.randint(60, 6000)


def _bandwidth(faults: Faults, _rng: random.Random) -> None:
    faults.bytes_per_s = 256.0


def _slicer(faults: Faults, _rng: random.Random) -> None:
    faults.slice_bytes = 1


def _slow_close(faults: Faults, rng: random.Random) -> None:
    faults.slow_close_s = 0.5
    _cut(faults, rng)


def _flip(faults: Faults, rng: random.Random) -> None:
    faults.flip_per_byte = rng.choice((1e-4, 2e-4, 4e-4))


def _set(name: str, value: float) -> Spoil:
    return lambda faults, _rng: setattr(faults, name, value)


STREAM: dict[str, Spoil] = {
    "latency": _latency,
    "slicer": _slicer,
    "slow_close": _slow_close,
    "limit_data": _cut,
    "bandwidth": _bandwidth,
    "half_open": _set("swallow", True),
}
"""Verbs for any TCP link."""
PACKETS: dict[str, Spoil] = {
    "duplicate": _set("duplicate_publish", 0.5),
    "reorder": _set("swap_publish", 0.3),
    "publish_discarded": _set("discard_publish", 1.0),
    "puback_black_hole": _set("drop_puback", 1.0),
    "bit_flip": _flip,
}
"""Verbs for MQTT only: Modbus/TCP has no checksum of its own that could find a flipped bit."""
ACTIONS = ("reset_peer", "flap", "down")
GENTLE = ("latency", "slicer", "duplicate", "reorder", "publish_discarded")
"""After these a connection still lives."""
VERBS = (*STREAM, *PACKETS, *ACTIONS)
PLANT_VERBS = (*STREAM, *ACTIONS)
BROKER = "broker"


def verbs_of(link: str) -> tuple[str, ...]:
    """Return what can be done to a link: names that begin with ``plant`` speak Modbus."""
    if link == BROKER:
        return ("killed",)
    return PLANT_VERBS if link.startswith("plant") else VERBS


def random_mix(rng: random.Random, links: list[str], seconds: float, episode_s: float) -> list[list[Episode]]:
    """Return one row of random episodes per link, with quiet between them; rows run side by side."""
    rows = []
    for link in links:
        row, passed = [], 0.0
        while passed < seconds:
            quiet = rng.expovariate(1 / episode_s)
            length = rng.uniform(0.3, 2.0) * episode_s
            row.append(Episode(link, "quiet", quiet, 0))
            row.append(Episode(link, rng.choice(verbs_of(link)), length, rng.randrange(1 << 30)))
            passed += quiet + length
        rows.append(row)
    return rows


def carry_out(episode: Episode, proxy: FaultProxy, stop: threading.Event) -> None:
    """Do one episode to a link; returns when it is over, with the link healed."""
    rng = random.Random(episode.strength)
    if episode.verb in ACTIONS:
        _act(episode, proxy, stop)
        return
    spoil = STREAM.get(episode.verb) or PACKETS.get(episode.verb)
    if spoil is not None:
        for faults in (proxy.up, proxy.down):
            spoil(faults, rng)
    stop.wait(episode.seconds)
    proxy.heal()


def _act(episode: Episode, proxy: FaultProxy, stop: threading.Event) -> None:
    if episode.verb == "down":
        proxy.refuse()
        stop.wait(episode.seconds)
        proxy.listen()
        return
    for _ in range(max(1, round(episode.seconds / FLAP_S / 2))):
        if episode.verb == "reset_peer":
            proxy.reset()
            stop.wait(FLAP_S)
        else:
            proxy.refuse()
            stop.wait(FLAP_S)
            proxy.listen()
        stop.wait(FLAP_S)
