"""Whole works for a long time at many times life, and every second what each process holds.

``python -m tests.chaos.soak FOLDER MINUTES [SPEED]`` runs it by hand and prints the figures.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from greenhearth.clock import Clock
from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.shelf import configs_root
from greenhearth_cli.page import Page
from greenhearth_cli.supervise import Child, Family

from ..conftest import Broker
from .outage_works import Screen
from .soak_figures import constancy, drift, share, slope

ROOT = Path(__file__).parents[2]
SITE = configs_root() / "sites" / "demo.toml"
GATEWAY = configs_root() / "sites" / "demo_gateway.toml"
JUDGED = ("agent", "gateway")
SAMPLE_S, SAMPLES = 1.0, 200
"""A sample a second; short runs take more often, to have at least so many."""
MIB_PER_H = 0.1
"""Bar: growth per hour of the plants' time, upper bound of 95 %."""
DRIFT = 0.1
DRIFT_S = 0.02
"""A p99 that rises by less than this on the wall is the machine's, not the product's."""


@dataclass
class Sample:
    """What one process holds at one moment."""

    t_s: float
    rss_mib: float
    private_mib: float
    fds: int
    threads: int


@dataclass
class SoakRun:
    """Everything that was noted."""

    speed: float
    processes: dict[str, list[Sample]] = field(default_factory=dict)
    latency: list[tuple[float, float]] = field(default_factory=list)
    """(time, age on the wall) of every new record on the screen [s]."""
    disk_mb: dict[str, list[float]] = field(default_factory=dict)
    records: int = 0
    """Newest sequence number of the agent at the end."""

    def row(self, name: str, what: str) -> tuple[list[float], list[float]]:
        """Return times [s] and one kind of value of a process."""
        samples = self.processes[name]
        return [one.t_s for one in samples], [float(getattr(one, what)) for one in samples]


def look(pid: int, t_s: float) -> Sample:
    """Look at one process; OSError when it has ended."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    private = sum(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Private_")
    )
    fds = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return Sample(t_s, int(status["VmRSS"].split()[0]) / 1024, private / 1024, fds, int(status["Threads"]))


def disk_mb(folder: Path) -> float:
    """Return what the files under a folder take [MB]; one that goes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total / 1e6


class SoakWorks:
    """The demonstration works as processes: three plants, one on a serial line, agent, gateway, store."""

    def __init__(self, folder: Path, broker: Broker, speed: float, influx: str = "", leak: int = 0) -> None:
        use_kernel_cache()
        self.folder, self.broker, self.speed = folder, broker, speed
        self.family = Family(folder)
        self.family.start("sim", ["sim", "--speed", str(speed)])
        self.sim = self.family.ready("sim", 60)
        shared = ["--broker", f"{broker.host}:{broker.port}", "--clock", self.sim["clock"]]
        where = ["--http", "127.0.0.1:0", "--data", str(folder / "gateway")]
        self.family.start("gateway", ["gateway", "run", str(self._config(influx)), *where, *shared])
        self.page = Page(self.family.ready("gateway", 60)["http"])
        where = ["--endpoints", str(folder / "sim.json"), "--data", str(folder / "agent")]
        self._start_agent(["agent", "run", str(SITE), *where, *shared], leak)

    def _config(self, influx: str) -> Path:
        path, text = self.folder / "gateway.toml", GATEWAY.read_text(encoding="utf-8")
        if influx:
            head, _, tail = text.partition("[influx]\nenabled = false\nurl = ")
            assert tail, "the demonstration's gateway file has another form"
            text = f'{head}[influx]\nenabled = true\nurl = "{influx}"{tail[tail.index(chr(10)) :]}'
        path.write_text(text, encoding="utf-8")
        return path

    def _start_agent(self, verb: list[str], leak: int) -> None:
        if not leak:
            self.family.start("agent", verb)
        else:
            log, ready = self.folder / "agent.log", self.folder / "agent.json"
            argv = [
                sys.executable,
                "-m",
                "tests.chaos.soak_leak",
                str(leak),
                *verb,
                "--ready-file",
                str(ready),
            ]
            with log.open("ab") as out:
                process = subprocess.Popen(argv, cwd=ROOT, stdout=out, stderr=out, process_group=0)
            self.family.children["agent"] = Child("agent", log, ready, process)
        self.family.ready("agent", 120)

    def pids(self) -> dict[str, int]:
        """Return all processes that are looked at."""
        found = {name: child.process.pid for name, child in self.family.children.items()}
        return found | ({"broker": self.broker.process.pid} if self.broker.process else {})

    def end(self) -> None:
        """End all of them in order."""
        self.family.end_all(("agent", "gateway", "sim"))


