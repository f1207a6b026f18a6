"""How a started process tells whoever waits for it that it answers, and where."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


def write_ready(path: Path, content: Mapping[str, object]) -> None:
    """Write a ready file, one JSON object, so that a reader sees all of it or none of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(msgspec.json.encode(content))
    part.replace(path)
