"""The HTTP face: JSON under /api/v1, the live stream, and the page itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from greenhearth.metrics import METRICS, WINDOWS
from greenhearth.prometheus import CONTENT_TYPE
from greenhearth.strict import nearest_name
from greenhearth_gateway.alarms.engine import NothingToAckError
from greenhearth_gateway.overview import series_views
from greenhearth_gateway.store.embedded import MOST_POINTS
from greenhearth_gateway.web import restated_types, types
from greenhearth_gateway.web.headers import SafeHeaders
from greenhearth_gateway.web.house import House, NotWrittenError
from greenhearth_gateway.web.stream import Stream

PAGE = Path(__file__).parent / "page"
MOST_MINUTES = 60 * 24 * 400
Minutes = Annotated[float, Query(gt=0, le=MOST_MINUTES)]
Points = Annotated[int, Query(ge=2, le=MOST_POINTS)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Hours = Annotated[int, Query(ge=1, le=24 * 31)]
TimeNs = Annotated[int | None, Query(ge=0, lt=1 << 63)]


def build_app(house: House, stream: Stream, metrics: Callable[[], bytes] | None = None) -> FastAPI:
    """Return the application; nothing runs before it is served. `metrics` answers Prometheus."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pushing = asyncio.create_task(stream.run())
        yield
        pushing.cancel()
        with suppress(asyncio.CancelledError):
            await pushing

    app = FastAPI(
        title="greenhearth gateway",
        version=version("greenhearth"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(SafeHeaders)
    _add_live(app, house, stream)
    _add_history(app, house)
    _add_alarms(app, house)
    _add_restated(app, house)
    if metrics is not None:
        _add_metrics(app, metrics)
    app.mount("/static/dygraphs", StaticFiles(packages=[("dygraphs", "assets")]), name="dygraphs")
    app.mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False), name="page")
    return app


def _add_live(app: FastAPI, house: House, stream: Stream) -> None:
    @app.get("/api/v1/overview")
    def overview() -> types.Overview:
        """Everything the operator's screen shows."""
        return house.overview()

    @app.get("/api/v1/live", response_class=StreamingResponse)
    async def live() -> StreamingResponse:
        """Server-sent events: `overview` on every change, `beat` once a second."""
        if stream.is_full:
            raise HTTPException(503, "too many open pages; close one")
        return StreamingResponse(stream.events(), media_type="text/event-stream")

    @app.get("/api/v1/reconciliation")
    def reconciliation() -> list[types.ReconciliationView]:
        """measured = stored + waiting + quarantined + dropped, for every agent."""
        return house.reconciliation()

    @app.get("/api/v1/reconciliation/hours")
    def hours(agent: str = "", hours: Hours = 24) -> list[types.AgentHours]:
        """The same for every of the last UTC hours of data time, the running one included."""
        if agent:
            _known_if_any("agent", agent, house.agent_names())
        return house.hours(agent, hours)

    @app.get("/api/v1/quarantine")
    def quarantine(limit: Limit = 50) -> list[types.QuarantineView]:
        """What was refused as data, with the reason, newest first."""
        return house.quarantine(limit)

    @app.get("/api/v1/benchmarks")
    def benchmarks() -> list[types.BenchmarkView]:
        """The published figures that lines are held against."""
        return house.benchmarks()

    @app.get("/healthz")
    def healthz() -> types.Health:
        """Whether the gateway works, and what is wrong if it does not."""
        return house.health()


def _add_history(app: FastAPI, house: House) -> None:
    @app.get("/api/v1/lines/{line}/trend")
    def trend(
        line: str,
        metric: str = "energy_kwh_per_t",
        window: str = "15min",
        minutes: Minutes = 60,
        points: Points = 600,
    ) -> types.Trend:
        """One metric of one line over the last minutes, thinned to at most `points`."""
        _known("metric", metric, METRICS)
        _known("window", window, WINDOWS)
        _known_if_any("line", line, house.line_names())
        return house.trend(line, metric, window, minutes, points)

    @app.get("/api/v1/lines/{line}/batches")
    def batches(line: str, limit: Limit = 50) -> list[types.FinishedView]:
        """The last finished batches and windows of a line, newest first."""
        _known_if_any("line", line, house.line_names())
        return house.batches(line, limit)

    @app.get("/api/v1/series")
    def series() -> list[types.SeriesView]:
        """Every series with its last reading."""
        return series_views(house.scene)

    @app.get("/api/v1/series/{name}/history")
    def history(
        name: str, from_ns: TimeNs = None, to_ns: TimeNs = None, points: Points = MOST_POINTS
    ) -> types.History:
        """Readings of one series, by default of the last hour."""
        _known_if_any("series", name, house.series_names())
        return house.history(name, from_ns, to_ns, points)


def _add_alarms(app: FastAPI, house: House) -> None:
    @app.get("/api/v1/alarms")
    def alarms() -> types.Alarms:
        """All alarms with their states, and the last 200 rows of their journal."""
        return house.alarms()

    @app.post("/api/v1/alarms/{alarm_id}/ack")
    def acknowledge(alarm_id: str, request: types.AckRequest) -> types.Alarms:
        """Acknowledge an alarm by name of the operator."""
        _known("alarm", alarm_id, house.scene.config.alarms)
        try:
            house.acknowledge(alarm_id, request.who)
        except NothingToAckError as error:
            raise HTTPException(409, str(error)) from error
        except NotWrittenError as error:
            raise HTTPException(503, "the journal cannot be written now; try again shortly") from error
        return house.alarms()


def _add_restated(app: FastAPI, house: House) -> None:
    @app.get("/api/v1/restatements")
    def restatements(line: str, limit: Limit = 50) -> list[restated_types.RestatementView]:
        """Stored figures of a line beside what they are with later factors, newest window first."""
        _known_if_any("line", line, house.line_names())
        return house.restatements(line, limit)

    @app.get("/api/v1/factor-sets/{name}")
    def factor_set(name: str) -> restated_types.FactorSetView:
        """The factors that the name of a set stands for, as the agent told them at its start."""
        found = house.factor_set(name)
        if found is None:
            raise HTTPException(404, f"no birth in the journal tells the factors of '{name}'")
        return found


def _add_metrics(app: FastAPI, metrics: Callable[[], bytes]) -> None:
    @app.get("/metrics", response_class=Response)
    def scrape() -> Response:
        """All counts in the text form of Prometheus."""
        return Response(metrics(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def _known(what: str, name: str, names: Iterable[str]) -> None:
    """Answer 404 for a name that is not one of `names`, with the nearest one."""
    known = list(names)
    if name not in known:
        near = nearest_name(name, known)
        raise HTTPException(404, f"no {what} '{name}'" + (f"; did you mean '{near}'?" if near else ""))


def _known_if_any(what: str, name: str, names: list[str]) -> None:
    """As :func:`_known`, but before the first data every name gets an empty answer."""
    if names:
        _known(what, name, names)
