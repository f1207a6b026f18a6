"""What a step of the machine's clock means for the agent: stamps, eras, doubt, and what it says.

Stamps follow the wall, totals the time that really passed. Times may repeat when the clock goes
back, so each such time begins a new *era* of this agent: a small number, kept on disk, that
travels with every item. Within an era no time is used twice.
"""

import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from greenhearth import wire
from greenhearth.clock import NEVER_SET_NS, NS, STEP_NS, Clock, CountOfTime, Stamper, boot_offset_ns
from greenhearth.engine import Engine

log = logging.getLogger(__name__)

TOLD_S = 600.0
"""How long a step stays among the problems."""

LONGEST_OFF_NS = 400 * 86_400 * NS
"""An agent that seems to have been off for longer than this has a wrong clock, before or now."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class Timekeeping:
    """The steps of one start of the agent."""

    clock: Clock
    stamper: Stamper
    file: Path | None = None
    """Where the era is kept; None: nowhere."""
    era: int = 0
    steps_ns: int = 0
    began_ns: int = 0
    """When the present count of time began: no reading of it is older."""
    _doubt: bool = False
    _told: str = ""
    _told_at: float = 0.0

    @property
    def elapsed_ns(self) -> int:
        """The clock without its steps: runs on evenly."""
        return self.clock.now_ns() - self.steps_ns

    def in_doubt(self, step_ns: int) -> bool:
        """Return whether the readings of this moment may bear a wrong time; asked once per record."""
        doubt, self._doubt = self._doubt, False
        return doubt or step_ns != 0 or not self.clock.set

    def follow(self, step_ns: int, flagged: bool) -> wire.Event:
        """Go where the wall went, and return the event that tells it.

        `flagged`: readings of this moment bear the mark already; otherwise the next ones will.
        """
        self._doubt = not flagged
        self.clock.follow(step_ns)
        self.stamper.restart()
        self.steps_ns += step_ns
        self.began_ns = self.clock.now_ns()
        if step_ns < 0:
            self.next_era()
        return self.tell(f"by {step_ns / NS:+.1f} s")

    def went_back(self) -> bool:
        """Begin a new era if the clock is behind the stamps of an earlier start; return whether it is."""
        if self.stamper.last_ns <= self.clock.now_ns():
            return False
        self.next_era()
        self.stamper.restart()
        return True

    def next_era(self) -> None:
        """Begin a new era, on the disk before it is used."""
        self.era += 1
        if self.file is None:
            return
        try:
            _replace(self.file, f"{self.era}\n")
        except OSError as error:
            log.error(
                "the number of this era cannot be kept in %s (%s): see that it can be written",
                self.file,
                error,
            )

    def tell(self, detail: str) -> wire.Event:
        """Return the event of a step, and keep it among the problems for a while."""
        log.warning(
            "the clock of this machine was stepped %s; totals go on with the time that passed", detail
        )
        self._told, self._told_at = detail, time.monotonic()
        return wire.Event(0, 0, self.stamper.stamp(), "clock_stepped", "clock", detail=detail)

    def problems(self) -> list[str]:
        """Return what a person should do about the clock."""
        found = []
        if not self.clock.set:
            shown = datetime.fromtimestamp(self.clock.now_ns() / NS, UTC)
            found.append(
                f"the clock of this machine shows {shown:%Y-%m-%d}: nobody has set it. Readings are marked "
                "and stored with that date; set it, or see that NTP reaches its server"
            )
        if self._told and time.monotonic() - self._told_at < TOLD_S:
            found.append(
                f"the clock of this machine was stepped {self._told}; totals are not touched, readings "
                "before bear the old time"
            )
        return found


@dataclass(frozen=True)
class Rejoin:
    """How a saved state is carried over to the clock of this start."""

    step_ns: int = 0
    unsure: bool = False
    """How much time passed is not known."""


def rejoin(saved: CountOfTime, now: CountOfTime, newest_ns: int, clock: Clock, gap_ns: int) -> Rejoin:
    """Decide how far the clock was stepped while the agent was off.

    On the same boot of the machine the monotonic clock tells it exactly. Otherwise a clock that is
    behind the state, or more than a year ahead, tells nothing: the state is put `gap_ns` before now.
    """
    if newest_ns == 0:
        return Rejoin()
    now_ns = clock.now_ns()
    if saved.boot and saved.boot == now.boot:
        step = now.offset_ns - saved.offset_ns
        return Rejoin(step if abs(step) > STEP_NS else 0)
    believed = not clock.follows or NEVER_SET_NS <= newest_ns >= now_ns - LONGEST_OFF_NS
    if newest_ns < now_ns and believed:
        return Rejoin()
    return Rejoin(now_ns - gap_ns - newest_ns, unsure=True)


def take_up(engine: Engine, keeping: Timekeeping, epoch: int, gap_ns: int) -> tuple[list[wire.Event], str]:
    """Carry the engine's state over to this start; return the windows that ended, and what to tell if any."""
    clock, saved, newest_ns = keeping.clock, engine.time, engine.newest_ns()
    now = CountOfTime(_boot() if clock.follows else "", boot_offset_ns(clock), epoch)
    how = rejoin(saved, now, newest_ns, clock, gap_ns)
    closed = engine.shift(newest_ns, clock.now_ns(), how.step_ns, how.unsure) if how.step_ns else []
    engine.time = now
    if not how.step_ns:
        return [], ""
    told = f"by {how.step_ns / NS:+.1f} s while the agent was off"
    return closed, told if not how.unsure else "while the machine was off, by an unknown time"


def read_era(file: Path, otherwise: int) -> int:
    """Return the era on disk, 0 where there is none; `otherwise` if it cannot be read."""
    try:
        return int(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        log.error("the era in %s cannot be read (%s); era %d is begun", file, error, otherwise)
        return otherwise


def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _replace(file: Path, content: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="ascii") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
