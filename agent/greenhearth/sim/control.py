"""A small control port: tests and people force values and let meters fall silent.

One line in, one line out, on a loopback TCP port::

    set furnace.active_power_kw 12345      clear furnace.active_power_kw      clear
    mute kiln_line 2                       unmute kiln_line 2                 unmute
    get furnace.active_power_kw
    made clinker_kiln      what a declared case has really made since the start, as JSON
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from greenhearth.sim.live import Live
from greenhearth.strict import nearest_name

_MAX_LINE = 4096


class Mutable(Protocol):
    """An endpoint whose units can be silenced."""

    muted: set[int]

    @property
    def units(self) -> Mapping[int, object]:
        """The units behind it."""


@runtime_checkable
class Making(Protocol):
    """A plant that knows what it has really made."""

    def made(self) -> object:
        """Return it; `greenhearth.sim.case_plant.Made`."""


class Control:
    """What can be told to running plants."""

    def __init__(self, plants: Mapping[str, Live], endpoints: Mapping[str, Mutable]) -> None:
        self.plants = plants
        self.endpoints = endpoints
        self._verbs = {
            "set": self._set, "clear": self._clear, "get": self._get, "made": self._made,
            "mute": self._mute, "unmute": self._unmute,
        }  # fmt: skip
        self._server: asyncio.Server | None = None

    async def listen(self, host: str) -> int:
        """Listen on a free port of `host` and return it."""
        self._server = await asyncio.start_server(self._serve, host, 0, limit=_MAX_LINE)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(f"{self.obey(line.decode('utf-8', 'replace'))}\n".encode())
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # went away, or sent a line longer than _MAX_LINE
        finally:
            writer.close()

    def obey(self, line: str) -> str:
        """Carry out one line; return ``ok ...`` or ``error: ...``."""
        verb, *words = line.split() or [""]
        if verb not in self._verbs:
            return f"error: '{verb}' is not one of {', '.join(self._verbs)}"
        try:
            return f"ok {self._verbs[verb](words)}".rstrip()
        except (LookupError, ValueError) as error:
            return f"error: {error}"

    def _set(self, words: list[str]) -> str:
        if len(words) < 2:
            raise ValueError("expected: set PLANT.VALUE NUMBER")
        live, value = self._find(words[0])
        live.force(value, " ".join(words[1:]))
        return ""

    def _clear(self, words: list[str]) -> str:
        if not words:
            for live in self.plants.values():
                live.forced.clear()
            return ""
        live, value = self._find(words[0])
        live.forced.pop(value, None)
        return ""

    def _get(self, words: list[str]) -> str:
        live, value = self._find(words[0] if words else "")
        values = live.read()
        if value not in values:
            raise LookupError(f"{live.name} has no value '{value}'")
        return str(values[value])

    def _made(self, words: list[str]) -> str:
        name = words[0] if words else ""
        live = self.plants.get(name)
        making = {one for one, other in self.plants.items() if isinstance(other.plant, Making)}
        if live is None or not isinstance(live.plant, Making):
            near = nearest_name(name, making)
            raise LookupError(f"no case '{name}'" + (f"; did you mean '{near}'?" if near else ""))
        live.advance()
        return msgspec.json.encode(live.plant.made()).decode()

    def _mute(self, words: list[str]) -> str:
        for endpoint, units in self._units(words).items():
            self.endpoints[endpoint].muted.update(units)
        return ""

    def _unmute(self, words: list[str]) -> str:
        for endpoint, units in self._units(words).items():
            self.endpoints[endpoint].muted.difference_update(units)
        return ""

    def _find(self, name: str) -> tuple[Live, str]:
        plant, _, value = name.partition(".")
        if plant not in self.plants or not value:
            raise LookupError(f"'{name}' is not PLANT.VALUE with a plant of {', '.join(self.plants)}")
        return self.plants[plant], value

    def _units(self, words: list[str]) -> dict[str, set[int]]:
        if not words:
            return {name: set(one.units) for name, one in self.endpoints.items()}
        name, numbers = words[0], [int(word) for word in words[1:] if word != "unit"]
        if name not in self.endpoints:
            near = nearest_name(name, self.endpoints)
            raise LookupError(f"no endpoint '{name}'" + (f"; did you mean '{near}'?" if near else ""))
        known = set(self.endpoints[name].units)
        if not set(numbers) <= known:
            raise LookupError(f"{name} has the units {sorted(known)}")
        return {name: set(numbers) or known}