def soak(works: SoakWorks, seconds: float, others: dict[str, int], tell: Callable[[str], None]) -> SoakRun:
    """Watch running works for `seconds` of the wall; `others` are further processes to look at."""
    clock = Clock.from_text(works.sim["clock"])
    run = SoakRun(works.speed)
    screen = Screen(works.page, 0, clock)
    began, beat_s = time.monotonic(), min(SAMPLE_S, seconds / SAMPLES)
    while (passed := time.monotonic() - began) < seconds:
        works.family.check()
        for name, pid in {**works.pids(), **others}.items():
            run.processes.setdefault(name, []).append(look(pid, passed))
        for part in ("agent", "gateway"):
            run.disk_mb.setdefault(part, []).append(disk_mb(works.folder / part))
        run.latency += [(passed, age) for age in screen.take()]
        if int(passed) % 60 < beat_s:
            tell(json.dumps({name: asdict(rows[-1]) for name, rows in run.processes.items()}))
        time.sleep(max(0.0, beat_s - (time.monotonic() - began - passed)))  # the beat of the samples
    run.records = max(one.measured for one in works.page.overview().reconciliation)
    screen.close()
    return run


def judge(run: SoakRun, seed: int) -> dict[str, Any]:
    """Return the figures of a run; slopes per hour of the plants' time."""
    times, ages = zip(*run.latency, strict=True) if run.latency else ((0.0,), (float("nan"),))
    wall_s = max(rows[-1].t_s for rows in run.processes.values())
    figures: dict[str, Any] = {
        "seed": seed, "speed": run.speed, "wall_s": round(wall_s), "plant_hours": wall_s * run.speed / 3600,
        "items": run.records, "live_n": len(ages),
        "live_p50_s": round(share(ages, 0.5), 4), "live_p99_s": round(share(ages, 0.99), 4),
        "p99_drift": drift(times, ages, 0.99) if len(ages) > 200 else None,
        "disk_mb": {name: [rows[0], rows[-1]] for name, rows in run.disk_mb.items()},
    }  # fmt: skip
    for name in run.processes:
        figures[name] = _judge_process(run, name, seed)
    return figures


def _judge_process(run: SoakRun, name: str, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for what in ("rss_mib", "private_mib"):
        per_s = slope(*run.row(name, what), seed)
        factor = 3600 / run.speed
        found[f"{what}_per_h"] = {key: round(value * factor, 4) for key, value in asdict(per_s).items()}
    found["rss_mib"] = [round(run.row(name, "rss_mib")[1][0], 1), round(run.row(name, "rss_mib")[1][-1], 1)]
    for what in ("fds", "threads"):
        count = constancy(*run.row(name, what))
        found[what] = {**asdict(count), "holds": count.holds}
    return found


def main(folder: Path, minutes: float, speed: float) -> None:
    """Run by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broker").mkdir(exist_ok=True)
    broker = Broker(folder / "broker")
    broker.start()
    works = SoakWorks(folder, broker, speed)
    try:
        run = soak(works, minutes * 60, {}, lambda text: print(text, flush=True))
    finally:
        works.end()
        broker.kill()
    (folder / "samples.json").write_text(json.dumps(asdict(run)))
    figures = judge(run, 1)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 60.0)
