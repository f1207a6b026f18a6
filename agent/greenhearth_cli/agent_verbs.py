"""The verbs of the agent: run, check, read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenhearth_cli.complaints import FAILED, WRONG_USE, PlainError
from greenhearth_cli.options import AsJson, ClockText, ReadyFile, address_of, clock_of

if TYPE_CHECKING:
    from greenhearth_agent.app import Endpoint

app = typer.Typer(no_args_is_help=True, help="The edge daemon beside meters and controllers.")

SiteFile = Annotated[Path, typer.Argument(metavar="SITE", help="TOML file of the site.")]
Endpoints = Annotated[
    Path | None,
    typer.Option(metavar="READYFILE", help="Ready file of a simulator whose addresses hold."),
]


@app.command()
def run(
    site: SiteFile,
    broker: Annotated[str, typer.Option(metavar="HOST:PORT", help="The MQTT broker.")] = "127.0.0.1:1883",
    data: Annotated[Path, typer.Option(help="Folder of the outbox.")] = Path("greenhearth-data"),
    clock: ClockText = None,
    endpoints: Endpoints = None,
    ready_file: ReadyFile = None,
    metrics: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Answer Prometheus there; else as the site file says.")
    ] = "",
) -> None:
    """Read meters, work out intensity, keep and send records, until Ctrl-C or SIGTERM."""
    import asyncio

    from greenhearth.kernel_cache import use_kernel_cache

    use_kernel_cache()  # before the kernels are imported
    from greenhearth_agent.app import AgentOptions, run_agent
    from greenhearth_agent.outbox import OutboxError

    options = AgentOptions(
        site=site,
        broker=address_of(broker, "--broker"),
        data=data,
        clock=clock_of(clock),
        endpoints=_endpoints(endpoints),
        ready_file=ready_file,
        metrics=address_of(metrics, "--metrics") if metrics else None,
    )
    try:
        asyncio.run(run_agent(options))
    except OutboxError as error:
        raise PlainError(str(error)) from error


@app.command()
def check(site: SiteFile, as_json: AsJson = False) -> None:
    """Read a site file and everything it names; connect to nothing."""
    import msgspec

    from greenhearth_agent.check import check_site
    from greenhearth_cli.show import show_json

    report = check_site(site)
    if as_json:
        show_json(msgspec.to_builtins(report))
    else:
        typer.echo(report.text())


@app.command()
def read(site: SiteFile, endpoints: Endpoints = None, as_json: AsJson = False) -> None:
    """Read every point of every meter once, with unit and quality."""
    import asyncio

    import msgspec

    from greenhearth.kernel_cache import use_kernel_cache

    use_kernel_cache()  # before the kernels are imported
    from greenhearth_agent.read import read_once
    from greenhearth_cli.show import show_json, show_readings

    report = asyncio.run(read_once(site, _endpoints(endpoints)))
    if as_json:
        show_json(msgspec.to_builtins(report))
    else:
        show_readings(report)
    raise typer.Exit(FAILED if report.faults else 0)


def _endpoints(ready_file: Path | None) -> "dict[str, Endpoint]":
    """Return the addresses in a simulator's ready file."""
    from greenhearth_agent.app import read_endpoints

    if ready_file is None:
        return {}
    try:
        return read_endpoints(ready_file)
    except (OSError, ValueError) as error:
        raise PlainError(f"{ready_file} is not a ready file of a simulator ({error})", WRONG_USE) from error
