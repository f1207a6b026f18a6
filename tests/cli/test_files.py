"""Run folders and the place for compiled kernels."""

import sys
from pathlib import Path

import pytest

from greenhearth.kernel_cache import kernel_cache
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.files import claim, write_whole


def test_a_claimed_folder_is_empty_even_after_a_run(tmp_path: Path) -> None:
    """Data of an earlier run would look like meters that were reset."""
    with claim(tmp_path / "run"):
        (tmp_path / "run" / "agent").mkdir()
        (tmp_path / "run" / "agent" / "outbox.sqlite").write_bytes(b"old")
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


def test_a_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Whoever waits for a ready file reads all of it."""
    write_whole(tmp_path / "ready.json", b"{}")
    write_whole(tmp_path / "ready.json", b'{"pid": 1}')
    assert (tmp_path / "ready.json").read_bytes() == b'{"pid": 1}'
    assert len(list(tmp_path.iterdir())) == 1


def test_the_kernel_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's choice comes first."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernel_cache() == tmp_path


def test_a_read_only_installation_falls_back_to_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed by root, run by a service: the virtual environment cannot be written."""
    (tmp_path / "venv").write_text("a file where a folder is expected: nothing can be made below it")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = kernel_cache()
    assert place is not None
    assert place.parent == tmp_path / "cache" / "greenhearth"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "venv"))
    assert kernel_cache() is None
