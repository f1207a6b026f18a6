"""Carries out a schedule on a works: kills, restarts, watches the recovery. One step at a time.

The scripts are generators that give way whenever they wait, so that one loop drives several works
and both victims of a double kill.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field

from .evidence import Journal, read_kept
from .oracle import Oracle
from .schedule import Episode, Strike
from .works import AGENTS, CRASHED, SITES, RigError, Works

Script = Generator[None, None, None]
ARMED_S = 8.0
"""How long an armed process is waited for; what it did not reach is tried again at its first pass."""


@dataclass
class Tally:
    """What was done, and how long it took to recover."""

    kills: Counter[str] = field(default_factory=Counter)
    """By victim; kill -9."""
    crashes: Counter[str] = field(default_factory=Counter)
    """By failpoint."""
    crashed: Counter[str] = field(default_factory=Counter)
    """By victim; ended at a failpoint."""
    not_reached: Counter[str] = field(default_factory=Counter)
    doubles: int = 0
    recoveries: list[tuple[str, float]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Kills of both kinds."""
        return self.kills.total() + self.crashes.total()


class Killer:
    """One works under fire."""

    def __init__(self, works: Works, oracle: Oracle, tally: Tally, patience_s: float = 60.0) -> None:
        self.works, self.oracle, self.tally, self.patience_s = works, oracle, tally, patience_s
        self.journal = Journal(works.journal)
        self.again: list[str] = []
        """Failpoints that were not reached."""

    def run(self, episodes: Iterable[Episode]) -> Script:
        """Carry out all episodes."""
        for episode in episodes:
            yield from self._wait(time.monotonic() + episode.quiet_s)
            self._check()
            yield from self._episode(episode)

    def probe(self) -> Script:
        """See records of both sites flow that are newer than now."""
        now_ns = self.works.clock.now_ns()
        yield from self._until("a probe flows", lambda: all(self._newest(site) > now_ns for site in SITES))

    def _episode(self, episode: Episode) -> Script:
        """Strike, and go on when everything that was struck has recovered."""
        began = time.monotonic()
        self.tally.doubles += len(episode.strikes) > 1
        yield from _together([self._strike(strike, began) for strike in episode.strikes])
        struck = [strike.victim for strike in episode.strikes]
        yield from _together([self._recover(victim, struck) for victim in struck])

    def _strike(self, strike: Strike, began: float) -> Script:
        yield from self._wait(began + strike.after_s)
        part = self.works.parts[strike.victim]
        part.kill()
        self.tally.kills[strike.victim] += 1
        self._dead(strike.victim)
        yield from self._wait(time.monotonic() + strike.restart_s)
        if strike.failpoint:
            yield from self._crash(strike)
            yield from self._wait(time.monotonic() + strike.restart_s / 2)
        part.start()

    def _crash(self, strike: Strike) -> Script:
        """Live once more, up to the failpoint."""
        part, name = self.works.parts[strike.victim], strike.failpoint.partition(":")[0]
        part.start(strike.failpoint)
        deadline = time.monotonic() + ARMED_S
        while (code := part.exit_code()) is None and time.monotonic() < deadline:
            yield
        if code is None:
            part.kill()
            self.tally.kills[strike.victim] += 1
            self.tally.not_reached[name] += 1
            self.again.append(name)
        elif code == CRASHED:
            self.tally.crashes[name] += 1
            self.tally.crashed[strike.victim] += 1
        else:
            self.oracle.verdict.find("ended", f"{strike.victim} with code {code}:\n{part.last_lines()}")
        self._dead(strike.victim)

    def _dead(self, victim: str) -> None:
        """Note what a dead agent has promised."""
        if victim in AGENTS:
            site = victim.removeprefix("agent_")
            self.oracle.promise(site, read_kept(self.works.outbox_folder(site)).epochs)

    def _recover(self, victim: str, struck: Sequence[str]) -> Script:
        """Wait until what was made after the restart is in the journal, or in the store.

        A double kill counts from the later restart of those that stand in the victim's way.
        """
        way = {"store", "gateway"} if victim == "store" else {victim, "gateway", "broker"}
        since = max(self.works.parts[name].started_at for name in struck if name in way)
        if victim == "store":
            yield from self._until("the journal answers", lambda: self._ask(self.journal.last_id) > 0)
            id_then = self._ask(self.journal.last_id)
            yield from self._until("the store goes on", lambda: self._ask(self.journal.cursor) > id_then)
        else:
            t_ns = self.works.clock.at(round(since * 1e9))
            sites = [victim.removeprefix("agent_")] if victim in AGENTS else self._alive(struck)
            yield from self._until(
                f"records of {sites} after the kill of {struck}",
                lambda: all(self._newest(site) > t_ns for site in sites),
            )
        self.tally.recoveries.append((victim, time.monotonic() - since))

    def _newest(self, site: str) -> int:
        return self._ask(lambda: self.journal.newest_ns(site))

    def _alive(self, struck: Sequence[str]) -> list[str]:
        return [site for site in SITES if f"agent_{site}" not in struck]

    def _ask(self, question: Callable[[], int]) -> int:
        """Ask the journal, but only while its gateway runs; -1 while it does not answer."""
        gateway = self.works.parts["gateway"]
        if gateway.process is None or not gateway.ready():
            return -1
        try:
            return question()
        except sqlite3.Error:
            return -1

    def _until(self, what: str, condition: Callable[[], bool]) -> Script:
        deadline = time.monotonic() + self.patience_s
        while not condition():
            if time.monotonic() > deadline:
                self.oracle.verdict.find("stuck", f"not within {self.patience_s:g} s: {what}")
                raise RigError(f"not within {self.patience_s:g} s: {what}")
            self._check()
            yield

    def _check(self) -> None:
        """No part may end by itself."""
        for part in (*self.works.parts.values(), self.works.truth):
            if part.process is not None and (code := part.exit_code()) is not None:
                self.oracle.verdict.find("ended", f"{part.name} with code {code}:\n{part.last_lines()}")
                raise RigError(f"the {part.name} ended by itself with code {code}; see {part.log}")

    def _wait(self, until: float) -> Script:
        while time.monotonic() < until:
            yield


def _together(scripts: list[Script]) -> Script:
    """Run scripts side by side until all have ended."""
    while scripts:
        scripts = [script for script in scripts if next(script, True) is None]
        if scripts:
            yield
