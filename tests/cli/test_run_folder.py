"""Folders of demo runs: nobody else's data is deleted."""

from pathlib import Path

import pytest

from greenhearth_cli.complaints import PlainError
from greenhearth_cli.run_folder import claim


def test_a_claimed_folder_is_empty_even_after_a_run(tmp_path: Path) -> None:
    """Data of an earlier run would look like meters that were reset."""
    with claim(tmp_path / "run"):
        (tmp_path / "run" / "agent").mkdir()
        (tmp_path / "run" / "agent" / "outbox.old").write_bytes(b"old")
        (tmp_path / "run" / "sim.log").write_bytes(b"old")
    with claim(tmp_path / "run"):
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".greenhearth-run"]


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    """The second would delete the data of the first."""
    with claim(tmp_path):
        (tmp_path / "sim.log").write_bytes(b"running")
        with pytest.raises(PlainError, match="another demo is running"):
            claim(tmp_path)
        assert (tmp_path / "sim.log").exists()


def test_a_link_in_a_run_folder_is_removed_and_not_followed(tmp_path: Path) -> None:
    """What a link points at is not ours."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept.txt").write_text("kept")
    with claim(tmp_path / "run"):
        (tmp_path / "run" / "link").symlink_to(theirs)
    with claim(tmp_path / "run"):
        assert not (tmp_path / "run" / "link").exists()
    assert (theirs / "kept.txt").exists()
