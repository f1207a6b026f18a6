"""Every process: a simulated line, a real agent that reads it over Modbus, and the account of the same case.

One simulator with a line for each case of the shelf and one agent, as processes. What must agree to
0.5 %: the metrics of finished quarter hours and batches, the account of what the simulator says it
has really made, and the account of the case. Anode effects are two minutes long and need a scan a second;
`tests/sim/test_cases.py` looks at them.
"""

import json
import resource
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenhearth.account import take_inventory
from greenhearth.clock import NS, Clock
from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.sim.cases import ALL, LineCase, known_cases, open_cases
from greenhearth.wire import Birth, Event, Record
from greenhearth_agent.outbox import Outbox
from greenhearth_cli.supervise import Family

from ..agreement import ALLOWED, WITH_PFC, account_of_made, deviations, ratios_of
from ..programs import free_port
from ..waiting import until

SPEED, BATCH_MIN = 100.0, 15.0
"""A quarter of an hour is 9 s, and so is a batch: what a period makes is cut into batches of that length."""
LOOKED_AT_MIN = 62
"""Three whole batches and quarters of an hour, and for potlines an hour: they are accounted by the hour."""
WITHIN_S = 120.0


@dataclass
class Run:
    """What the agent left in its outbox, and what the simulator says it made."""

    lines: list[LineCase]
    birth: Birth
    records: list[Record]
    events: list[Event]
    made: dict[str, dict[str, Any]]
    cpu_s: float
    wall_s: float

    def live(self, line: LineCase) -> dict[str, float | None]:
        """Return the median of every metric over the finished, covered windows of a line."""
        windows = _covered(self.events, line)
        names = windows[0].metrics
        return {name: _median([one.metrics[name].value for one in windows]) for name in names}

    def growth(self, line: LineCase) -> dict[str, float]:
        """Return how much each of a line's counters rose, in periods of its case.

        Batches are looked at when their number has just stepped: nothing flows then.
        """
        names, rows = self.names, self.rows
        first, last = _whole(rows, names, line)
        found = {}
        for one in line.streams:
            if one.channel and not one.is_rate and one.declared:
                k = names[f"{line.name}.{one.role}"]
                found[one.role] = (last[k] - first[k]) / (one.declared * one.scale)
        return found

    @cached_property
    def names(self) -> dict[str, int]:
        """Series by name."""
        return {info.name: k for k, info in enumerate(self.birth.series)}

    @cached_property
    def rows(self) -> list[dict[int, float]]:
        """Return the readings of every record by the number of their series."""
        found = []
        for record in self.records:
            row: dict[int, float] = {}
            for block in record.blocks:
                row.update({block.i + k: x for k, x in enumerate(block.x) if x is not None})
            found.append(row)
        return found


def _whole(
    rows: list[dict[int, float]], names: dict[str, int], line: LineCase
) -> tuple[dict[int, float], dict[int, float]]:
    """Return two readings of a line between which it has made whole batches, or any two far apart."""
    counter = names[f"{line.name}.{next(one.role for one in line.streams if one.channel)}"]
    if not line.batches:
        seen = [row for row in rows if counter in row]
        return seen[0], seen[-1]
    number = names[f"{line.name}.{line.process.batch_role}"]
    seen = [row for row in rows if number in row]
    begun = [b for a, b in pairwise(seen) if a[number] != b[number]]
    return begun[0], begun[-1]


def _covered(events: list[Event], line: LineCase) -> list[Event]:
    window = "batch" if line.batches else "15min"
    what = "batch_finished" if line.batches else "window_finished"
    return [
        event
        for event in events
        if (event.subject, event.what, event.window, event.validity) == (line.name, what, window, 0)
    ]


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _items(outbox: Path, leaf: str, kind: Any) -> list[Any]:
    """Return all that waits: there is no gateway."""
    box = Outbox(outbox, 1 << 40)
    box.open()
    with closing(box):
        entries = [entry for _, entry in box.waiting_after(0, 1 << 40) if entry.leaf == leaf]
    return [msgspec.json.decode(entry.payload, type=kind) for entry in entries]


def _ask(address: dict[str, Any], line: str) -> str:
    with socket.create_connection((address["host"], address["port"]), 5) as sock:
        sock.sendall(f"{line}\n".encode())
        answer = sock.makefile("r", encoding="utf-8").readline().strip()
    assert answer.startswith("ok"), answer
    return answer.removeprefix("ok").strip()


