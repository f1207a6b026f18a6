"""Strict TOML: what is not understood is refused, with file, line, key and the nearest name.

`tomllib` does not keep line numbers and msgspec does not know the file, so this module
joins the two: it converts table by table and looks the offending key up in the text.
"""

import copy
import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from greenhearth.toml_lines import key_lines

T = TypeVar("T")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_ENUM = re.compile(r"Invalid enum value '([^']*)'")
_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`")
_STEP = re.compile(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+")
_ANY_KEY = "[...]"
"""How msgspec writes a key of a dictionary in a path: it does not say which."""


class ConfigError(ValueError):
    """A configuration that cannot be accepted: says which file, line and key, and why."""

    def __init__(self, file: str, line: int, key: str, why: str, nearest: str = "") -> None:
        self.file, self.line, self.key, self.why, self.nearest = file, line, key, why, nearest
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        super().__init__(f"{file}:{line}: {key}: {why}{hint}")


def nearest_name(word: str, names: Iterable[str]) -> str:
    """Return the name most like `word`, or '' when nothing comes close; case counts least."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def missing_column(file: Path, name: str, header: Sequence[str]) -> ConfigError:
    """Build the refusal of a CSV that lacks a column; the usual cause is another separator."""
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            why = f"is not found: the columns of this file stand between {word}; save it with commas"
            return ConfigError(str(file), 1, name, why)
    near = nearest_name(name, header)
    there = "" if near else f", it has {', '.join(header) or 'none'}"
    return ConfigError(str(file), 1, name, f"is not a column of this file{there}", near)


class Document:
    """One TOML file: its data, and where each key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8-sig")  # Windows editors put a mark before the text
        except OSError as error:
            raise ConfigError(str(path), 0, "file", f"cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise ConfigError(str(path), 0, "file", "is not UTF-8 text") from error
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(str(path), _syntax_line(str(error), text), "syntax", str(error)) from error
        self._lines = key_lines(text)

    def line_of(self, key: str) -> int:
        """Return the line of a dotted key, or of the nearest table around it."""
        around = key
        while around:
            if around in self._lines:
                return self._lines[around]
            around = around[: around.rindex("[")] if around.endswith("]") else around.rpartition(".")[0]
        return min((line for name, line in self._lines.items() if name.startswith(f"{key}.")), default=1)

    def error(self, key: str, why: str, known: Iterable[str] = ()) -> ConfigError:
        """Build the refusal of `key`; its last part is looked up among the `known` names."""
        return self.error_naming(key, why, key.rpartition(".")[2], known)

    def error_naming(self, key: str, why: str, word: str, known: Iterable[str]) -> ConfigError:
        """Build the refusal of `key` whose value or part `word` should be one of `known`."""
        near = nearest_name(word, known)
        return ConfigError(str(self.path), self.line_of(key), key, why, near)

    def table(self, key: str, kind: type[T]) -> T:
        """Convert the table at top-level `key` into `kind`."""
        if key not in self.data:
            raise self.error(key, f"the table [{key}] is missing", self.data)
        return self.convert(self.data[key], kind, key)

    def tables(self, key: str, kind: type[T]) -> dict[str, T]:
        """Convert every table ``[key.NAME]`` into `kind`, by name."""
        raw = self.data.get(key, {})
        if not isinstance(raw, dict):
            raise self.error(key, f"expected tables [{key}.NAME]")
        return {name: self.convert(value, kind, f"{key}.{name}") for name, value in raw.items()}

    def only(self, *names: str) -> None:
        """Refuse any top-level key that is not one of `names`."""
        for key in self.data:
            if key not in names:
                raise self.error(key, "unknown key", names)

    def convert(self, raw: Any, kind: type[T], key: str) -> T:
        """Convert plain data found at `key` into `kind`, refusing what does not fit."""
        for inner in _not_finite(raw, key):
            raise self.error(inner, "is not a finite number")
        try:
            return msgspec.convert(raw, kind, strict=True)
        except msgspec.ValidationError as error:
            raise self._refusal(str(error), raw, kind, key) from error

    def _refusal(self, message: str, raw: Any, kind: type, key: str) -> ConfigError:
        at = _PATH.search(message)
        inner = _named(at.group(1), message, raw, kind) if at else ""
        where = f"{key}.{inner}" if inner and not inner.startswith("[") else f"{key}{inner}"
        why = message[: at.start()] if at else message
        unknown = _UNKNOWN.search(message)
        if unknown:
            where = f"{where}.{unknown.group(1)}"
            return self.error(where, "unknown key", _fields(_type_at(kind, inner)))
        missing = _MISSING.search(message)
        if missing:
            return self.error(where, f"the key '{missing.group(1)}' is missing")
        enum = _ENUM.search(message)
        if enum:
            options = [str(one) for one in get_args(_type_at(kind, inner))]
            word = enum.group(1)
            return self.error_naming(where, f"'{word}' is none of {_listed(options)}", word, options)
        return self.error(where, why)


def _listed(options: list[str]) -> str:
    return ", ".join(f"'{one}'" for one in options)


def _syntax_line(message: str, text: str) -> int:
    found = re.search(r"line (\d+)", message)
    return int(found.group(1)) if found else max(1, len(text.splitlines()))


def _not_finite(raw: Any, key: str) -> Iterator[str]:
    """Yield the keys below `key` whose value is nan or infinite."""
    if isinstance(raw, float) and not math.isfinite(raw):
        yield key
    elif isinstance(raw, dict):
        for name, value in raw.items():
            yield from _not_finite(value, f"{key}.{name}")
    elif isinstance(raw, list):
        for k, value in enumerate(raw):
            yield from _not_finite(value, f"{key}[{k}]")


def _named(path: str, message: str, raw: Any, kind: type) -> str:
    """Replace each ``[...]`` of a path by the key that is at fault.

    Found by trial: with all other entries of that dictionary taken away, the entry at
    fault still gives the same message.
    """
    while _ANY_KEY in path:
        before, _, after = path.partition(_ANY_KEY)
        for name in _follow(raw, before):
            less = copy.deepcopy(raw)
            entries = _follow(less, before)
            for other in [one for one in entries if one != name]:
                del entries[other]
            try:
                msgspec.convert(less, kind, strict=True)
            except msgspec.ValidationError as error:
                if str(error) == message:
                    path, raw = f"{before}.{name}{after}".strip("."), less
                    break
        else:
            return before
    return path


def _follow(raw: Any, path: str) -> Any:
    for step in _STEP.findall(path):
        raw = raw[int(step[1:-1])] if step.startswith("[") else raw[step]
    return raw


def _type_at(kind: Any, path: str) -> Any:
    """Return the type that a path within `kind` leads to."""
    for step in _STEP.findall(path):
        kind = _without_none(kind)
        if get_origin(kind) in (list, tuple, dict):
            kind = get_args(kind)[-1]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
            kind = types.get(step, object)
    return _without_none(kind)


def _without_none(kind: Any) -> Any:
    """Return the one type that ``X | None`` stands for."""
    if get_origin(kind) in (list, tuple, dict, Literal):
        return kind
    inner = [one for one in get_args(kind) if one is not type(None)]
    return inner[0] if len(inner) == 1 else kind


def _fields(kind: Any) -> list[str]:
    """Return the field names of a struct type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [field.encode_name for field in msgspec.structs.fields(kind)]
    return []
