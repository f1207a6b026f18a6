"""Where the data folder ``firmware_configs`` is: in the wheel, in a checkout, or overridden."""

import os
from pathlib import Path


def configs_root() -> Path:
    """Return the folder with meters, plcs, processes, sites, factors and benchmarks.

    ``GREENHEARTH_CONFIGS`` overrides it; otherwise the installed copy inside the package
    is used, and in a checkout the folder beside ``agent/``.
    """
    override = os.environ.get("GREENHEARTH_CONFIGS")
    if override:
        return Path(override)
    packaged = Path(__file__).parent / "_configs"
    if packaged.is_dir():
        return packaged
    return Path(__file__).parents[2] / "firmware_configs"


def listed(kind: str) -> list[str]:
    """Return the ids ``kind/NAME`` of the TOML files in one folder of the shelf."""
    folder = configs_root() / kind
    return sorted(f"{kind}/{path.stem}" for path in folder.glob("*.toml"))
