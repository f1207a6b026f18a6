"""How much is tried: A with every `make test`, B by `make chaos`, C by `make chaos-release`."""

import json
import os
import platform
import random
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

VARIABLE = "GREENHEARTH_CHAOS"
SEED_VARIABLE = "GREENHEARTH_CHAOS_SEED"
RESULTS = Path(__file__).parent / "results"
TIERS = ("A", "B", "C")


def tier() -> str:
    """Return the tier of this run."""
    name = os.environ.get(VARIABLE, "A")
    if name not in TIERS:
        raise ValueError(f"{VARIABLE}={name!r}: expected one of {', '.join(TIERS)}")
    return name


def size(a: int, b: int, c: int) -> int:
    """Return how often something is tried in this tier."""
    return (a, b, c)[TIERS.index(tier())]


def seed() -> int:
    """Return the seed of this run: the one that was asked for, or a new one."""
    return int(os.environ.get(SEED_VARIABLE, "") or random.SystemRandom().randrange(1 << 32))


def versions() -> dict[str, str]:
    """Return what a result was found with."""
    return {
        "greenhearth": version("greenhearth"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "paho-mqtt": version("paho-mqtt"),
        "pymodbus": version("pymodbus"),
        "kernel": platform.release(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def write_result(name: str, result: dict[str, Any]) -> None:
    """Keep the result of a long tier as tests/chaos/results/NAME-TIER.json; tier A keeps none."""
    if tier() == "A":
        return
    RESULTS.mkdir(exist_ok=True)
    whole = {"name": name, "tier": tier(), **result, "versions": versions()}
    text = json.dumps(whole, indent=2, sort_keys=False) + "\n"
    (RESULTS / f"{name}-{tier()}.json").write_text(text, encoding="utf-8")
