"""The chaos rig: works under fire, then silence, then the verdict.

One line is a run: ``run_rig(RigOptions(folder, seed, kills=40, rounds=1))``; with a planted defect that is
looked for: ``RigOptions(folder, seed, kills=20, rounds=0, bug="delete_on_puback", stop_at_finding=True)``.
By hand: ``python -m tests.chaos.rig_by_hand --kills 10 --bug delete_on_puback``.
"""

import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greenhearth_agent.outbox_count import OutboxSummary

from .account import progress
from .bugs import BUGS
from .evidence import Journal, read_kept, stored_points
from .killer import Killer, Script, Tally
from .oracle import Oracle, Verdict
from .schedule import Episode, Strike, failpoints_of, make_pressed_schedule, make_schedule
from .works import AGENTS, ROOT, SITES, VICTIMS, Plugs, RigError, Works

TICK_S = 0.01
TELL_S = 10.0
LOOK_AFTER = 4
"""Episodes."""
DRAIN_S = 45.0
SPEED = 30.0
"""Scans a second of the wall: the scan interval is 1 s of the clock."""

ONCE = ("agent.epoch_opened", "outbox.rotate", "journal.retention")
"""Failpoints that a process passes rarely: the first pass is taken."""
PRESSED = ("outbox.before_replace", "outbox.after_replace")
"""Failpoints that an agent passes only when its outbox is full; they have a run of their own."""
PRESSED_BYTES = 300_000
SETTINGS: Mapping[str, Sequence[str]] = {
    "agent": (
        "greenhearth_agent.outbox:MOST_SEGMENT_BYTES=65536",
        "greenhearth_agent.pipeline:SNAPSHOT_RECORDS=100",
    ),
    "gateway": ("greenhearth_gateway.journal.writer:RETENTION_EVERY_S=1",),
}
"""Constants that make rare passes frequent."""


@dataclass(frozen=True)
class RigOptions:
    """One run; the same seed gives the same victims, delays and failpoints."""

    folder: Path
    seed: int
    kills: int
    rounds: int
    """How often every failpoint is armed."""
    works: int = 1
    """Works side by side, each with its share of the schedule."""
    bug: str = ""
    at_most_s: float = 0.0
    """Stop killing after this time; 0: carry out the whole schedule."""
    stop_at_finding: bool = False
    """Look after every few episodes whether something is missing, and end with the first finding."""
    victims: tuple[str, ...] = VICTIMS
    pressed: bool = False
    """Small outboxes and a gateway that stays away: records are given up by policy, and counted."""
    speed: float = SPEED

    @property
    def patience_s(self) -> float:
        """How long the drain may take; what is lost by a planted bug, or given up, never comes."""
        return 12.0 if self.bug or self.pressed else DRAIN_S


@dataclass
class Outcome:
    """What a run did and what it found."""

    options: RigOptions
    tally: Tally = field(default_factory=Tally)
    verdict: Verdict = field(default_factory=Verdict)
    points: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    infrastructure: list[str] = field(default_factory=list)
    """Why the rig could not go on, if it could not."""


def known_points() -> dict[str, str]:
    """Return every failpoint of the sources with the process that passes it."""
    agent = failpoints_of(ROOT / "agent")
    return dict.fromkeys(agent, "agent") | dict.fromkeys(failpoints_of(ROOT / "gateway"), "gateway")


def run_rig(options: RigOptions) -> Outcome:
    """Run the works under fire and judge what is left."""
    began = time.monotonic()
    points = {name: kind for name, kind in known_points().items() if (name in PRESSED) == options.pressed}
    outcome = Outcome(options, points=points)
    kills = options.kills // options.works
    bouts = []
    for n in range(options.works):
        rounds = options.rounds // options.works + (n < options.rounds % options.works)
        seed = f"{options.seed}/{n}"
        episodes = (
            make_pressed_schedule(seed, sorted(points), rounds, AGENTS)
            if options.pressed
            else make_schedule(seed, kills, options.victims, points, rounds, ONCE)
        )
        bouts.append(Bout(options, options.folder / f"works{n}", episodes, outcome))
    try:
        _drive(bouts, outcome, began)
        for bout in bouts:
            bout.judge()
    finally:
        for bout in bouts:
            bout.works.destroy()
    for bout in bouts:
        _merge(outcome.verdict, bout.oracle.verdict)
    outcome.seconds = time.monotonic() - began
    return outcome


