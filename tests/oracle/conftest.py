"""bonsai-ipcc as an oracle: its formulas are plain functions, loaded from their files.

The package as a whole needs numpy below 2 and some 750 MB beside it, which conflicts with what
greenhearth needs. The three files with the formulas import nothing at all, so the package is put,
without its dependencies (0.7 MB), in a folder of its own that no `import` looks into.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

RELEASE = "bonsai-ipcc==0.5.3"
FOLDER = Path(sys.prefix) / "oracle"
CHAPTERS = ("mineral", "metal", "chemical")


def _file(chapter: str) -> Path:
    return FOLDER / "bonsai_ipcc" / "industry" / chapter / "elementary.py"


def _install() -> str:
    """Fetch the package if it is not there; return why that failed, empty if it did not."""
    if all(_file(chapter).is_file() for chapter in CHAPTERS):
        return ""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--target", str(FOLDER), RELEASE],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()[-200:]


@pytest.fixture(scope="session")
def oracle() -> dict[str, ModuleType]:
    """Chapter -> its formulas; skips where the package can neither be found nor fetched."""
    why = _install()
    if why:
        pytest.skip(f"left out: {RELEASE} cannot be had here ({why})")
    found = {}
    for chapter in CHAPTERS:
        spec = importlib.util.spec_from_file_location(f"oracle_{chapter}", _file(chapter))
        assert spec is not None
        assert spec.loader is not None
        found[chapter] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found[chapter])
    return found
