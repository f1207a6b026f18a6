"""The verbs of the gateway: run, check, rebuild."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from greenhearth_cli.complaints import PlainError, wrong_values
from greenhearth_cli.options import AsJson, ClockText, ReadyFile, clock_of

app = typer.Typer(no_args_is_help=True, help="The gateway: journal, benchmarks, alarms and the page.")

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the gateway.")]


@app.command()
def run(
    config: ConfigFile,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="In place of the file's broker.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of the journal.")] = Path("gateway-data"),
    http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="In place of the file's http table.")
    ] = None,
    clock: ClockText = None,
    ready_file: ReadyFile = None,
) -> None:
    """Keep what agents send, compare, alarm, and show it, until Ctrl-C or SIGTERM."""
    from greenhearth_gateway.app import GatewayOptions, run_gateway
    from greenhearth_gateway.journal.database import JournalError

    options = GatewayOptions(
        config=config,
        data=data,
        broker=broker,
        http=http,
        clock=clock_of(clock) if clock else None,
        ready_file=ready_file,
    )
    try:
        with wrong_values():
            run_gateway(options)
    except JournalError as error:
        raise PlainError(str(error)) from error


@app.command()
def check(config: ConfigFile, as_json: AsJson = False) -> None:
    """Read a gateway file and the benchmarks; connect to nothing."""
    from greenhearth_cli.show import show_facts
    from greenhearth_gateway.benchmarks import load_benchmarks
    from greenhearth_gateway.config import load_config

    found = load_config(config)
    facts = {
        "gateway": found.gateway.id,
        "broker": f"{found.broker.host}:{found.broker.port}",
        "sites": found.broker.site,
        "page": f"{found.http.host}:{found.http.port}",
        "influx": found.influx.url if found.influx.enabled else "off",
        "alarms": sorted(found.alarms),
        "benchmarks": len(load_benchmarks()),
    }
    show_facts(f"{config} is fine", facts, as_json)


@app.command()
def rebuild(
    data: Annotated[Path, typer.Option(help="Folder of the journal.")] = Path("gateway-data"),
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From here on [UTC]; without: everything.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send the journal to InfluxDB again, from a time on; the gateway must be stopped, and started after."""
    from greenhearth_cli.show import show_facts
    from greenhearth_gateway.app import INFLUX
    from greenhearth_gateway.journal.database import JournalError
    from greenhearth_gateway.store.rebuild import set_back

    try:
        with wrong_values():
            found = set_back(data, INFLUX, _instant_ns(since) if since else 0)
    except JournalError as error:
        raise PlainError(str(error)) from error
    facts = {"items": found.items, "oldest_ns": found.oldest_ns, "next": "start the gateway: it sends them"}
    show_facts(f"{found.items} items will be sent to InfluxDB again", facts, as_json)


def _instant_ns(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no ISO date or time (2026-01-31, 2026-01-31T06:00)") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
