"""The works of the rig with a fault proxy on every link: plant - agent - broker - gateway."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from greenhearth_agent.outbox_count import OutboxSummary, read_outbox
from greenhearth_cli.page import Page

from .evidence import Journal
from .link_faults import BROKER, Episode, carry_out
from .oracle import Oracle, Verdict
from .proxy import FaultProxy
from .works import AGENTS, SITES, RigError, Works, _await, _listens

TICKS = os.sysconf("SC_CLK_TCK")


class LinkWorks(Works):
    """Works without a store; what agents and gateway connect to are proxies."""

    def __init__(self, folder: Path, speed: float, seed: int) -> None:
        super().__init__(folder, speed)
        self.seed = seed
        self.journal_reader = Journal(self.journal)
        broker = ("127.0.0.1", self.broker_port)
        self.proxies = {
            end: FaultProxy(broker, seed + n, mqtt=True).start() for n, end in enumerate(("gateway", *AGENTS))
        }
        config = folder / "gateway.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("[influx]\nenabled = true", "[influx]\nenabled = false"))
        for name in ("gateway", *AGENTS):
            self._say(name, f"127.0.0.1:{self.broker_port}", f"127.0.0.1:{self.proxies[name].port}")
            self._say(name, str(self.truth.ready_file), str(folder / "plant.json"))

    @property
    def links(self) -> list[str]:
        """Every link that has a proxy."""
        return sorted(self.proxies)

    def start(self) -> None:
        """Start everything but a store and wait until all of it answers."""
        self.truth.start()
        _await("the truth PLC", self.truth, self.truth.ready)
        self._put_proxies_before_the_plant()
        self.parts["broker"].start()
        _await("the broker", self.parts["broker"], lambda: _listens(self.broker_port))
        for name in ("gateway", *AGENTS):
            self.parts[name].start()
        for name in ("gateway", *AGENTS):
            _await(f"the {name}", self.parts[name], self.parts[name].ready)

    def destroy(self) -> None:
        """Kill whatever still runs and end the proxies."""
        super().destroy()
        for proxy in self.proxies.values():
            proxy.stop()

    def page(self) -> Page:
        """Return the gateway's page."""
        return Page(self.parts["gateway"].ready()["http"])

    def do(self, rows: list[list[Episode]]) -> None:
        """Carry out rows of episodes side by side; returns when all are over."""
        stop, errors = threading.Event(), []

        def run(row: list[Episode]) -> None:
            try:
                for episode in row:
                    self._carry_out(episode, stop)
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                errors.append(error)
                stop.set()

        threads = [threading.Thread(target=run, args=(row,)) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise RigError(f"a link could not be spoiled: {errors[0]!r}") from errors[0]

    def newest_ns(self, site: str) -> int:
        """Return the time of a site's newest stored record, 0 while there is none."""
        return self.journal_reader.newest_ns(site) if self.journal.exists() else 0

    def recover(self, within_s: float, sites: tuple[str, ...] = SITES) -> float:
        """Wait until records made from now on are stored; return how long that took [s]."""
        began, now_ns = time.monotonic(), self.clock.now_ns()
        self.until("records flow again", within_s, lambda: all(self.newest_ns(s) > now_ns for s in sites))
        return time.monotonic() - began

    def until(self, what: str, within_s: float, condition: Callable[[], object]) -> None:
        """Ask until `condition` is true; RigError with all logs' ends when it does not come."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                ends = "\n".join(f"--- {n}\n{self.parts[n].last_lines()}" for n in ("gateway", *AGENTS))
                raise RigError(f"not within {within_s:g} s: {what}\n{ends}")
            time.sleep(0.05)  # asked again until the deadline

    def cpu_s(self) -> dict[str, float]:
        """Return the processor time that each agent and the gateway has used."""
        return {
            name: _cpu_s(part.process.pid)
            for name, part in self.parts.items()
            if name != BROKER and part.process
        }

    def fault_counts(self) -> Counter[str]:
        """Return what the proxies did, over all links."""
        return sum((proxy.counts for proxy in self.proxies.values()), Counter())

    def drain(self, within_s: float) -> None:
        """Wait until the gateway's public count closes with nothing waiting but what is just made."""
        page = self.page()

        def settled() -> bool:
            rows = page.overview().reconciliation
            return len(rows) == len(SITES) and all(r.difference == 0 and r.waiting < 200 for r in rows)

        self.until("the count closes", within_s, settled)

    def judge(self) -> Verdict:
        """End everything in order and hold what is stored against the truth."""
        oracle = Oracle({site: n for n, site in enumerate(SITES, 1)})
        for site in SITES:
            self._end_agent(site, oracle)
        self.parts["gateway"].end()
        account = self.truth_account()
        for site, item in self.journal_reader.items():
            oracle.take(site, item)
        verdict = oracle.judge({site: one["next_k"] for site, one in account.items()})
        oracle.judge_equal(
            "missing", "records without their birth", 0, self.journal_reader.counted("orphans")
        )
        books = self.journal_reader.stored_by_books()
        for site in SITES:
            measured, stored = self._outbox(site).counts.measured, oracle.stored_items(site)
            oracle.judge_equal("count", f"{site}: measured", stored, measured)
            oracle.judge_equal("count", f"{site}: stored by its books", stored, books.get(site, 0))
        quarantined = self.journal_reader.counted("quarantine", "seq > 0")
        oracle.judge_equal("missing", "quarantined by number", 0, quarantined)
        return verdict

    def _end_agent(self, site: str, oracle: Oracle) -> None:
        part = self.parts[f"agent_{site}"]
        for _ in range(4):
            part.end()
            left = self._outbox(site)
            oracle.promise(site, left.epochs)
            if not left.counts.waiting:
                return
            part.start()  # a loaded machine: the last seconds are sent by one more life
            _await(part.name, part, part.ready)
            self.recover(60, (site,))

    def _outbox(self, site: str) -> OutboxSummary:
        return read_outbox(self.outbox_folder(site) / "agent-edge" / "outbox")

    def _carry_out(self, episode: Episode, stop: threading.Event) -> None:
        if episode.link != BROKER or episode.verb == "quiet":
            proxy = self.proxies.get(episode.link) or next(iter(self.proxies.values()))
            carry_out(episode, proxy, stop) if episode.verb != "quiet" else stop.wait(episode.seconds)
            return
        broker = self.parts["broker"]
        broker.kill()
        stop.wait(min(episode.seconds, 2.0))
        broker.start()  # it keeps nothing: the one that comes back is an empty one

    def _put_proxies_before_the_plant(self) -> None:
        ready = self.truth.ready()
        for n, (bus, endpoint) in enumerate(ready["endpoints"].items(), 10):
            proxy = FaultProxy((endpoint["host"], endpoint["port"]), self.seed + n).start()
            self.proxies[f"plant_{bus}"] = proxy
            endpoint["port"] = proxy.port
        (self.folder / "plant.json").write_text(json.dumps(ready), encoding="utf-8")

    def _say(self, name: str, old: str, new: str) -> None:
        part = self.parts[name]
        part.argv = [word.replace(old, new) for word in part.argv]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
