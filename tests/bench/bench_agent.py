"""Cold start and memory of an agent on the demonstration works, as a service manager would start it.

Prints the time from starting the process to the first record that arrived at the broker
(an agent publishes nothing that is not on its disk), and the memory after a while, beside
the same for a bare interpreter that imports numpy and numba.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from greenhearth.kernel_cache import use_kernel_cache
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.shelf import configs_root
from greenhearth_cli.supervise import Child, Family

ROUNDS, WATCH_S = 3, 15.0
SITE = configs_root() / "sites" / "demo.toml"


class Ear:
    """Hears when the first record arrives."""

    def __init__(self, host: str, port: int) -> None:
        self._heard, ready = threading.Event(), threading.Event()
        options = LinkOptions(host, port, "bench", subscriptions=("greenhearth/1/+/+/records",))
        self._link = Link(options, LinkCallbacks(on_message=self._hear, on_connected=ready.set))
        self._link.start()
        assert ready.wait(10)

    def _hear(self, _topic: str, _payload: bytes, _retained: bool) -> None:
        self._heard.set()

    def wait(self) -> None:
        """Wait for a record that arrives from now on."""
        self._heard.clear()
        assert self._heard.wait(120), "no record within 120 s"

    def stop(self) -> None:
        """Hear nothing more."""
        self._link.stop()


def memory_mb(pid: int, field: str) -> float:
    """Return a memory field of a process, e.g. VmRSS."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def cold_start(family: Family, ear: Ear, broker: str, number: int) -> tuple[float, Child]:
    """Start an agent with an empty outbox; return the seconds to its first record."""
    where = ["--endpoints", str(family.folder / "sim.json"), "--data", str(family.folder / f"data-{number}")]
    began = time.monotonic()
    child = family.start("agent", ["agent", "run", str(SITE), "--broker", broker, *where])
    ear.wait()
    return time.monotonic() - began, child


def bare_mb() -> float:
    """Return the memory of an interpreter that only imports numpy and numba."""
    code = "import numpy, numba; print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return int(said.split()[1]) / 1024


def main() -> None:
    """Measure and print."""
    use_kernel_cache()
    with tempfile.TemporaryDirectory() as folder:
        family = Family(Path(folder))
        family.start("broker", ["broker"])
        family.start("sim", ["sim"])
        at = family.ready("broker", 30)
        family.ready("sim", 30)
        ear = Ear(at["host"], at["port"])
        broker = f"{at['host']}:{at['port']}"
        try:
            first, _ = cold_start(family, ear, broker, 0)
            family.end("agent")
            starts = []
            for number in range(1, ROUNDS + 1):
                seconds, child = cold_start(family, ear, broker, number)
                starts.append(seconds)
                if number < ROUNDS:
                    family.end("agent")
            time.sleep(WATCH_S)  # what it takes when it has run for a while, not at its start
            resident, peak = (memory_mb(child.process.pid, name) for name in ("VmRSS", "VmHWM"))
        finally:
            ear.stop()
            family.end_all(("agent",))
    print("one agent on the demonstration works: 6 devices, 277 series, 3 lines, 1 s scans")
    print(f"  {first:6.2f} s   start to first durable record, the first (compiles if nothing is cached)")
    print(f"  {statistics.median(starts):6.2f} s   the same, median of {ROUNDS} more (bar 4 s)")
    print(f"  {resident:6.0f} MB  resident after {WATCH_S:.0f} s, peak {peak:.0f} MB (bar 200 MB)")
    print(f"  {bare_mb():6.0f} MB  a bare interpreter with numpy and numba imported")


if __name__ == "__main__":
    main()
