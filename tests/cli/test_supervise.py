"""Children of a demo: told of when they die, ended in order, never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from greenhearth_cli import supervise
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.supervise import Family

from ..waiting import until


def _alive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open() as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    """Nobody should have to look for the log."""
    family = Family(tmp_path)
    child = family.start("plants", ["sim", "--plants", "blast_furnace"])
    with pytest.raises(PlainError, match="the plants ended with code 2") as error:
        family.ready("plants", 20)
    assert "no plant 'blast_furnace'" in str(error.value)
    assert str(child.log) in str(error.value)


def test_a_child_that_is_killed_is_told_with_the_signal(tmp_path: Path) -> None:
    """The kernel's memory watchdog and a person with kill look different from a fault."""
    family = Family(tmp_path)
    child = family.start("broker", ["broker"])
    family.ready("broker", 20)
    family.check()
    child.process.kill()
    child.process.wait()
    with pytest.raises(PlainError, match="the broker was killed by signal 9"):
        family.check()


def test_a_child_that_does_not_want_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process hears no SIGTERM; ending the demo must not hang on it."""
    monkeypatch.setattr(supervise, "GRACE_S", 0.3)
    family = Family(tmp_path)
    stubborn, other = family.start("broker", ["broker"]), family.start("second", ["broker"])
    family.ready("broker", 20)
    family.ready("second", 20)
    stubborn.process.send_signal(signal.SIGSTOP)
    family.end_all(("broker",))
    assert stubborn.process.returncode == -signal.SIGKILL
    assert other.process.returncode is not None


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of a demo leaves nothing behind that holds ports."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom greenhearth_cli.supervise import Family\n"
        f"family = Family(Path({str(tmp_path)!r}))\nfamily.start('broker', ['broker'])\n"
        "sys.stdout.write(str(family.ready('broker', 20)['pid']) + '\\n')\n"
        "sys.stdout.flush()\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
    until(lambda: not _alive(pid), what="the child has gone with its parent")
