"""The agent as a whole: puts the parts together, keeps them running, ends them in order."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

import greenhearth
from greenhearth import failpoints, wire
from greenhearth.clock import NS, Clock, Stamper
from greenhearth.engine import Engine, warm_up
from greenhearth.metrics import WINDOWS
from greenhearth.ready_file import write_ready
from greenhearth.site import Site
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.buses.drivers import make_driver
from greenhearth_agent.check import CheckedSite, read_site
from greenhearth_agent.health import Reporter
from greenhearth_agent.hour_count import unfinished
from greenhearth_agent.items import Entry, entry_of
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.pipeline import Numbers, Pipeline
from greenhearth_agent.poller import Poller, PollerLinks, polled_devices
from greenhearth_agent.spool import Spool
from greenhearth_agent.timekeeping import Timekeeping, read_era, take_up
from greenhearth_agent.uplink import Identity, Uplink

log = logging.getLogger(__name__)

HEALTH_S = 1.0
RESTART_S = 1.0
OFF_S = 31.0
"""How long the agent counts as off where its clock cannot tell; rates are not integrated over it."""


class Endpoint(msgspec.Struct):
    """Where a bus really is, in place of what the site file says."""

    host: str = ""
    port: int = 0
    device: str = ""


@dataclass(frozen=True)
class AgentOptions:
    """What `agent run` was told."""

    site: Path
    broker: tuple[str, int] = ("127.0.0.1", 1883)
    data: Path = Path("greenhearth-data")
    clock: Clock = field(default_factory=Clock.real)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    ready_file: Path | None = None
    metrics: tuple[str, int] | None = None
    """Where Prometheus may ask, in place of what the site file says."""


@dataclass
class Agent:
    """All parts of a running agent."""

    checked: CheckedSite
    pipeline: Pipeline
    uplink: Uplink
    spool: Spool
    reporter: Reporter


def read_endpoints(path: Path) -> dict[str, Endpoint]:
    """Read the endpoints of a simulator's ready file; ValueError says what is wrong with it."""

    class _Ready(msgspec.Struct):
        endpoints: dict[str, Endpoint]

    return msgspec.json.decode(path.read_bytes(), type=_Ready).endpoints


def put_endpoints(site: Site, endpoints: Mapping[str, Endpoint]) -> None:
    """Let the buses of a site be where `endpoints` says."""
    for name, endpoint in endpoints.items():
        if name in site.buses:
            given = {k: v for k, v in msgspec.structs.asdict(endpoint).items() if v}
            site.buses[name] = msgspec.structs.replace(site.buses[name], **given)


async def run_agent(options: AgentOptions) -> None:
    """Run an agent until SIGINT or SIGTERM.

    ConfigError when the site file is refused, OutboxError when the data folder cannot be
    used at all; everything else is reported and lived with.
    """
    checked = read_site(options.site)
    put_endpoints(checked.site, options.endpoints)
    outbox = Outbox(_outbox_path(options, checked.site), int(checked.site.agent.outbox_max_mb * 1e6))
    await asyncio.to_thread(_prepare, outbox)
    try:
        agent = _assemble(options, checked, outbox)
    except BaseException:
        outbox.close()
        raise
    agent.reporter.port = agent.reporter.metrics_port(options.metrics, agent.uplink)
    await _run(agent, options)


def _prepare(outbox: Outbox) -> None:
    outbox.open()
    if outbox.moved_aside:
        log.error("a file of the outbox was damaged as a whole and was put aside as %s", outbox.moved_aside)
    if outbox.never_stored:
        log.warning(
            "%d items of earlier starts never reached the disk; counted as dropped", outbox.never_stored
        )
    warm_up()


def _outbox_path(options: AgentOptions, site: Site) -> Path:
    return options.data / f"agent-{site.agent.id}" / "outbox"


