"""Who is killed when and where: pure, so that the same seed gives the same faults."""

import random
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POINT = re.compile(r"""failpoints\.reached\(\s*["']([\w.]+)["']""")
DOUBLE_SHARE = 0.3
"""Of all episodes: two victims within DOUBLE_WITHIN_S."""
DOUBLE_WITHIN_S = 0.1
LONGEST_RESTART_S = 0.5
QUIET_S = 0.15
"""Mean of the exponential time between a recovery and the next kill."""
DEEPEST_PASS = 12
PRESSED_S = 6.0
"""How long the gateway stays away to fill an outbox of 0.3 MB: 180 records of 2 kB."""


@dataclass(frozen=True)
class Strike:
    """One victim of an episode."""

    victim: str
    after_s: float
    """Since the beginning of the episode."""
    restart_s: float
    """Between the kill and the start of the next life."""
    failpoint: str = ""
    """``NAME:N``: the next life ends there, and a further one follows."""


@dataclass(frozen=True)
class Episode:
    """One kill, or two within a moment; the next begins when all have recovered."""

    quiet_s: float
    strikes: tuple[Strike, ...]


def failpoints_of(package: Path) -> list[str]:
    """Return every failpoint that the sources of a package name."""
    found = {name for path in sorted(package.rglob("*.py")) for name in POINT.findall(path.read_text())}
    return sorted(found)


def make_schedule(
    seed: str,
    kills: int,
    victims: Sequence[str],
    points: Mapping[str, str],
    rounds: int,
    once: Collection[str] = (),
) -> list[Episode]:
    """Return episodes with `kills` random kills, and every failpoint in `rounds` of their next lives.

    `points` says in which process (a prefix of victims' names) a failpoint is; for those in `once`
    the first pass is taken, the others get a random one.
    """
    rng = random.Random(seed)
    wanted = {
        kind: _rounds(rng, [p for p, k in points.items() if k == kind], rounds) for kind in points.values()
    }
    episodes: list[Episode] = []
    done = 0
    while done < kills or any(wanted.values()):
        count = 2 if rng.random() < DOUBLE_SHARE and kills - done != 1 else 1
        if done >= kills:  # only failpoints are left: those who have some are struck
            names = [v for v in victims if any(wanted[kind] and v.startswith(kind) for kind in wanted)]
            chosen = rng.sample(names, min(len(names), 2))
        else:
            chosen = rng.sample(list(victims), count)
        strikes = tuple(_strike(rng, n, victim, wanted, once) for n, victim in enumerate(chosen))
        episodes.append(Episode(rng.expovariate(1 / QUIET_S), strikes))
        done += len(strikes)
    return episodes


def _rounds(rng: random.Random, points: list[str], rounds: int) -> list[str]:
    """Return every point `rounds` times, each round in an order of its own."""
    return [point for _ in range(rounds) for point in rng.sample(points, len(points))]


def _strike(
    rng: random.Random, n: int, victim: str, wanted: Mapping[str, list[str]], once: Collection[str]
) -> Strike:
    after = rng.uniform(0, DOUBLE_WITHIN_S) if n else 0.0
    restart = rng.uniform(0, LONGEST_RESTART_S)
    mine = next((todo for kind, todo in wanted.items() if victim.startswith(kind) and todo), None)
    if mine is None:
        return Strike(victim, after, restart)
    point = mine.pop()
    number = 1 if point in once else rng.randint(1, DEEPEST_PASS)
    return Strike(victim, after, restart, f"{point}:{number}")


def make_pressed_schedule(
    seed: str, points: Sequence[str], rounds: int, agents: Sequence[str]
) -> list[Episode]:
    """Return episodes in which the gateway stays away until an agent's outbox is full."""
    rng = random.Random(seed)
    episodes = []
    for point in _rounds(rng, list(points), rounds):
        gateway = Strike("gateway", 0.0, PRESSED_S)
        agent = Strike(
            rng.choice(list(agents)), rng.uniform(0, DOUBLE_WITHIN_S), 0.0, f"{point}:{rng.randint(1, 3)}"
        )
        episodes.append(Episode(rng.expovariate(1 / QUIET_S), (gateway, agent)))
    return episodes
