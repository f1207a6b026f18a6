"""The wheel is what a plant installs: four packages, the data, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"greenhearth", "greenhearth_agent", "greenhearth_cli", "greenhearth_gateway"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this checkout with the build tool of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    argv += ["--disable-pip-version-check", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("greenhearth-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_our_four_packages_and_no_other_name(wheel: zipfile.ZipFile) -> None:
    """A stray top-level folder would shadow, or be shadowed by, somebody else's."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_wheel_brings_every_data_file_of_the_shelf(wheel: zipfile.ZipFile) -> None:
    """Profiles, processes, factors and sites must be there without a checkout."""
    shelf = ROOT / "firmware_configs"
    wanted = {f"greenhearth/_configs/{path.relative_to(shelf)}" for path in shelf.rglob("*.toml")}
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_the_wheel_brings_the_page(wheel: zipfile.ZipFile) -> None:
    """The page is static files inside the gateway package."""
    page = ROOT / "gateway" / "greenhearth_gateway" / "web" / "page"
    wanted = {f"greenhearth_gateway/web/page/{path.relative_to(page)}" for path in page.rglob("*.*")}
    assert any(name.endswith(".html") for name in wanted)
    assert wanted <= set(wheel.namelist())


def test_the_wheel_carries_the_licence_the_types_and_the_command(wheel: zipfile.ZipFile) -> None:
    """What others need to use it: licence text, the marker for type checkers, the entry point."""
    names = wheel.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "greenhearth/py.typed" in names
    (entry,) = [name for name in names if name.endswith("entry_points.txt")]
    assert "greenhearth = greenhearth_cli.main:app" in wheel.read(entry).decode()


def test_the_wheel_brings_no_tests_and_no_compiled_leftovers(wheel: zipfile.ZipFile) -> None:
    """Tests and caches stay at home."""
    unwanted = [
        name for name in wheel.namelist() if "/tests/" in name or name.endswith((".pyc", ".nbi", ".nbc"))
    ]
    assert unwanted == []
