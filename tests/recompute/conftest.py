"""A kiln of three days in a journal, made once; each test gets a copy that it may change."""

import shutil
from pathlib import Path

import pytest

from .kiln_journal import NEW, PLAIN_NAMES, kiln_site, open_works


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a journal of three days and the site file behind it."""
    folder = tmp_path_factory.mktemp("written")
    works = open_works(folder, kiln_site(folder, PLAIN_NAMES), results_every=10)
    works.be_born()
    works.run(3 * 1440 + 5)
    works.close()
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of it, with a file of new factors."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    (tmp_path / "new.toml").write_text(NEW)
    return tmp_path
