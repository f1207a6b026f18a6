"""The small works behind a line that breaks: real processes, and what is measured on them."""

import contextlib
import json
import sqlite3
import threading
import time
import urllib.request
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.engine import Engine
from greenhearth.mqtt import Link, LinkOptions
from greenhearth_cli.page import Page
from greenhearth_cli.supervise import Family
from greenhearth_gateway.journal.database import FILE_NAME

from ..conftest import Broker
from ..waiting import until
from .outage_site import Backlog, Maker, write_gateway, write_site


@dataclass
class OutageWorks:
    """Furnace, agent, broker and gateway of the small works."""

    folder: Path
    broker: Broker
    speed: float = 1.0
    family: Family = field(init=False)

    def __post_init__(self) -> None:
        self.family = Family(self.folder)
        self.site = write_site(self.folder)
        self.config = write_gateway(self.folder)

    def start_plant(self) -> None:
        """Start the furnace's controller."""
        self.family.start("sim", ["sim", "--plants", "furnace", "--speed", str(self.speed)])
        self.sim = self.family.ready("sim", 60)

    @property
    def _shared(self) -> list[str]:
        return ["--broker", f"{self.broker.host}:{self.broker.port}", "--clock", self.sim["clock"]]

    def start_gateway(self, http: str = "127.0.0.1:0") -> Page:
        """Start the gateway and return its page."""
        where = ["--http", http, "--data", str(self.folder / "gateway")]
        self.family.start("gateway", ["gateway", "run", str(self.config), *where, *self._shared])
        return Page(self.family.ready("gateway", 60)["http"])

    def start_agent(self) -> None:
        """Start the agent on whatever its outbox holds."""
        where = ["--endpoints", str(self.folder / "sim.json"), "--data", str(self.folder / "agent")]
        self.family.start("agent", ["agent", "run", str(self.site), *where, *self._shared])
        self.family.ready("agent", 120)

    @property
    def clock(self) -> Clock:
        """The clock that plant, agent and gateway share."""
        return Clock.from_text(self.sim["clock"])

    def kill(self, name: str) -> None:
        """Kill one of ours without warning."""
        child = self.family.children.pop(name)
        child.process.kill()
        child.process.wait(10)

    def pids(self) -> dict[str, int]:
        """Return the processes that are measured."""
        found = {name: child.process.pid for name, child in self.family.children.items() if name != "sim"}
        if self.broker.process is not None:
            found["broker"] = self.broker.process.pid
        return found

    def end(self) -> None:
        """End all of ours in order."""
        self.family.end_all(("agent", "gateway", "sim"))


def peak_mib(pid: int) -> float:
    """Return the most memory a process has ever had resident [MiB]."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no VmHWM")


@dataclass
class Counted:
    """What the journal's books say of one epoch."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0


class Journal:
    """The gateway's journal, read while it is written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gateway" / FILE_NAME

    def counted(self, epoch: int) -> Counted:
        """Return the counts of an epoch; zeros while there are none."""
        sql = "SELECT stored, duplicates, quarantined FROM counts WHERE epoch = ?"
        if not self.path.exists():
            return Counted()
        with self._open() as db:
            row = db.execute(sql, (epoch,)).fetchone()
        return Counted(*row) if row else Counted()

    def verdict(self, made: Backlog) -> dict[str, int]:
        """Hold every stored item of an epoch against what was made: four counts that must be 0."""
        times = array("B", bytes(made.items + 1))
        ghost = altered = 0
        with self._open() as db:
            rows = db.execute("SELECT seq, payload FROM items WHERE epoch = ?", (made.epoch,))
            for seq, payload in rows:
                if not 1 <= seq <= made.items:
                    ghost += 1
                    continue
                times[seq] = min(times[seq] + 1, 255)
                altered += zlib.crc32(payload) != made.crcs[seq - 1]
        seen = times[1:]
        doubled = sum(n > 1 for n in seen)
        return {"missing": seen.count(0), "ghost": ghost, "doubled": doubled, "altered": altered}

    def alarms(self) -> int:
        """Return how many transitions any alarm ever made."""
        with self._open() as db:
            (found,) = db.execute("SELECT count(*) FROM alarm_journal").fetchone()
        return int(found)

    def _open(self) -> "contextlib.closing[sqlite3.Connection]":
        return contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10))


class Screen:
    """An open page: hears the live stream and notes how old each new record of the line is."""

    def __init__(self, page: Page, since_ns: int, clock: Clock) -> None:
        """Look at `page`; what was measured before `since_ns` is the past and not noted."""
        self.clock = clock
        self.latencies_s: list[float] = []
        self.backwards = 0
        """How often the line showed something older than before."""
        self._newest = since_ns
        self._began = False
        self._stop = threading.Event()
        self._reply = urllib.request.urlopen(page.address + "/api/v1/live", timeout=60)
        self._thread = threading.Thread(target=self._listen, name="screen", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._reply:
                if self._stop.is_set():
                    return
                if line.startswith(b"data: ") and b'"lines"' in line:
                    self._note(json.loads(line[6:]), self.clock.now_ns())

    def _note(self, overview: dict[str, list[dict[str, int]]], now_ns: int) -> None:
        for line in overview["lines"]:
            if line["t_ns"] > self._newest:
                self._newest = line["t_ns"]
                self.latencies_s.append(self.clock.wall_s((now_ns - line["t_ns"]) / NS))
                self._began = True
            self.backwards += self._began and line["t_ns"] < self._newest

    def take(self) -> list[float]:
        """Return what was noted since the last call [s]."""
        found, self.latencies_s = self.latencies_s, []
        return found

    def close(self) -> None:
        """Hear nothing more."""
        self._stop.set()
        self._thread.join(5)
        self._reply.close()


def show_live(works: OutageWorks, maker: Maker, until_raised: Callable[[], bool]) -> None:
    """Let another agent say live what the backlog said late: it must raise the alarm."""
    link = Link(LinkOptions(works.broker.host, works.broker.port, "probe"))
    link.start()
    until(lambda: link.connected)
    maker.engine = Engine(maker.site.model, maker.site.plan.blocks)
    birth, *records = (item for item in maker.items() if not isinstance(item, wire.Event))
    assert isinstance(birth, wire.Birth)
    birth.agent = "probe"
    epoch = time.time_ns() // 1_000_000 + 60_000  # later than the agent's own: the alarm looks forward only
    for seq, item in enumerate([birth, *records], 1):
        item.epoch, item.seq = epoch, seq
        name = wire.topic("outage", "probe", wire.leaf_of(item))
        until(lambda: link.publish(name, wire.frame_payload(name, "probe", "live", [wire.encode(item)])))  # noqa: B023
    until(until_raised, 20, "a live record above the limit raises the alarm")
    link.stop()


def await_stored(works: OutageWorks, journal: Journal, made: Backlog, within_s: float) -> float:
    """Wait until the whole backlog is in the journal; return how long that took [s]."""
    began = time.monotonic()

    def there() -> bool:
        works.family.check()
        return journal.counted(made.epoch).stored >= made.items

    until(there, within_s, f"{made.items} items of the backlog are stored")
    return time.monotonic() - began
