"""Rules of the house that no other tool checks."""

import ast
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "agent").rglob("*.py")) + sorted((ROOT / "gateway").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OWNERS = {
    "numba": {"agent/greenhearth/kernels/_compile.py"},
    "pymodbus": {"agent/greenhearth_agent/buses/modbus.py", "agent/greenhearth/sim/servers.py"},
    "serial": {"agent/greenhearth_agent/buses/serial_port.py"},
    "paho": {"agent/greenhearth/mqtt.py"},
    "influxdb_client": {"gateway/greenhearth_gateway/store/influx.py"},
    "amqtt": {"agent/greenhearth_cli/broker.py"},
    "prometheus_client": {"agent/greenhearth/prometheus.py"},
}
BANNED_NAMES = re.compile(r"util|helper|manager|common|misc|stuff", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:home|root|work|Users|mnt|srv)/[\w.-]+")
TEXT = {".py", ".toml", ".md", ".sh", ".html", ".js", ".css", ".conf", ".service", ".csv", ""}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the length in lines of every function of a file."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{_name(path)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def _imports(path: Path) -> set[str]:
    """Return the top-level names that a file imports."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _published() -> list[Path]:
    """Return every text file that a clone holds."""
    skip = {".git", ".venv", ".run", "dist", "test-artefacts", "__pycache__"}
    caches = {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
    found = []
    for path in ROOT.rglob("*"):
        parts = set(path.relative_to(ROOT).parts)
        if path.is_file() and path.suffix in TEXT and not parts & (skip | caches):
            found.append(path)
    return found


def test_no_source_file_is_over_300_lines() -> None:
    """A longer file does two things; a test file may tell a longer story, up to 400."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES + TESTS}
    assert {_name(path): n for path, n in lengths.items() if n > (400 if path in TESTS else 300)} == {}


def test_no_function_is_over_60_lines_and_half_of_them_have_at_most_8() -> None:
    """Small functions have names instead of comments."""
    lengths = dict(pair for path in SOURCES for pair in _functions(path))
    assert {name: n for name, n in lengths.items() if n > 60} == {}
    assert statistics.median(lengths.values()) <= 8


def test_no_module_and_no_class_is_called_after_nothing() -> None:
    """`utils`, `helpers` and `managers` collect what nobody owns."""
    named = [_name(path) for path in SOURCES if BANNED_NAMES.search(path.stem)]
    named += [
        f"{_name(path)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef) and BANNED_NAMES.search(node.name)
    ]
    assert named == []


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_foreign_library_is_imported_in_its_own_file_only(library: str) -> None:
    """So that it can be replaced, guarded and kept out of processes that do not need it."""
    assert {_name(path) for path in SOURCES if library in _imports(path)} == OWNERS[library]


def test_the_four_import_contracts_hold() -> None:
    """Library, agent, gateway and command depend on each other in one direction only."""
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint is not None, "import-linter is part of the development tools: make setup"
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


def test_nothing_in_the_repository_speaks_of_somebodys_machine() -> None:
    """A path of one machine is wrong on every other."""
    found = [
        f"{_name(path)}: {match.group()}"
        for path in _published()
        for match in MACHINE_PATHS.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_every_source_file_begins_with_what_it_is_for() -> None:
    """A docstring of the module, and of every public class and function in it."""
    written = [path for path in SOURCES if path.read_text(encoding="utf-8")]
    bare = [_name(path) for path in written if not ast.get_docstring(_tree(path))]
    bare += [
        f"{_name(path)}:{node.name}"
        for path in written
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []
