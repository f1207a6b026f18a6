"""The place for compiled kernels."""

import sys
from pathlib import Path

import pytest

from greenhearth.kernel_cache import kernel_cache


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
