"""``greenhearth``: the verbs. Whatever a verb needs is imported when it runs, so that help is quick."""

import logging
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from greenhearth_cli import agent_verbs, gateway_verbs, recompute
from greenhearth_cli.account import account
from greenhearth_cli.baseline_verb import baseline
from greenhearth_cli.complaints import Verbs, wrong_values
from greenhearth_cli.options import AsJson, ClockText, ReadyFile
from greenhearth_cli.supervise import die_with_parent

app = typer.Typer(
    name="greenhearth",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 fine, 1 it failed, 2 wrong usage or configuration, 130 stopped by Ctrl-C.",
)
app.add_typer(agent_verbs.app, name="agent")
app.add_typer(gateway_verbs.app, name="gateway")
app.command()(recompute.recompute)
app.command()(baseline)
app.command()(account)

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@app.callback()
def greenhearth(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every detail.")] = False,
) -> None:
    """Live energy and CO2 intensity of furnaces, kilns and electrolysis cells."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=LOG_FORMAT)
    die_with_parent()


@app.command()
def version() -> None:
    """Print the version."""
    from greenhearth import __version__

    typer.echo(f"greenhearth {__version__}")


@app.command()
def demo(
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, help="End after so many seconds, counted from when the page answers."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="How much faster than life the plants run.")
    ] = 1.0,
    as_json: AsJson = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8080,
    data: Annotated[Path, typer.Option(help="Folder of the run; emptied at each start.")] = Path(".run/demo"),
) -> None:
    """Start three simulated plants, a broker, a gateway, an agent and the page."""
    from greenhearth_cli.demo import DemoOptions, run_demo

    options = DemoOptions(seconds=seconds, speed=speed, as_json=as_json, port=port, data=data.absolute())
    raise typer.Exit(run_demo(options))


@app.command()
def sim(  # noqa: PLR0913 - each is an option of the verb
    plants: Annotated[
        str | None,
        typer.Option(help="Which plants, separated by commas: furnace,kiln,cell, or none beside cases."),
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="CASE", help="Make what a case declares: its name, a TOML file, or 'all'."),
    ] = None,
    batch_minutes: Annotated[
        float, typer.Option(min=0, help="Length of the cases' batches; 0: as the cases say.")
    ] = 0.0,
    write_site: Annotated[
        Path | None,
        typer.Option(help="Write a site file for the cases here, with the real addresses."),
    ] = None,
    list_cases: Annotated[bool, typer.Option("--list", help="List the cases of the shelf and end.")] = False,
    replay: Annotated[Path | None, typer.Option(help="A CSV file to serve instead; needs --site.")] = None,
    site: Annotated[
        Path | None, typer.Option(help="Site file whose history table tells how to read it.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How much faster than life.")] = 1.0,
    clock: ClockText = None,
    seed: Annotated[int, typer.Option(help="Another seed, another day at the works.")] = 1,
    ready_file: ReadyFile = None,
) -> None:
    """Serve simulated plants, declared cases, or a replayed history, over Modbus TCP and a serial line."""
    import asyncio

    from greenhearth.kernel_cache import use_kernel_cache
    from greenhearth.sim.app import PLANTS, SimOptions, run_sim
    from greenhearth_cli.options import clock_of, names_of

    use_kernel_cache()  # reading a case imports the kernels
    if list_cases:
        from greenhearth_cli.show import show_cases

        show_cases()
        raise typer.Exit
    options = SimOptions(
        plants=names_of(",".join(() if case else PLANTS) if plants is None else plants),
        cases=tuple(case or ()),
        batch_minutes=batch_minutes,
        write_site=write_site,
        clock=clock_of(clock) if clock else None,
        speed=speed,
        seed=seed,
        ready_file=ready_file,
        replay=replay,
        site=site,
    )
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it calls a client that left an error
    with wrong_values():
        asyncio.run(run_sim(options))


@app.command()
def history(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A historian's CSV.")],
    site: Annotated[Path, typer.Option(help="Site file whose history table says what the columns mean.")],
    as_json: AsJson = False,
) -> None:
    """Run a historian's file through the same kernels, at once."""
    import msgspec

    from greenhearth.kernel_cache import use_kernel_cache
    from greenhearth_cli.show import show_history, show_json

    use_kernel_cache()  # before the kernels are imported
    from greenhearth.history import run_history

    report = run_history(file, site)
    if as_json:
        show_json(msgspec.to_builtins(report))
    else:
        show_history(report)


@app.command()
def catalogue(
    text: Annotated[
        list[str] | None, typer.Argument(help="Words that id, title, source or value must all hold.")
    ] = None,
    kind: Annotated[
        Literal["factors", "benchmarks", "methods"] | None,
        typer.Option(help="Only factors, only benchmarks, or the methods with their arguments."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List factors and published figures with value, unit, source and validity; or the methods."""
    from greenhearth_cli.catalogue import run_catalogue

    run_catalogue(" ".join(text or []), kind or "", as_json)


@app.command(hidden=True)
def broker(
    port: Annotated[int, typer.Option(min=0, max=65535)] = 0,
    ready_file: ReadyFile = None,
) -> None:
    """Serve MQTT on the loopback, for the demo only."""
    from greenhearth_cli.broker import run_broker

    run_broker(port, ready_file)


@app.command(name="compile", hidden=True)
def compile_kernels() -> None:
    """Compile the kernels, so that the first agent need not wait for them."""
    from greenhearth.kernel_cache import use_kernel_cache

    use_kernel_cache()
    from greenhearth import engine, restate_sums

    engine.warm_up()
    restate_sums.warm_up()
    typer.echo(f"kernels are in {os.environ.get('NUMBA_CACHE_DIR', 'memory only: no folder can be written')}")
