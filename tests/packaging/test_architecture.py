"""ARCHITECTURE.md names every source file once, and no file that is gone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "The library": "agent/greenhearth",
    "The agent": "agent/greenhearth_agent",
    "The gateway": "gateway/greenhearth_gateway",
    "The command": "agent/greenhearth_cli",
}


def _named(section: str) -> list[str]:
    """Return the files in the first column of the tables of a section."""
    text = (
        (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    )
    found, folder = [], ""
    for line in text.splitlines():
        first = line.split("|")[1] if line.startswith("| ") else ""
        if line.endswith("| decides |"):
            folder = "".join(re.findall(r"`(\w+/)`", first))
        found += [folder + name for name in re.findall(r"`([\w/]+\.py)`", first)]
    return sorted(found)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_source_file_has_its_line_and_every_line_its_file(section: str) -> None:
    """A stranger finds the room for a change without opening all of them."""
    package = ROOT / SECTIONS[section]
    files = [str(path.relative_to(package)) for path in package.rglob("*.py") if path.name != "__init__.py"]
    assert _named(section) == sorted(files)
