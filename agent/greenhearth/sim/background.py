"""Simulated plants beside a program that has no event loop of its own: a test, a notebook."""

import asyncio
import threading
from dataclasses import replace
from types import TracebackType
from typing import Any

from greenhearth.clock import Clock
from greenhearth.sim.app import SimOptions, Works

_START_S = 20.0


class BackgroundSim:
    """Plants on real sockets and serial lines, in a thread; use as a context manager.

    Args:
        options: what to simulate; `ready_file` is not written.

    Raises:
        OSError: a port or a serial line cannot be had.
        ValueError: an unknown plant, or a replay without a site file.
    """

    def __init__(self, options: SimOptions | None = None) -> None:
        self.options = replace(options or SimOptions(), ready_file=None)
        self._thread = threading.Thread(target=self._run, name="simulated plants", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> "BackgroundSim":
        self._thread.start()
        if not self._started.wait(_START_S):
            raise TimeoutError(f"the simulated plants did not start within {_START_S:g} s")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._failure is None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def clock(self) -> Clock:
        """The clock of the plants."""
        return self._works.clock

    def endpoint(self, name: str) -> tuple[str, int]:
        """Return host and port of a TCP endpoint (``furnace_plc``, ``potline_plc``, ``historian``)."""
        address = self._works.addresses[name]
        return str(address["host"]), int(address["port"])

    def device(self, name: str = "kiln_line") -> str:
        """Return the serial device of a line. It is a pseudo-terminal: it has no parity bit."""
        return str(self._works.addresses[name]["device"])

    def ready(self) -> dict[str, Any]:
        """Return what the ready file of a simulator process would say."""
        return self._works.ready()

    def tell(self, line: str) -> str:
        """Carry out one line of the control port, e.g. ``set furnace.active_power_kw 12345``.

        Raises:
            ValueError: the line is not understood, or names what there is not.
        """
        answer = asyncio.run_coroutine_threadsafe(self._obey(line), self._loop).result()
        if not answer.startswith("ok"):
            raise ValueError(answer)
        return answer[2:].strip()

    async def _obey(self, line: str) -> str:
        return self._works.control.obey(line)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except (OSError, ValueError) as error:
            self._failure = error
            self._started.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Works(self.options) as self._works:
            self._started.set()
            await self._stop.wait()
