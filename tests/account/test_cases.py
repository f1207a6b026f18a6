"""Every case of this folder states what it must come to; published examples are stated completely."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from greenhearth_cli.account import account_of

from .conftest import CASES

FILES = sorted(CASES.glob("*.toml"))
PUBLISHED = Path(__file__).parents[3] / "shared" / "facts" / "worked_examples.yaml"

FILES_OF = {
    "jinshenglan_steel": [f"jinshenglan_{year}" for year in range(2020, 2024)],
    "cbam_screws": ["cbam_screws_c1", "cbam_screws_c2"],
    "cbam_hydrogen": ["cbam_hydrogen", "cbam_hydrogen_chlor_alkali"],
    "less_reference": [f"less_{k}" for k in range(1, 7)],
}
"""Worked example -> its cases, where they are not one case of its name."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_case_comes_to_what_it_states(path: Path) -> None:
    """Every value of [expect], of a grade and of a baseline, within the tolerance that the case gives."""
    document = account_of(path)
    assert document["expected"]
    assert [one for one in document["expected"] if not one["met"]] == []


def _examples() -> list[dict[str, Any]]:
    if not PUBLISHED.is_file():
        return []
    found: list[dict[str, Any]] = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["worked_examples"]
    return found


def _numbers(value: Any) -> list[Any]:
    """Return every figure and every class in a nest of lists and tables."""
    if isinstance(value, dict):
        return [n for inner in value.values() for n in _numbers(inner)]
    return [n for inner in value for n in _numbers(inner)] if isinstance(value, list) else [value]


def _is_stated(wanted: Any, stated: list[dict[str, Any]], tolerance: float) -> bool:
    """Tell whether a published figure is among those that cases state; kg and t, m and kg/t are alike.

    A factor of an altitude and the magnitude of a credit are stated as what they make of a limit, or
    with the sign of a deduction.
    """
    if isinstance(wanted, str):
        return any(one["unit"] == wanted for one in stated)
    scales = (1.0, 1000.0, 1e4, 80.0, -1.0)
    close = max(tolerance, 1e-12)
    return any(
        abs(one["value"] - s * wanted) <= close * abs(s * wanted) or one["unit"] == str(wanted)
        for one in stated
        for s in scales
    )


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published examples are not beside this checkout")
@pytest.mark.parametrize("example", _examples(), ids=lambda example: str(example["id"]))
def test_nothing_of_a_published_example_is_left_out(example: dict[str, Any]) -> None:
    """Each number that the example expects is expected by one of its cases, and found."""
    names = FILES_OF.get(example["id"], [example["id"]])
    stated = [one for name in names for one in account_of(CASES / f"{name}.toml")["expected"]]
    missing = [
        n for n in _numbers(example["expected"]) if not _is_stated(n, stated, example.get("tolerance", 1e-6))
    ]
    assert missing == []
    assert all(one["met"] for one in stated)
