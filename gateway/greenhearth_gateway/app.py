"""The gateway's process: journal, writer, downlink, projections and the web server, in one life."""

import logging
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from greenhearth.clock import Clock
from greenhearth.ready_file import write_ready
from greenhearth_gateway.benchmarks import load_benchmarks
from greenhearth_gateway.clock_watch import ClockWatch
from greenhearth_gateway.config import Config, influx_secret, load_config, split_address
from greenhearth_gateway.downlink import Downlink
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.journal.database import FILE_NAME, only_one, suspect
from greenhearth_gateway.journal.opening import open_journal
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.transaction import Commit, Entry
from greenhearth_gateway.journal.writer import Retention, Writer
from greenhearth_gateway.live import Hub
from greenhearth_gateway.measures import Parts
from greenhearth_gateway.overview import Scene
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.store.embedded import EmbeddedStore
from greenhearth_gateway.store.influx import InfluxTarget
from greenhearth_gateway.store.projection import Projection
from greenhearth_gateway.supervised import Supervised
from greenhearth_gateway.web.api import build_app
from greenhearth_gateway.web.house import House
from greenhearth_gateway.web.stream import Stream

log = logging.getLogger(__name__)

GRACE_S = 2
"""How long open requests may take after the end was asked for."""

INFLUX = "influx"


@dataclass(frozen=True)
class GatewayOptions:
    """What the command line may say beside the configuration file."""

    config: Path
    data: Path = Path("gateway-data")
    """Folder of the journal; created where it is missing."""
    broker: str | None = None
    """``HOST:PORT`` in place of [broker]."""
    http: str | None = None
    """``HOST:PORT`` in place of [http]."""
    clock: Clock | None = None
    """Shared clock; None: the wall's."""
    ready_file: Path | None = None
    """Written when the page answers: ``{"pid", "http"}``."""


def run_gateway(options: GatewayOptions) -> None:
    """Run until SIGINT or SIGTERM; ConfigError, JournalError, ValueError or OSError if it cannot start."""
    config = effective_config(options)
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(config))
        stack.enter_context(only_one(options.data))
        gateway = Gateway(config, options.data, options.clock or Clock.real())
        stack.callback(gateway.stop)
        gateway.start()
        _serve(gateway, listener, options.ready_file)


def effective_config(options: GatewayOptions) -> Config:
    """Return the configuration with what the command line changes."""
    config = load_config(options.config)
    if options.broker:
        config.broker.host, config.broker.port = split_address(options.broker, "broker")
    if options.http:
        config.http.host, config.http.port = split_address(options.http, "http")
    return config


class Gateway:
    """All parts but the web server."""

    def __init__(self, config: Config, data: Path, clock: Clock) -> None:
        self.problems = Problems()
        self.inbox: Inbox[Entry] = Inbox()
        self.hub = Hub()
        self._journal = data / FILE_NAME
        self.reader = Reader(data / FILE_NAME, self.problems)
        projections = (INFLUX,) if config.influx.enabled else ()
        self.clock_watch = ClockWatch(clock, self.problems)
        retention = Retention(clock, config.journal.retention_days, projections, self.clock_watch.trusted)
        self.writer = Writer(self._open_journal(), self.inbox, config.alarms, self.problems, retention)
        self.writer.reopen = self._open_again
        self.hub.load(self.reader, self.writer.books, self.writer.alarm_states)
        self.downlink = Downlink(config.broker, config.gateway.id, self.inbox, self.hub, self.problems)
        self.projection = self._influx(config)
        self.scene = Scene(config, clock, self.hub, self.problems, load_benchmarks())
        self.house = House(self.scene, self.reader, EmbeddedStore(self.reader), self.inbox)
        self.measures = Parts(
            self.scene, self.reader, self.inbox, self.writer, self.downlink, self.projection
        )
        self._watching = Supervised("clock", self.clock_watch.run, self.problems)
        self._writing = Supervised("journal writer", self.writer.run, self.problems)
        self._projecting = self._supervise_projection()

    def start(self) -> None:
        """Start writing, projecting and listening, in this order."""
        # the count is told before the agent: what an agent knows to be here is in the count
        self.writer.on_commit += [self.hub.apply, self.downlink.acknowledge, self._tell_projection]
        self.writer.on_refusal += [self.hub.show_unstored, lambda _: self.downlink.settle()]
        self.writer.on_idle.append(self.downlink.settle)
        self._watching.start()
        self._writing.start()
        if self._projecting:
            self._projecting.start()
        self.downlink.start()

    def stop(self) -> None:
        """Stop listening, write what has come, and close."""
        self.downlink.stop()
        self._watching.stopping.set()
        self.clock_watch.stop()
        if self.projection and self._projecting:
            self._projecting.stopping.set()
            self.projection.stop()
            self._projecting.join(15.0)
        self._writing.stopping.set()
        self.writer.stopping.set()
        if self._writing.join(15.0):
            self.writer.close()
        log.info("the gateway has ended")

    def _open_journal(self) -> sqlite3.Connection:
        opened = open_journal(self._journal)
        if opened.sentence:
            self.problems.begin("journal damage", opened.sentence)
        return opened.db

    def _open_again(self) -> sqlite3.Connection:
        suspect(self._journal).touch()
        return self._open_journal()

    def _influx(self, config: Config) -> Projection | None:
        if not config.influx.enabled:
            return None
        target = InfluxTarget(config.influx, influx_secret(config.influx))
        return Projection(INFLUX, target, self.reader, self.inbox, self.problems)

    def _supervise_projection(self) -> Supervised | None:
        if self.projection is None:
            return None
        return Supervised("InfluxDB projection", self.projection.run, self.problems)

    def _tell_projection(self, commit: Commit) -> None:
        if self.projection and commit.entries:
            self.projection.wake()


class _Server(uvicorn.Server):
    """A server that says when it serves, and ends open streams when it ends."""

    def __init__(
        self, config: uvicorn.Config, stream: Stream, ready: dict[str, object], file: Path | None
    ) -> None:
        super().__init__(config)
        self._stream, self._ready, self._file = stream, ready, file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then write the ready file."""
        await super().startup(sockets)
        log.info("the page answers at %s", self._ready["http"])
        if self._file and not self.should_exit:
            write_ready(self._file, self._ready)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, which would otherwise never end, then the server."""
        self._stream.close()
        await super().shutdown(sockets)


def _serve(gateway: Gateway, listener: socket.socket, ready_file: Path | None) -> None:
    house = gateway.house
    stream = Stream(
        lambda: house.overview().model_dump_json().encode(),
        lambda: house.beat().model_dump_json().encode(),
    )
    gateway.hub.on_change.append(stream.poke)
    config = uvicorn.Config(
        build_app(house, stream, gateway.measures.text),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    ready: dict[str, object] = {"pid": os.getpid(), "http": f"http://{shown}:{port}"}
    server = _Server(config, stream, ready, ready_file)
    with _quiet_signals():
        server.run(sockets=[listener])


@contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    """Bind before anything else starts, so that a port in use is said at once."""
    host, port = config.http.host, config.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            why = f"the page cannot be served at {host}:{port} ({error.strerror}); choose another with --http"
            raise OSError(error.errno, why) from error
        yield listener


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the server only: it raises them once more when it has ended."""
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_number: int, _frame: object) -> None:
    return None
