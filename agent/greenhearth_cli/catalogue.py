"""``greenhearth catalogue``: factors, published figures and methods, with source and validity."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from greenhearth.factors import load_factors
from greenhearth.strict import nearest_name
from greenhearth_cli.catalogue_methods import run_methods
from greenhearth_cli.catalogue_words import in_english
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.show import show_json
from greenhearth_gateway.benchmarks import load_benchmarks

Kind = Literal["factors", "benchmarks", "methods"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One factor or published figure, as it is listed."""

    id: str
    what: Literal["factor", "benchmark"]
    title: str
    value: float
    unit: str
    source: str
    clause: str
    valid_from: str
    valid_to: str
    """Exclusive; empty: until further notice."""
    verified: bool
    level: str = ""
    """Scale and level of a published figure: ``gb21256.eaf 1``."""
    note: str = ""

    def holds(self, words: list[str]) -> bool:
        """Tell whether every word stands in id, title, source, id of the scale, value or unit."""
        text = f"{self.id} {self.title} {self.source} {self.clause} {self.level} {self._value()}".lower()
        return all(word in text for word in words)

    def _value(self) -> str:
        """Return the value as people look for it: 4900 kg CO2e/t of hydrogen is known as 4.9."""
        per_tonne = self.unit.startswith("kg") and self.unit.endswith("/t")
        return f"{self.value:.10g} {self.unit}" + (f" {self.value / 1000.0:g}" if per_tonne else "")


def run_catalogue(text: str, kind: str, as_json: bool) -> None:
    """Print what matches; PlainError with the nearest names where nothing does."""
    if kind == "methods":
        run_methods(text, as_json)
        return
    entries = list(_entries(kind))
    found = [entry for entry in entries if entry.holds(in_english(text).lower().split())]
    if not found:
        raise PlainError(_nothing(text, entries))
    if as_json:
        show_json([asdict(entry) for entry in found])
    else:
        _show(found)


def _entries(kind: str) -> Iterator[Entry]:
    if kind in ("", "factors"):
        for name, f in sorted(load_factors().items()):
            yield Entry(
                name,
                "factor",
                f.note,
                f.value,
                f.unit,
                f.source,
                f.clause,
                f.valid_from,
                f.valid_to,
                f.verified,
            )
    if kind in ("", "benchmarks"):
        for name, b in sorted(load_benchmarks().items()):
            yield Entry(
                name, "benchmark", b.title, b.value, b.unit, b.source, b.clause, b.valid_from, "",
                b.verified,
                f"{b.ladder} {b.level}".strip(), b.note,
            )  # fmt: skip


def _nothing(text: str, entries: list[Entry]) -> str:
    ids = [entry.id for entry in entries]
    parts = {part for name in ids for part in (name, *name.split("."))}
    near = [found for word in text.split() if (found := nearest_name(word, parts))]
    hint = f"; nearest: {', '.join(dict.fromkeys(near))}" if near else ""
    return f"nothing in the catalogue matches '{text}'{hint}"


def _show(found: list[Entry]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for one in found:
        valid = f"{one.valid_from} to {one.valid_to}" if one.valid_to else f"from {one.valid_from}"
        facts = [f"{one.value:.10g} {one.unit}", valid, one.level, "" if one.verified else "not verified"]
        console.print(one.id, style="bold")
        console.print("    " + "  |  ".join(filter(None, facts)))
        console.print("    " + one.title)
        console.print("    " + ", ".join(filter(None, (one.clause, one.source))))
    console.print("1 entry" if len(found) == 1 else f"{len(found)} entries")
