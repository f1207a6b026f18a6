"""Tables for people: what a demo found, what a check and a read said."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from greenhearth.history import HistoryReport
    from greenhearth_agent.read import ReadReport


def show_document(found: Mapping[str, Any], console: Console) -> None:
    """Print the document of a demo run as two tables."""
    table = Table(title="Last finished batch or window", title_justify="left")
    for heading in ("line", "what", "validity", "energy", "CO2", "benchmark", "gap", "alarms"):
        table.add_column(heading)
    for name, line in found["lines"].items():
        table.add_row(name, *_line_cells(line), str(line["alarms_raised"]))
    console.print(table)
    count = found["count"]
    verdict = "closes" if count["closes"] else "[red]does not close[/red]"
    parts = " + ".join(f"{name} {count[name]}" for name in ("stored", "waiting", "quarantined", "dropped"))
    console.print(f"measured {count['measured']} = {parts}: {verdict} ({count['duplicates']} came twice)")
    for problem in found["problems"]:
        console.print(f"[red]{problem}[/red]")


def _line_cells(line: Mapping[str, Any]) -> list[str]:
    if not line["finished"]:
        return ["nothing finished yet", "", "", "", "", ""]
    nearest = line["energy"]["benchmark"] or line["co2"]["benchmark"]
    what = f"batch {line['batch']}" if line["batch"] else line["window"]
    shown = [what, line["validity"], _with_doubt(line["energy"]), _with_doubt(line["co2"])]
    if nearest is None:
        return [*shown, "none is comparable", ""]
    return [*shown, f"{nearest['title']}", f"{nearest['gap_percent']:+.1f} %"]


def _with_doubt(metric: Mapping[str, Any]) -> str:
    if metric["value"] is None:
        return "no value"
    doubt = f" ± {metric['uncertainty']:.1f}" if metric["uncertainty"] is not None else ""
    return f"{metric['value']:.1f}{doubt} {metric['unit']}"


def show_history(report: "HistoryReport") -> None:
    """Print what a historian's file came to, line by line."""
    console = Console(highlight=False)
    table = Table(title=f"{report.file}: {report.rows} rows", title_justify="left")
    for heading in ("line", "batches", "days", "electricity, kWh", "product, t", "CO2, kg"):
        table.add_column(heading, justify="left" if heading == "line" else "right")
    for line in report.lines:
        sums = (line.electricity_kwh, line.product_t, line.co2_total_kg)
        figures = (f"{figure:.2f}" for figure in sums)
        table.add_row(line.title, str(len(line.batches)), str(len(line.days)), *figures)
    console.print(table)
    for reason, number in report.not_used.items():
        console.print(f"not used: {number} x {reason}")
    for example in report.examples:
        console.print(f"  for example {example}")


def show_readings(report: "ReadReport") -> None:
    """Print one scan: every point with value, unit and quality."""
    console = Console(highlight=False)
    table = Table()
    for heading in ("device", "point", "address", "value", "unit", "quality"):
        table.add_column(heading)
    for one in report.readings:
        value = "" if one.value is None else f"{one.value:g}" if isinstance(one.value, float) else one.value
        table.add_row(one.device, one.point, str(one.address), value, one.unit, one.quality)
    console.print(table)
    for fault in report.faults:
        console.print(f"[red]{fault}[/red]")


def show_cases() -> None:
    """Print the cases of the shelf: what can be accounted for and simulated."""
    from greenhearth.account import read_case
    from greenhearth.sim.cases import find_case, known_cases

    table = Table(title="Cases of the shelf", title_justify="left")
    for heading in ("case", "process", "hours", "batches", "what it is"):
        table.add_column(heading)
    for name in known_cases():
        head = read_case(find_case(name)).head
        table.add_row(name, head.process, f"{head.period_h:g}", str(head.batches or ""), head.title)
    Console(highlight=False).print(table)


def show_facts(title: str, facts: Mapping[str, Any], as_json: bool) -> None:
    """Print named facts as a table or as one JSON document."""
    if as_json:
        show_json(facts)
        return
    table = Table(title=title, title_justify="left", show_header=False)
    for name, fact in facts.items():
        table.add_row(name, ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact))
    Console(highlight=False).print(table)


def show_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - the answer of a verb
