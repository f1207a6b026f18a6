"""Where each key of a TOML text stands, because `tomllib` does not tell.

Keys are dotted as in the text, without quotes: ``device.meter.unit``. Elements of an array
of tables, and tables inside an array, carry their number: ``role.x.flows[1]``.
"""

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?")
_PART = r"(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)"
_KEY = re.compile(rf"^\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_PARTS = re.compile(_PART)
_TOKEN = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*|[\[\]{},]")


def key_lines(text: str) -> dict[str, int]:
    """Map every dotted key of a TOML text to the line it first stands on (from 1)."""
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        reader.read(number, line)
    return reader.lines


def parts_of(key: str) -> list[str]:
    """Split a dotted key as written, quotes dropped: ``a."b.c"`` is a and b.c."""
    return [part.strip("\"'") for part in _PARTS.findall(key)]


class _Reader:
    """Goes through a text line by line; knows whether it is inside a longer value."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._table = self._key = self._quote = ""
        self._depth = self._item = 0
        self._arrays: dict[str, int] = {}

    def read(self, number: int, line: str) -> None:
        """Take in one line."""
        start = 0
        if self._depth == 0 and not self._quote:
            header = _HEADER.match(line)
            if header:
                self._open_table(number, parts_of(header.group(2)), header.group(1) == "[[")
                return
            key = _KEY.match(line)
            if key is None:
                return
            self._key = ".".join(filter(None, [self._table, *parts_of(key.group(1))]))
            self.lines.setdefault(self._key, number)
            self._item, start = 0, key.end()
        self._value(number, line, start)

    def _open_table(self, number: int, parts: list[str], element: bool) -> None:
        name = ""
        for k, part in enumerate(parts):
            name = f"{name}.{part}" if name else part
            if k < len(parts) - 1 and name in self._arrays:
                name = f"{name}[{self._arrays[name] - 1}]"
        if element:
            self.lines.setdefault(name, number)
            self._arrays[name] = self._arrays.get(name, 0) + 1
            name = f"{name}[{self._arrays[name] - 1}]"
        self.lines.setdefault(name, number)
        self._table = name

    def _value(self, number: int, line: str, start: int) -> None:
        if self._quote:
            end = line.find(self._quote)
            if end < 0:
                return
            start, self._quote = end + 3, ""
        for token in _TOKEN.finditer(line, start):
            if self._quote:
                if token.group() == self._quote:
                    self._quote = ""
            else:
                self._token(number, token.group())

    def _token(self, number: int, token: str) -> None:
        if token in ('"""', "'''"):
            self._quote = token
        elif token in "[{":
            if self._depth == 1:
                self.lines.setdefault(f"{self._key}[{self._item}]", number)
            self._depth += 1
        elif token in "]}":
            self._depth -= 1
        elif token == "," and self._depth == 1:
            self._item += 1