def _run(folder: Path, family: Family) -> Run:
    began, used = time.monotonic(), _cpu_s()
    site = folder / "site.toml"
    cut = ["--batch-minutes", str(BATCH_MIN)]
    family.start("sim", ["sim", "--case", ALL, "--speed", str(SPEED), "--write-site", str(site), *cut])
    sim = family.ready("sim", 40)
    where = ["--clock", sim["clock"], "--broker", f"127.0.0.1:{free_port()}", "--data", str(folder)]
    family.start("agent", ["agent", "run", str(site), *where])
    family.ready("agent", 90)
    outbox, lines = folder / "agent-edge1" / "outbox", open_cases([ALL], BATCH_MIN)

    clock = Clock.from_text(sim["clock"])
    ends_ns = clock.now_ns() + LOOKED_AT_MIN * 60 * NS

    def looked_at() -> bool:
        family.check()
        return clock.now_ns() > ends_ns

    until(looked_at, WITHIN_S, f"{LOOKED_AT_MIN} minutes of the plants have passed")
    made = {line.name: json.loads(_ask(sim["control"], f"made {line.name}")) for line in lines}
    family.end_all(("agent", "sim"))
    births, records = _items(outbox, "birth", Birth), _items(outbox, "records", Record)
    events = _items(outbox, "events", Event)
    return Run(lines, births[0], records, events, made, _cpu_s() - used, time.monotonic() - began)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def live_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One simulator and one agent, looked at by every test here."""
    use_kernel_cache()
    folder = tmp_path_factory.mktemp("every_process")
    family = Family(folder)
    try:
        yield _run(folder, family)
    finally:
        family.end_all(("agent", "sim"))


def test_simulator_live_run_and_account_of_every_process_agree(live_run: Run) -> None:
    worst: dict[str, tuple[float, str]] = {}
    for line in live_run.lines:
        inventory = take_inventory(line.case)
        declared = ratios_of(inventory)
        effects = line.stream("ae_product") or line.stream("ae_overvoltage_product")
        scanned = {name: value for name, value in declared.items() if not (effects and name in WITH_PFC)}
        assert scanned, line.name
        made = account_of_made(line.case, live_run.made[line.name]["amounts"]).metrics
        gaps = {f"{k}, live": v for k, v in deviations(scanned, live_run.live(line)).items()}
        true = deviations(declared, {name: metric.value for name, metric in made.items()})
        gaps |= {f"{k}, made": v for k, v in true.items()}
        name = max(gaps, key=lambda k: gaps[k])
        worst[line.name] = (gaps[name], name)
    report = [
        f"{live_run.wall_s:.0f} s, {live_run.cpu_s:.0f} s of processor, {len(live_run.records)} records"
    ]
    report += [f"{name:24} {100.0 * gap:8.4f} %  {what}" for name, (gap, what) in sorted(worst.items())]
    sys.stdout.write("\n".join(["", *report, ""]))
    assert {name: gap for name, gap in worst.items() if gap[0] > ALLOWED} == {}
    assert set(worst) == set(known_cases())


def test_every_counter_of_every_line_rose_by_its_own_share(live_run: Run) -> None:
    """Streams that no metric holds are read from their own registers too."""
    wrong: dict[str, float] = {}
    for line in live_run.lines:
        growth = live_run.growth(line)
        usual = statistics.median(growth.values())
        assert usual > 0.0, line.name
        wrong |= {f"{line.name}.{k}": v / usual for k, v in growth.items() if abs(v / usual - 1.0) > ALLOWED}
    assert wrong == {}


def test_rates_add_up_to_their_counters(live_run: Run) -> None:
    """A rate on the wrong register is a balance that does not close."""
    sums: dict[str, list[float]] = defaultdict(list)
    names, rows = live_run.names, live_run.rows
    for line in live_run.lines:
        for one in line.streams if not line.batches else []:
            rates = [name for name, role in line.process.roles.items() if role.checks == one.role]
            for rate in rates:
                k = names[f"{line.name}.{rate}"]
                mean = statistics.fmean(row[k] for row in rows if k in row)
                sums[f"{line.name}.{rate}"] = [mean, one.declared * one.rate_scale / line.period_h]
    assert len(sums) > 50
    far = {name: pair for name, pair in sums.items() if abs(pair[0] - pair[1]) > 0.04 * abs(pair[1])}
    assert far == {}