def _assemble(options: AgentOptions, checked: CheckedSite, outbox: Outbox) -> Agent:
    """Build all parts and tie them together."""
    site, clock = checked.site, options.clock
    engine = Engine(checked.model, checked.plan.blocks)
    resume(engine, outbox)
    keeping = _timekeeping(clock, engine, outbox, options.data / f"agent-{site.agent.id}" / "era")
    numbers = Numbers(outbox.next_epoch(time.time_ns() // 1_000_000), era=keeping.era)
    back = keeping.went_back()
    birth = entry_of(numbers.take(_birth(checked, engine, keeping.stamper.stamp())))
    also = _rejoin(engine, keeping, numbers, site.agent.scan_interval_s, back)
    uplink = Uplink(Identity(site.head.id, site.agent.id, numbers.epoch, options.broker), birth)
    spool = uplink.store = Spool(outbox, numbers.epoch, uplink.offer)
    pipeline = Pipeline(clock, keeping.stamper, site.agent.scan_interval_s, engine, numbers, spool=spool)
    pipeline.keeping, pipeline.outbox_bytes = keeping, outbox.max_bytes
    pipeline.buffer = ScanBuffer(checked.plan, pipeline.written)
    pipeline.pollers = _pollers(checked, pipeline, pipeline.buffer)
    pipeline.hours.agent = site.agent.id
    pipeline.begin(birth, unfinished(outbox.counts), also)
    return Agent(checked, pipeline, uplink, spool, Reporter(site, checked.plan, pipeline, spool, outbox))


def resume(engine: Engine, outbox: Outbox) -> int:
    """Bring the kernels to where they were; return how many records were replayed for it."""
    saved = outbox.state()
    if saved is None:
        return 0
    try:
        engine.restore(saved)
    except ValueError as error:
        log.warning("%s; totals of running batches and windows begin anew", error)
        return 0
    replayed = 0
    for record in outbox.since_state():
        engine.apply(record)
        replayed += 1
    log.info("took up the saved state and %d records after it", replayed)
    return replayed


def _timekeeping(clock: Clock, engine: Engine, outbox: Outbox, file: Path) -> Timekeeping:
    """Return the stamps of this start: of the era before, as long as they come after its own."""
    era = read_era(file, time.time_ns() // NS)
    last, newest = outbox.last_t_ns(), engine.newest_ns()
    if era and 0 < newest < clock.now_ns() < last:
        last = newest  # what is ahead was stamped in an earlier era
    return Timekeeping(clock, Stamper(clock, last), file, era)


def _rejoin(
    engine: Engine, keeping: Timekeeping, numbers: Numbers, interval_s: float, back: bool
) -> list[Entry]:
    """Carry the state over to the clock of this start; return what there is to tell of it."""
    gap_ns = round(max(OFF_S, 6.0 * interval_s) * NS)
    closed, told = take_up(engine, keeping, numbers.epoch, gap_ns)
    entries = [entry_of(numbers.take(event)) for event in closed]
    numbers.era = keeping.era
    if back or told:
        told = told or "back while the agent was off"
        entries.append(entry_of(numbers.take(keeping.tell(told))))
    return entries


def _birth(checked: CheckedSite, engine: Engine, t_ns: int) -> wire.Birth:
    site, model = checked.site, checked.model
    return wire.Birth(
        epoch=0,
        seq=0,
        t_ns=t_ns,
        site=site.head.id,
        agent=site.agent.id,
        software=f"greenhearth {greenhearth.__version__}",
        series=model.series_info(),
        lines=model.line_info(),
        windows=list(WINDOWS),
        metrics=engine.metrics,
        metric_units=engine.metric_units,
    )


def _pollers(checked: CheckedSite, pipeline: Pipeline, buffer: ScanBuffer) -> list[Poller]:
    site, stamper = checked.site, pipeline.stamper
    links = PollerLinks(buffer, stamper, pipeline.scan_ended, pipeline.device_changed)
    return [
        Poller(make_driver(site, name, stamper.stamp), polled_devices(site, checked.plan, name), links)
        for name in site.buses
    ]


async def _run(agent: Agent, options: AgentOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await agent.spool.flush()
    failpoints.reached("agent.epoch_opened")
    tasks = [asyncio.create_task(_supervise(name, work), name=name) for name, work in _works(agent).items()]
    if options.ready_file is not None:
        ready = {"pid": os.getpid(), "epoch": agent.spool.epoch, "agent": agent.checked.site.agent.id}
        write_ready(options.ready_file, ready)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await _end(agent, tasks)


def _works(agent: Agent) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return everything that runs for as long as the agent does, by name."""
    pipeline = agent.pipeline
    return {
        "outbox": agent.spool.run,
        "uplink": agent.uplink.run,
        "records": pipeline.gather,
        "wall clock": pipeline.watch_clock,
        "health": lambda: _report_health(agent),
        **{f"bus {poller.bus.name}": poller.run for poller in pipeline.pollers},
        "scan clock": pipeline.tick,
        **({"metrics": agent.reporter.port.run} if agent.reporter.port else {}),
    }


async def _end(agent: Agent, tasks: list[asyncio.Task[None]]) -> None:
    """Stop measuring, store and send the rest, say goodbye."""
    await _cancel([task for task in tasks if task.get_name() != "uplink"])
    agent.pipeline.end()
    await agent.spool.flush()
    await _last_acks(agent)
    agent.uplink.publish_health(agent.reporter.report())
    await _cancel(tasks)
    await agent.uplink.stop()
    await agent.spool.close()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """End tasks; asked again, because `wait_for` in a library may swallow a cancellation (3.11)."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)


async def _last_acks(agent: Agent, at_most_s: float = 2.0) -> None:
    """Give the gateway a moment to acknowledge the rest; what it does not, waits for the next start."""
    deadline = time.monotonic() + at_most_s
    while agent.uplink.link.connected and agent.uplink.lanes.trusted and time.monotonic() < deadline:
        await agent.spool.flush()
        if agent.spool.counts().waiting == 0:
            return
        await asyncio.sleep(0.05)


async def _supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run one part for ever; a defect in it is logged and it is started again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the task '%s' failed; it is started again", name)
        await asyncio.sleep(RESTART_S)


async def _report_health(agent: Agent) -> None:
    while True:
        agent.uplink.publish_health(agent.reporter.report())
        await asyncio.sleep(HEALTH_S)


__all__ = ["AgentOptions", "Endpoint", "put_endpoints", "read_endpoints", "run_agent"]
