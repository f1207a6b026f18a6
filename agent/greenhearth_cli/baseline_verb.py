"""``greenhearth baseline``: energy against its baseline, for people and as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greenhearth_cli.complaints import FAILED
from greenhearth_cli.options import AsJson

if TYPE_CHECKING:
    from rich.console import Console

    from greenhearth.baseline_report import BaselineReport

_SHOWN = 24
"""So many periods at the end are shown; all are in the JSON document."""


def baseline(
    file: Annotated[Path, typer.Argument(metavar="BASELINE.toml", help="Drivers, periods and events.")],
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="A line a period: time, energy, drivers.")],
    as_json: AsJson = False,
) -> None:
    """Explain energy by its drivers, test that, and say what was saved. Exit code 1: not valid."""
    import msgspec

    from greenhearth.baseline_report import run_baseline
    from greenhearth_cli.show import show_json

    report = run_baseline(file, data)
    if as_json:
        show_json(msgspec.to_builtins(report))
    else:
        show_baseline(report)
    if not report.valid:
        raise typer.Exit(FAILED)


def show_baseline(report: "BaselineReport") -> None:
    """Print model, tests, periods, events and the saving."""
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"[bold]{report.title}[/bold]")
    console.print(_formula(report))
    if report.statistics is not None:
        _show_statistics(report.statistics, console)
        _show_checks(report.checks, console)
    if report.reporting is not None:
        _show_periods(report, console)
        _show_events(report, console)
        console.print(_saving(report))
    for warning in report.warnings:
        console.print(f"[yellow]{warning}[/yellow]")
    if report.not_used:
        console.print(f"not used: {report.not_used} values")
        for fault in report.not_used_lines[:5]:
            console.print(f"  line {fault['line']}, {fault['column']}: {fault['reason']} '{fault['text']}'")
    if not report.valid:
        console.print("[red]The baseline is not valid: see the tests that failed.[/red]")


def _formula(report: "BaselineReport") -> str:
    slopes = "".join(f" {value:+.6g} × {name}" for name, value in report.model["slopes"].items())
    return (
        f"{report.energy} [{report.unit}] = {report.model['intercept']:.6g}{slopes}   "
        f"({report.model['kind']}: {report.model['source']})"
    ).replace("[", r"\[")


def _table(title: str, left: list[str], right: list[str]) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for heading in left:
        table.add_column(heading)
    for heading in right:
        table.add_column(heading, justify="right")
    return table


def _show_statistics(known: dict[str, Any], console: "Console") -> None:
    title = (
        f"{known['points']} points, {known['dof']} degrees of freedom, "
        f"adjusted R2 {known['adjusted_r2']:.4f}, "
        f"CV(RMSE) {100 * known['cv_rmse']:.2f} %, F {_figure(known['f'])}"
    )
    table = _table(title, ["coefficient"], ["value", "standard error", "t", "p", "range in the baseline"])
    for name, one in known["coefficients"].items():
        driver = known["drivers"].get(name)
        span = f"{driver['low']:g} to {driver['high']:g}" if driver else ""
        table.add_row(name, *(_figure(one[key]) for key in ("value", "standard_error", "t", "p")), span)
    console.print(table)


def _show_checks(checks: list[dict[str, Any]], console: "Console") -> None:
    table = _table("Tests", ["test", "result", "limit from"], ["figure", "limit"])
    for one in checks:
        result = "passed" if one["passed"] else "[red]failed[/red]"
        limit = f"{one['relation']} {one['limit']:g}"
        table.add_row(one["name"], result, one["source"], _figure(one["value"]), limit)
    console.print(table)


def _show_periods(report: "BaselineReport", console: "Console") -> None:
    shown = report.periods[-_SHOWN:]
    title = f"Reporting period, {report.unit}"
    if len(shown) < len(report.periods):
        title += f" (the last {len(shown)} of {len(report.periods)}; all with --json)"
    table = _table(title, ["time"], ["actual", "expected", "adjustment", "saving", "CUSUM"])
    table.add_column("note")
    for one in shown:
        note = "" if one["counted"] else "left out"
        note += f"outside the range: {', '.join(one['outside'])}" if one["outside"] else ""
        figures = (one[key] for key in ("actual", "expected", "adjustment", "saving", "cusum"))
        table.add_row(one["time"], *map(_figure, figures), note)
    console.print(table)


def _show_events(report: "BaselineReport", console: "Console") -> None:
    if not report.events:
        return
    table = _table("Non-routine events", ["from", "to", "what", "author", "reason"], [])
    for one in report.events:
        what = "left out" if one["excluded"] else f"{one['adjustment']:+g} {report.unit}"
        table.add_row(one["from"], one["to"], what, one["author"], one["reason"])
    console.print(table)


def _saving(report: "BaselineReport") -> str:
    total = report.reporting or {}
    doubt = ""
    if total["interval"] is not None:
        doubt = f" ± {_figure(total['interval'])} ({100 * report.confidence:g} % confidence)"
    percent = (
        f", {total['saving_percent']:.2f} % of what was expected"
        if total["saving_percent"] is not None
        else ""
    )
    return (
        f"saving {_figure(total['saving'])}{doubt} {report.unit}{percent}: "
        f"expected {_figure(total['expected'])}, adjustments {_figure(total['adjustments'])}, "
        f"actual {_figure(total['actual'])}"
    )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.6g}"
