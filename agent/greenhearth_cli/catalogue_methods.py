"""``greenhearth catalogue --kind methods``: the methods, with their arguments, units and ranges."""

import math
from dataclasses import asdict, dataclass

from greenhearth.methods import METHODS, Arg, Method
from greenhearth.strict import nearest_name
from greenhearth_cli.catalogue_words import in_english
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.show import show_json


@dataclass(frozen=True, slots=True)
class ArgumentEntry:
    """One argument of a method."""

    name: str
    unit: str
    """The first that fits how the quantity is counted; others of the same kind are converted."""
    meaning: str
    default: float | str | None
    """A number, a catalogue id, ``=other``; None: it must be given."""
    low: float
    high: float | None
    """None: no limit."""


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One method, as it is listed."""

    id: str
    streams: list[str]
    """Units that a quantity may be counted in; others of the same kind are converted."""
    formula: str
    source: str
    arguments: list[ArgumentEntry]


def run_methods(text: str, as_json: bool) -> None:
    """Print the methods in which every word occurs; PlainError where there is none."""
    words = in_english(text).lower().split()
    found = [m for m in METHODS.values() if all(word in _text(m) for word in words)]
    if not found:
        near = nearest_name(text, METHODS)
        raise PlainError(f"no method matches '{text}'" + (f"; nearest: {near}" if near else ""))
    entries = [_entry(method) for method in found]
    if as_json:
        show_json([asdict(entry) for entry in entries])
    else:
        _show(entries)


def _text(method: Method) -> str:
    meanings = " ".join(f"{name} {arg.meaning}" for name, arg in method.args.items())
    return f"{method.name} {method.formula} {method.source} {meanings}".lower()


def _entry(method: Method) -> MethodEntry:
    arguments = [_argument(method, name, arg) for name, arg in method.args.items()]
    return MethodEntry(method.name, list(method.streams), method.formula, method.source, arguments)


def _argument(method: Method, name: str, arg: Arg) -> ArgumentEntry:
    unit = " or ".join(dict.fromkeys(arg.unit.replace("{stream}", stream) for stream in method.streams))
    high = arg.high if math.isfinite(arg.high) else None
    return ArgumentEntry(name, unit, arg.meaning, arg.default, arg.low, high)


def _show(entries: list[MethodEntry]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for one in entries:
        console.print(one.id, style="bold")
        console.print(f"    counts in {' or '.join(one.streams)}:  {one.formula}   ({one.source})")
        for arg in one.arguments:
            default = "required" if arg.default is None else f"default {arg.default}"
            limits = f"{arg.low:g} to {arg.high:g}" if arg.high is not None else f"from {arg.low:g}"
            console.print(f"    {arg.name:<18} {arg.unit:<14} {default}; {limits}; {arg.meaning}")
    console.print("1 method" if len(entries) == 1 else f"{len(entries)} methods")
