"""``greenhearth recompute``: stored history with other factors, beside the old figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenhearth_cli.options import AsJson

if TYPE_CHECKING:
    from rich.console import Console

    from greenhearth.restatement import Figure, Restatement

ROWS = 12
"""Windows shown in the table; all of them are in the JSON."""


def recompute(  # noqa: PLR0913 - one argument per option
    data: Annotated[Path, typer.Option(help="Folder of a gateway's data, or its journal file.")],
    site: Annotated[Path, typer.Option(help="Site file of the agent that measured.")],
    factors: Annotated[
        Path | None, typer.Option(help="TOML file of new factors; each says since when it is known.")
    ] = None,
    known_at: Annotated[str, typer.Option(help="Use what the catalogue knew on this day.")] = "",
    line: Annotated[str, typer.Option(help="One line; otherwise all of the site.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Windows that begin from this ISO time on, UTC.")] = "",
    to: Annotated[str, typer.Option(help="Windows that end up to this ISO time, UTC.")] = "",
    window: Annotated[str, typer.Option(help="batch, 15min, 1h, 24h, or all.")] = "24h",
    store: Annotated[
        bool, typer.Option("--store", help="Keep the result in restatements.sqlite beside the journal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restate stored history with other factors: old beside new, and the difference by cause."""
    import msgspec

    from greenhearth.kernel_cache import use_kernel_cache
    from greenhearth_cli.show import show_json

    use_kernel_cache()  # before the kernels are imported
    from greenhearth_cli.recompute_answer import Question, answer

    question = Question(data, site, factors, known_at, line, from_, to, window, store)
    found = answer(question)
    if as_json:
        show_json(msgspec.to_builtins(found))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for one in found:
        show_restatement(one, console)
    if not found:
        console.print("nothing has finished in this journal for these lines and this time")


def show_restatement(found: "Restatement", console: "Console") -> None:
    """Print one line restated: sums, causes, the first windows, and what could not be restated."""
    from rich.table import Table

    sets = f"{', '.join(found.old_sets) or 'nothing'} -> {', '.join(found.new_sets) or 'nothing'}"
    console.print(f"\n{found.title}: {sets}, as known on {found.known_at}")
    for period in found.periods:
        title = f"Sum of {period.windows} x {period.window}, {period.product_t:,.1f} t of product"
        table = Table(title=title, title_justify="left")
        for heading in ("figure", "old", "new", "difference", "unit"):
            table.add_column(heading, justify="left" if heading in ("figure", "unit") else "right")
        for name, figure in period.figures.items():
            table.add_row(name, *_cells(figure), figure.unit)
        console.print(table)
    for sentence in found.explanations or ["No factor of this line has changed."]:
        console.print(sentence)
    for change in found.changes:
        console.print(f"  {change.name}: was {change.old.source}; is {change.new.source}")
    _show_windows(found, console)
    _show_checked(found, console)


def _cells(figure: "Figure") -> tuple[str, str, str]:
    return f"{figure.old:,.2f}", f"{figure.new:,.2f}", f"{figure.difference:+,.2f}"


def _show_windows(found: "Restatement", console: "Console") -> None:
    from rich.table import Table

    table = Table(title=f"The first of {len(found.windows)} windows", title_justify="left")
    for heading in ("from (UTC)", "window", "kg CO2e/t old", "new", "difference"):
        table.add_column(heading, justify="left" if heading in ("from (UTC)", "window") else "right")
    for one in found.windows[:ROWS]:
        figure = one.figures.get("co2_total_kg_per_t")
        name = f"{one.window} {one.batch}".strip()
        table.add_row(_time(one.start_ns), name, *(_cells(figure) if figure else ("no product", "", "")))
    if found.windows:
        console.print(table)


def _show_checked(found: "Restatement", console: "Console") -> None:
    checked = found.checked
    console.print(f"{checked.restated} of {checked.stored} stored windows restated")
    for number, why in (
        (checked.readings_gone, "their readings are not in the journal any more"),
        (checked.differ, "their readings and old factors do not give the stored figure"),
        (checked.set_unknown, "the factors of their set are not known"),
    ):
        if number:
            console.print(f"[yellow]{number} not restated: {why}[/yellow]")
    for example in checked.examples:
        console.print(f"  for example {example}")


def _time(t_ns: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(t_ns / 1e9, UTC):%Y-%m-%d %H:%M}"
