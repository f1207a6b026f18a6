"""A disk whose power can be cut: an ext4 file system in a file, mounted where nobody else sees it.

A process on the disk lives in a mount namespace of its own, so that nothing stays mounted when it
ends, however it ends. A cut stops the process, copies the file - what the kernel has not yet written
back is not in it - and kills the process. The copy is the disk as it would be found after a cut.
What this cannot show: sectors that are torn, and drives that say "flushed" and lie.
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTES = 64
MOUNT = 'mount -o loop,noatime,commit=300 "$0" "$1" && shift && exec "$@"'
"""The kernel's own commits (each 5 s) would hide a missing fsync in a long round, so they are put off."""


@dataclass(frozen=True)
class LoopDisk:
    """One image, and the folder at which its processes see it."""

    image: Path
    folder: Path

    def on_it(self, *argv: str) -> list[str]:
        """Return the words that run a command with the disk mounted at `folder`."""
        inner = ["sh", "-c", MOUNT, str(self.image), str(self.folder)]
        return ["unshare", "--mount", "--propagation", "private", *inner, *argv]

    def cut(self, process: "subprocess.Popen[bytes]") -> "LoopDisk":
        """Cut the power under a running process, and return the disk as it is found then."""
        process.send_signal(signal.SIGSTOP)
        _wait_until_stopped(process.pid)
        found = self.image.with_name(f"cut-{time.monotonic_ns()}.img")
        subprocess.run(["cp", "--sparse=always", str(self.image), str(found)], check=True)
        process.kill()
        process.wait(20)
        self.image.unlink()
        return LoopDisk(found, self.folder)


def loop_disk(folder: Path, megabytes: int = MEGABYTES) -> LoopDisk:
    """Make an empty disk below `folder`; skips the test where that needs more rights than it has."""
    for program in ("unshare", "mkfs.ext4", "mount"):
        if not shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            pytest.skip(f"the command '{program}' is not installed: no disk whose power can be cut")
    disk = LoopDisk(folder / "disk.img", folder / "disk")
    disk.folder.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(megabytes << 20)
    for words in (["mkfs.ext4", "-q", "-F", str(disk.image)], disk.on_it("true")):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            why = done.stderr.strip()
            pytest.skip(f"an image cannot be mounted here, it takes root and loop devices ({why})")
    return disk


def _wait_until_stopped(pid: int) -> None:
    """Wait until no thread is in a system call any more, so that the copy is of one moment."""
    deadline = time.monotonic() + 10
    while not all(_is_stopped(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, "a stopped process still writes after 10 s"
        time.sleep(0.001)  # asked again until the deadline


def _is_stopped(task: Path) -> bool:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] in "TtZX"
    except OSError:  # the thread has ended
        return True