class Bout:
    """One works with its share of the schedule, from its start to its verdict."""

    def __init__(self, options: RigOptions, folder: Path, episodes: list[Episode], outcome: Outcome) -> None:
        bug = BUGS.get(options.bug)
        most = PRESSED_BYTES if options.pressed else 0
        plugs = Plugs(options.bug, bug.where if bug else "", SETTINGS, most)
        self.options, self.episodes, self.outcome = options, episodes, outcome
        self.works = Works(folder, options.speed, plugs)
        self.oracle = Oracle({site: n for n, site in enumerate(SITES, 1)})
        self.killer = Killer(self.works, self.oracle, outcome.tally, 15.0 if bug else 60.0)
        self.journal = Journal(self.works.journal)
        self.drained = False

    def script(self) -> Script:
        """Start, kill, drain."""
        self.works.start()
        yield
        try:
            if (yield from self._fire()):
                yield from self._drain()
        except RigError as error:
            self.outcome.infrastructure.append(str(error))
        self.works.kill_agents()

    def _fire(self) -> Generator[None, None, bool]:
        """Carry out the schedule; what failpoints were not reached is tried again, first pass.

        False: something is missing already, and that was all that was wanted.
        """
        deadline = time.monotonic() + (self.options.at_most_s or 1e9)
        few = LOOK_AFTER if self.options.stop_at_finding else len(self.episodes) or 1
        for first in range(0, len(self.episodes), few):
            yield from self.killer.run(_before(deadline, self.episodes[first : first + few]))
            if self.options.stop_at_finding and not (yield from self._until(self._dead_epochs_stored)):
                return False
        for _ in range(3):
            again, self.killer.again = self.killer.again, []
            episodes = [Episode(0.1, (Strike(self._victim(name), 0.0, 0.1, f"{name}:1"),)) for name in again]
            yield from self.killer.run(_before(deadline, episodes))
        return True

    def _victim(self, point: str) -> str:
        return "gateway" if self.outcome.points[point] == "gateway" else AGENTS[0]

    def _drain(self) -> Script:
        """Let a probe flow, end the agents in order, wait until nothing waits, end the gateway."""
        yield from self.killer.probe()
        yield from self._until(self._dead_epochs_stored)
        for _ in range(3):
            for site in SITES:
                self._end(f"agent_{site}")
            kept = [self._kept(site) for site in SITES]  # of both, before either lives once more
            if not any(one.counts.waiting for one in kept):
                break
            for name in AGENTS:  # a loaded machine: the last seconds are sent by one more life
                self.works.parts[name].start()
            yield from self.killer.probe()
            yield from self._until(self._dead_epochs_stored)
        yield from self._until(lambda: self.journal.cursor() == self.journal.last_id())
        self._end("gateway")
        self.drained = True

    def _kept(self, site: str) -> OutboxSummary:
        """Read what an agent that has ended keeps, and note what it has promised."""
        kept = read_kept(self.works.outbox_folder(site))
        self.oracle.promise(site, kept.epochs)
        return kept

    def _until(self, condition: Callable[[], bool]) -> Generator[None, None, bool]:
        """Wait for a condition of the drain and return whether it came; what did not come is missing."""
        deadline = time.monotonic() + self.options.patience_s
        while not (found := condition()) and time.monotonic() < deadline:
            pause = time.monotonic() + 0.2
            while time.monotonic() < pause:
                yield
        return found

    def _dead_epochs_stored(self) -> bool:
        stored = self.journal.stored()
        return all(stored.get(epoch, 0) >= last for epoch, last in self.oracle.promised().items())

    def _end(self, name: str) -> None:
        code = self.works.parts[name].end()
        if code != 0:
            self.oracle.verdict.find("ended", f"{name} with code {code} when asked to end")

    def judge(self) -> None:
        """Read everything that is left."""
        oracle, works = self.oracle, self.works
        works.parts["gateway"].kill()
        account = works.truth_account()
        for site in SITES:
            kept = self._kept(site)
            oracle.still_waits(site, kept.unacked)
            oracle.note_counts(site, kept.counts.measured, kept.counts.dropped)
        for site, item in self.journal.items():
            oracle.take(site, item)
        oracle.judge({site: one["next_k"] for site, one in account.items()}, self.options.pressed)
        oracle.judge_alarms(self.journal.moves())
        self._judge_functions(account)
        if self.drained:
            self._judge_counts()
            self._judge_store()

    def _judge_functions(self, account: Mapping[str, Any]) -> None:
        """Nobody asked a meter for anything but a read."""
        for site, one in account.items():
            wrong = {code: n for code, n in one["functions"].items() if code not in ("1", "2", "3", "4")}
            self.oracle.judge_equal("forbidden", f"function codes at {site} other than 1 to 4", {}, wrong)
            self.oracle.judge_equal("forbidden", f"malformed requests at {site}", 0, one["malformed"])

    def _judge_counts(self) -> None:
        """The public counts say what the files hold."""
        books = self.journal.stored_by_books()
        for site in SITES:
            kept, stored = self._kept(site).counts, self.oracle.stored_items(site)
            if not self.options.pressed:
                self.oracle.judge_equal("count", f"{site}: measured", stored + kept.dropped, kept.measured)
            self.oracle.judge_equal("count", f"{site}: stored by its books", stored, books.get(site, 0))
        self.oracle.judge_equal("missing", "quarantined", 0, self.journal.counted("quarantine"))
        self.oracle.judge_equal("missing", "records without their birth", 0, self.journal.counted("orphans"))
        self.oracle.judge_equal("doubled", "index", self.oracle.indexed, self.journal.counted("finished"))

    def _judge_store(self) -> None:
        """The time series store holds every reading, once, with its value."""
        for site in SITES:
            points = list(stored_points(self.works.store_url, site).values())
            self.oracle.judge_store(site, points)
            self.oracle.verdict.facts[f"{site} points in the store"] = len(points)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what several runs, each with its own works and seed, come to."""
    whole = Outcome(outcomes[0].options, points=outcomes[0].points)
    for one in outcomes:
        for name in ("kills", "crashes", "crashed", "not_reached"):
            getattr(whole.tally, name).update(getattr(one.tally, name))
        whole.tally.doubles += one.tally.doubles
        whole.tally.recoveries += one.tally.recoveries
        _merge(whole.verdict, one.verdict)
        whole.seconds += one.seconds
        whole.infrastructure += one.infrastructure
    return whole


def _before(deadline: float, episodes: list[Episode]) -> Generator[Episode, None, None]:
    for episode in episodes:
        if time.monotonic() > deadline:
            return
        yield episode


def _drive(bouts: list[Bout], outcome: Outcome, began: float) -> None:
    """Run all scripts side by side; say every ten seconds how far they are."""
    scripts = [bout.script() for bout in bouts]
    tell_at = time.monotonic() + TELL_S
    while scripts:
        scripts = [script for script in scripts if next(script, True) is None]
        if time.monotonic() > tell_at:
            tell_at += TELL_S
            found = sum(bout.oracle.verdict.counts.total() for bout in bouts)
            print(progress(outcome.tally, found, time.monotonic() - began), flush=True)
        time.sleep(TICK_S)  # the pace of the rig's own loop, not a wait for anything


def _merge(into: Verdict, one: Verdict) -> None:
    for kind, found in one.findings.items():
        into.findings.setdefault(kind, []).extend(found)
    into.counts += one.counts
    into.facts = dict(Counter(into.facts) + Counter(one.facts))
