"""The simulator as a program: plants, controllers, control port and ready file in one event loop."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greenhearth.clock import Clock
from greenhearth.historian import load_archive
from greenhearth.ready_file import write_ready
from greenhearth.sim.control import Control
from greenhearth.sim.controllers import FURNACE, KILN_LINE, LINE_CONTROLLER, POTLINE, REPLAY
from greenhearth.sim.furnace import Furnace
from greenhearth.sim.grid import Values
from greenhearth.sim.kiln import Kiln
from greenhearth.sim.live import Live, Plant
from greenhearth.sim.potline import Potline
from greenhearth.sim.ptyline import PtyLine
from greenhearth.sim.registers import Table
from greenhearth.sim.replay import Replay
from greenhearth.sim.servers import Controller, Endpoint

if TYPE_CHECKING:
    from greenhearth.sim.cases import LineCase

PLANTS: dict[str, type[Furnace | Kiln | Potline]] = {"furnace": Furnace, "kiln": Kiln, "cell": Potline}
HISTORIAN = "historian"
_ENDPOINT_OF = {"furnace": "furnace_plc", "kiln": "kiln_line", "cell": "potline_plc", HISTORIAN: "historian"}
_UNITS: dict[str, dict[int, Table]] = {
    "furnace": {1: FURNACE}, "kiln": KILN_LINE, "cell": {1: POTLINE}, HISTORIAN: {1: REPLAY},
}  # fmt: skip
CASES = "cases"
"""Endpoint of the declared cases: one unit for each, from 1 on."""
MOST_CASES = 247
_CATCH_UP_S = 0.2


@dataclass(frozen=True)
class SimOptions:
    """What to simulate, and how fast."""

    plants: tuple[str, ...] = ("furnace", "kiln", "cell")
    """Of `PLANTS`; ignored when a file is replayed."""
    clock: Clock | None = None
    """The shared clock; None: one that starts now (or where the file begins) at `speed`."""
    speed: float = 1.0
    seed: int = 1
    ready_file: Path | None = None
    """Written when everything answers."""
    replay: Path | None = None
    """A historian's CSV to serve instead of plants; needs `site`."""
    site: Path | None = None
    """The site file whose ``[history]`` says how to read it."""
    host: str = "127.0.0.1"
    baud: int = 19200
    """Of the kiln's line; 0: as fast as it goes."""
    cases: tuple[str, ...] = ()
    """Declared cases to make beside the plants: names on the shelf, or paths of TOML files."""
    batch_minutes: float = 0.0
    """Length of a batch of the cases, in place of what they say; 0: as they say."""
    write_site: Path | None = None
    """Where the site file of the cases goes, before the ready file is written."""


