"""The case that the README shows is a case, and comes to what it says."""

import re
from pathlib import Path

from greenhearth.account import read_case, take_inventory

README = Path(__file__).parents[2] / "README.md"


def test_the_case_in_the_readme_runs_and_meets_its_own_figure(tmp_path: Path) -> None:
    shown = re.search(
        r"```toml\n# my_case\.toml:.*?\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown
    path = tmp_path / "my_case.toml"
    path.write_text(shown.group(1), encoding="utf-8")
    found = take_inventory(read_case(path))
    assert found.expected
    assert all(one.met for one in found.expected)
