"""A full disk under the agent, and one under the gateway: live goes on, and the count closes in the end."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from greenhearth_cli.page import Page

from .conftest import Works, until

ON_THE_WAY = 120
"""Items that may wait at any moment at a hundred times life: two seconds' worth, acks take their time."""

SOON_S = 30.0
CHUNKS = (1 << 20, 4096)


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system of a few megabytes that a test fills and empties."""

    folder: Path

    @property
    def ballast(self) -> Path:
        """What fills it."""
        return self.folder / "ballast"

    def fill(self) -> None:
        """Write until not another page fits."""
        with self.ballast.open("wb", buffering=0) as file:
            for chunk in CHUNKS:
                while self._takes(file.write, b"\0" * chunk):
                    pass

    def empty(self) -> None:
        """Give the space back."""
        self.ballast.unlink()

    @staticmethod
    def _takes(write: object, data: bytes) -> bool:
        assert callable(write)
        try:
            return bool(write(data) == len(data))
        except OSError:
            return False


def _mounted(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}M", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("the command 'mount' is not installed: no small disk to fill")
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here ({done.stderr.strip()}); it takes root")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def agent_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The disk of the agent's data folder."""
    yield from _mounted(tmp_path / "agent", 24)


@pytest.fixture
def gateway_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The disk of the gateway's data folder."""
    yield from _mounted(tmp_path / "gateway", 48)


def _newest(page: Page) -> int:
    return max((line.t_ns for line in page.overview().lines), default=0)


def _stays_live(page: Page, what: str) -> None:
    """Three newer records on the page, and none of its values ever stale."""
    for _ in range(3):
        before = _newest(page)
        until(lambda before=before: _newest(page) > before, 5, f"live values {what}")
        assert not any(line.stale for line in page.overview().lines)


def _says(page: Page, text: str) -> bool:
    return any(text in one for one in page.overview().problems)


def _logged(works: Works, name: str, text: str) -> int:
    return (works.folder / f"{name}.log").read_text().count(text)


def _start(works: Works) -> Page:
    page = works.start_gateway()
    works.start_agent()
    until(lambda: _newest(page) and page.overview().reconciliation, SOON_S, "the first data")
    return page


def _end_and_count(works: Works) -> None:
    works.family.end("agent")
    works.family.end("gateway")
    count = works.count()
    assert count.closes, count
    assert (count.quarantined, count.dropped) == (0, 0), count
    assert count.stored > 5, count  # what was not acknowledged yet is counted as waiting


def test_a_full_disk_of_the_agent_is_told_and_measuring_goes_on(agent_disk: SmallDisk, works: Works) -> None:
    """What waits in memory is stored when there is room again."""
    page = _start(works)
    agent_disk.fill()
    full = f"edge1: the disk under {agent_disk.folder / 'agent-edge1'} is full: free some space there"
    until(lambda: _says(page, full), SOON_S, "the full disk on the page")
    _stays_live(page, "while the agent's disk is full")
    agent_disk.empty()
    until(lambda: not page.overview().problems, SOON_S, "the problem is over")
    _stays_live(page, "afterwards")
    assert _logged(works, "agent", "is full") == 1
    assert _logged(works, "agent", "the outbox can be written again") == 1
    _end_and_count(works)


def test_an_agent_that_ends_and_starts_on_a_full_disk_keeps_its_books(
    agent_disk: SmallDisk, works: Works
) -> None:
    """A reserve holds what was only in memory; a new start lives with the full disk too."""
    page = _start(works)
    agent_disk.fill()
    until(lambda: _says(page, "is full: free some space there"), SOON_S, "the full disk on the page")
    _stays_live(page, "while the agent's disk is full")
    works.family.end("agent")
    assert works.count().closes
    before = _newest(page)
    agent_disk.fill()
    works.start_agent()
    until(lambda: _newest(page) > before, SOON_S, "live values after a start on a full disk")
    agent_disk.empty()
    until(lambda: not page.overview().problems, SOON_S, "the problem is over")
    _end_and_count(works)


def test_a_full_disk_of_the_gateway_is_told_and_the_page_stays_live(
    gateway_disk: SmallDisk, works: Works
) -> None:
    """Nothing is acknowledged, the agent keeps it all; a gateway that starts on a full disk does the same."""
    page = _start(works)
    gateway_disk.fill()
    full = f"The disk of the gateway's journal is full ({gateway_disk.folder / 'journal.sqlite'})"
    until(lambda: _says(page, full), SOON_S, "the full disk on the page")
    assert _says(page, "live but not stored or acknowledged, agents keep their data. Free some space there")
    stored = page.overview().reconciliation[0].stored
    _stays_live(page, "while the gateway's disk is full")
    assert page.overview().reconciliation[0].stored == stored
    assert len(re.findall("WARNING.*journal is full", (works.folder / "gateway.log").read_text())) == 1

    works.family.end("gateway")
    page = works.start_gateway()
    until(lambda: _newest(page) and _says(page, full), SOON_S, "a start on a full disk")
    _stays_live(page, "after a start on a full disk")

    gateway_disk.empty()
    until(lambda: not page.overview().problems, SOON_S, "the problem is over")
    until(
        lambda: sum(one.waiting for one in page.overview().reconciliation) < ON_THE_WAY, SOON_S, "all stored"
    )
    _end_and_count(works)
