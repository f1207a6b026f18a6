"""Options that several verbs share, and the texts they are read from."""

from pathlib import Path
from typing import Annotated

import typer

from greenhearth.clock import Clock
from greenhearth_cli.complaints import WRONG_USE, PlainError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
ReadyFile = Annotated[
    Path | None,
    typer.Option(help="Write a JSON file here as soon as everything runs."),
]
ClockText = Annotated[
    str | None,
    typer.Option("--clock", help="Share the clock of a simulator (the 'clock' of its ready file)."),
]


def clock_of(text: str | None) -> Clock:
    """Return the clock that a text describes, or the real one."""
    if text is None:
        return Clock.real()
    try:
        return Clock.from_text(text)
    except ValueError as error:
        raise PlainError(str(error), WRONG_USE) from None


def names_of(text: str) -> tuple[str, ...]:
    """Split names that are separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def address_of(text: str, option: str) -> tuple[str, int]:
    """Split ``HOST:PORT``; PlainError says what was expected."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= 65535:
        raise PlainError(f"{option} '{text}': expected HOST:PORT, for example 127.0.0.1:1883", WRONG_USE)
    return host, int(port)