class Works:
    """Running plants with everything that serves them; use as an async context manager."""

    def __init__(self, options: SimOptions) -> None:
        self.options = options
        self.cases = _cases(options)
        plants, self.clock = _build(options)
        plants |= _case_plants(self.cases, options.seed, self.clock.now_ns())
        self.plants = {name: Live(name, plant, self.clock) for name, plant in plants.items()}
        self.endpoints = self._endpoints()
        self.control = Control(self.plants, self.endpoints)
        self.addresses: dict[str, dict[str, Any]] = {}
        self._line: PtyLine | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Works":
        try:
            for name, endpoint in self.endpoints.items():
                self.addresses[name] = await self._listen(name, endpoint)
            self.control_port = await self.control.listen(self.options.host)
        except OSError:
            await self._close()
            raise
        self._keeper = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    def _endpoints(self) -> dict[str, Endpoint]:
        """Return the plants' controllers, and one endpoint with a unit for each case."""
        cases = {one.name: unit for unit, one in enumerate(self.cases, 1)}
        found = {_ENDPOINT_OF[k]: _endpoint(k, live) for k, live in self.plants.items() if k not in cases}
        units = {unit: Controller(LINE_CONTROLLER, self.plants[name]) for name, unit in cases.items()}
        return found | ({CASES: Endpoint(units)} if units else {})

    async def _listen(self, name: str, endpoint: Endpoint) -> dict[str, Any]:
        if name != "kiln_line":
            return {"host": self.options.host, "port": await endpoint.listen_tcp(self.options.host)}
        self._line = PtyLine(self.options.baud, self.clock.speed)
        self._line.open()
        await endpoint.listen_serial(self._line.far_device)
        return {"device": self._line.device}

    async def _close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self.control.close()
        for endpoint in self.endpoints.values():
            await endpoint.close()
        if self._line is not None:
            self._line.close()

    async def _keep_up(self) -> None:
        """Move the plants on even when nobody reads, so that no read has a long past to compute."""
        while True:
            for live in self.plants.values():
                live.advance()
            await asyncio.sleep(_CATCH_UP_S)

    def write_site(self, path: Path) -> None:
        """Write a site file for the cases; ValueError when there are none, or another file is in the way."""
        from greenhearth.sim.case_site import write_site

        if not self.cases:
            raise ValueError("a site file is written for cases; name some with --case")
        address = self.addresses[CASES]
        write_site(path, self.cases, address["host"], address["port"], self.clock.speed)

    def ready(self) -> dict[str, Any]:
        """Return what the ready file says."""
        return {
            "pid": os.getpid(),
            "clock": self.clock.to_text(),
            "endpoints": self.addresses,
            "control": {"host": self.options.host, "port": self.control_port},
        }


async def run_sim(options: SimOptions) -> None:
    """Simulate until SIGINT or SIGTERM.

    Raises:
        ValueError: an unknown plant, a replay without a site file or a site without ``[history]``.
        OSError: a port or a serial line cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with Works(options) as works:
            if options.write_site is not None:
                works.write_site(options.write_site)
            if options.ready_file is not None:
                write_ready(options.ready_file, works.ready())
            await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _build(options: SimOptions) -> tuple[dict[str, Plant], Clock]:
    if options.replay is not None:
        if options.site is None:
            raise ValueError("a replay needs the site file whose [history] says how to read the CSV")
        replay = Replay(load_archive(options.replay, options.site))
        return {HISTORIAN: replay}, options.clock or Clock.fast(options.speed, replay.starts_ns)
    unknown = set(options.plants) - set(PLANTS)
    if unknown:
        raise ValueError(f"no plant '{min(unknown)}'; there are {', '.join(PLANTS)}")
    clock = options.clock or Clock.fast(options.speed, Clock.real().t_anchor_ns)
    start = clock.now_ns()
    return {name: PLANTS[name](options.seed, start) for name in options.plants}, clock


def _cases(options: SimOptions) -> "list[LineCase]":
    """Read the declared cases; ConfigError or ValueError for what cannot be simulated."""
    if not options.cases:
        return []
    from greenhearth.sim.cases import open_cases  # an account's kernels take a second to import

    found = open_cases(options.cases, options.batch_minutes)
    taken = {HISTORIAN} if options.replay else set(options.plants)
    if len(found) > MOST_CASES:
        raise ValueError(f"{len(found)} cases are too many: an endpoint has {MOST_CASES} units")
    for one in found:
        if one.name in taken:
            raise ValueError(f"the case '{one.name}' is called like a plant; give its file another name")
    return found


def _case_plants(cases: "list[LineCase]", seed: int, start_ns: int) -> dict[str, Plant]:
    if not cases:
        return {}
    from greenhearth.sim.case_plant import CaseLine
    from greenhearth.sim.case_potline import CasePotline

    blank: Values = dict.fromkeys((one.value for one in LINE_CONTROLLER.fields), float("nan"))
    kinds = {"": CaseLine, "potline": CasePotline}
    return {one.name: kinds[one.process.kernel](one, blank, seed, start_ns) for one in cases}


def _endpoint(name: str, live: Live) -> Endpoint:
    return Endpoint({unit: Controller(table, live) for unit, table in _UNITS[name].items()})
