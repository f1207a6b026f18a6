"""An account for people: totals, intensities, trail with numbered sources, what was reached."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_account(document: Mapping[str, Any]) -> None:
    """Print the document of an account as tables."""
    console = Console(highlight=False)
    console.print(f"{document['title']}   {document['source']}", markup=False, style="bold")
    console.print(f"{document['case']}   factors {document['factor_set']}   {document['period_h']:g} h")
    sources: dict[str, int] = {}
    if document["trail"]:
        console.print(_totals(document))
        console.print(_metrics(document))
        console.print(_trail(document, sources))
        for name, text in _formulas(document).items():
            console.print(f"{name}: {text}", markup=False)
    for text, at in sources.items():
        console.print(f"({at}) {text}", markup=False)
    _reached(console, document)
    if document["expected"]:
        console.print(_expected(document))
    for warning in document["warnings"]:
        console.print(f"note: {warning}", markup=False)


def number(value: float | None) -> str:
    """Return a figure with six significant digits, thousands apart."""
    if value is None:
        return ""
    return f"{value:,.6g}" if abs(value) < 1e6 or value == 0 else f"{value:,.0f}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        right = heading in ("value", "± (k = 2)", "result", "published", "ours", "limit", "gap")
        table.add_column(heading, justify="right" if right else "left")
    return table


def _totals(document: Mapping[str, Any]) -> Table:
    table = _table("Totals", "what", "value", "unit")
    for name, total in document["totals"].items():
        table.add_row(name, number(total["value"]), total["unit"])
    return table


def _metrics(document: Mapping[str, Any]) -> Table:
    table = _table("Figures", "metric", "value", "± (k = 2)", "unit", "what the interval is made of")
    for name, metric in document["metrics"].items():
        causes = ", ".join(f"{one['name']} {one['percent']:.0f} %" for one in metric["causes"][:3])
        table.add_row(
            name,
            number(metric["value"]),
            number(metric["uncertainty"]),
            metric["unit"],
            causes or metric["why"],
        )
    return table


def _trail(document: Mapping[str, Any], sources: dict[str, int]) -> Table:
    table = _table("Trail", "quantity", "amount; factors", "result", "unit", "of", "sources")
    for line in document["trail"]:
        cited = [_number(sources, one) for one in line["arguments"] if one["source"]]
        numbers = " ".join(f"({n})" for n in dict.fromkeys(cited))
        what = escape(line["quantity"]), escape(_product(line))
        table.add_row(*what, number(line["result"]), line["result_unit"], line["output"], numbers)
    return table


def _formulas(document: Mapping[str, Any]) -> dict[str, str]:
    lines = [line for line in document["trail"] if line["method"]]
    return {line["method"]: f"{line['formula']}   ({line['source']})" for line in lines}


def _product(line: Mapping[str, Any]) -> str:
    amount = f"{number(line['amount'])} {line['unit']}"
    if line["share"] != 1.0:
        amount += f" x share {number(line['share'])}"
    factors = [f"{a['name']} {number(a['value'])} {a['unit']}".removesuffix(" 1") for a in line["arguments"]]
    return "; ".join(filter(None, [amount, ", ".join(factors)]))


def _number(sources: dict[str, int], argument: Mapping[str, Any]) -> int:
    names = [argument["source"], argument["clause"], argument["id"], argument["valid_from"]]
    text = "; ".join(name for name in names if name) + ("" if argument["verified"] else " (not verified)")
    return sources.setdefault(text, len(sources) + 1)


def _reached(console: Console, document: Mapping[str, Any]) -> None:
    compared = [one for one in document["benchmarks"] if one["comparable"]]
    if compared:
        table = _table("Published figures", "figure", "limit", "ours", "unit", "gap", "verdict")
        for one in compared:
            ours = document["metrics"][one["metric"]]["value"]
            gap = "" if one["gap_percent"] is None else f"{one['gap_percent']:+.1f} %"
            table.add_row(
                escape(one["title"]), number(one["value"]), number(ours), one["unit"], gap, one["verdict"]
            )
        console.print(table)
    apart = len(document["benchmarks"]) - len(compared)
    if apart:
        console.print(f"{apart} more figures of this process are not comparable; --json says why of each")
    for name, grade in document["grades"].items():
        if not grade["why"] or name != grade["ladder"]:
            console.print(
                f"{grade['title']}: {grade['reached'] or 'no level: ' + grade['why']}", markup=False
            )
    for name, trend in document["baselines"].items():
        console.print(f"{name}: saving {number(trend['saving'])} {trend['unit']} against its baseline")


def _expected(document: Mapping[str, Any]) -> Table:
    table = _table("Expected", "what", "published", "ours", "unit", "gap", "")
    for one in document["expected"]:
        word = "met" if one["met"] else f"[red]not met[/red] {escape(one['why'])}"
        ours = "" if one["found"] is None else f"{one['found']:.10g}"
        gap = "" if one["difference"] is None else f"{one['difference']:+.1e}"
        table.add_row(escape(one["name"]), f"{one['value']:.10g}", ours, one["unit"], gap, word)
    return table
