"""Where a key stands in a TOML text, and what a refusal says."""

from pathlib import Path
from typing import Literal

import msgspec
import pytest

from greenhearth.strict import ConfigError, Document, nearest_name
from greenhearth.toml_lines import key_lines

TEXT = '''first = 1
[plain]            # a comment with [brackets] and key = 1
a = "x # not a comment"
  b.c = 2
["quoted.name"]
"d.e" = 3
[long]
pairs = [
  [1, 2],
  [3, 4],
]
words = """
[not.a.table]
not_a_key = 1
"""
flows = [
  { output = "a", factors = ["x",
    "y"] },
  { output = "]" },
]
after = 5
[[list]]
v = 1
[list.sub]
w = 2
[[list]]
v = 3
[[list.inner]]
z = 4
'''

PLACES = {
    "first": 1,
    "plain": 2,
    "plain.a": 3,
    "plain.b.c": 4,
    "quoted.name": 5,
    "quoted.name.d.e": 6,
    "long.pairs": 8,
    "long.pairs[1]": 10,
    "long.words": 12,
    "long.flows": 16,
    "long.flows[0]": 17,
    "long.flows[1]": 19,
    "long.after": 21,
    "list": 22,
    "list[0].v": 23,
    "list[0].sub.w": 25,
    "list[1].v": 27,
    "list[1].inner[0].z": 29,
}


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """A table in a table."""

    size: int
    colour: Literal["red", "green"] = "red"


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """A table with everything in it."""

    named: dict[str, Inner] = {}
    listed: list[Inner] = []
    one: Inner | None = None
    ratio: float = 0.0


def document(folder: Path, text: str) -> Document:
    path = folder / "file.toml"
    path.write_text(text)
    return Document(path)


def refusal(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        document(folder, text).table("outer", Outer)
    return caught.value


@pytest.mark.parametrize(("key", "line"), PLACES.items())
def test_each_key_is_found_on_its_line(key: str, line: int) -> None:
    assert key_lines(TEXT)[key] == line


def test_what_only_looks_like_a_key_is_not_one() -> None:
    keys = key_lines(TEXT)
    assert not [key for key in keys if "not" in key or "brackets" in key or key.startswith(("1", "3"))]


def test_a_key_that_is_not_there_is_placed_at_the_table_around_it(tmp_path: Path) -> None:
    doc = document(tmp_path, TEXT)
    assert doc.line_of("plain.missing") == 2
    assert doc.line_of("long.flows[1].factors") == 19
    assert doc.line_of("long.flows[7]") == 16
    assert doc.line_of("nowhere.at.all") == 1


def test_a_table_that_only_has_subtables_is_placed_at_the_first_of_them(tmp_path: Path) -> None:
    doc = document(tmp_path, "[a]\nx = 1\n[device.first]\ny = 1\n[device.second]\ny = 2\n")
    assert doc.line_of("device") == 3


@pytest.mark.parametrize(
    ("body", "line", "key", "says", "nearest"),
    [
        ("named.a = { size = 1 }\nnamed.b = { sise = 1 }", 3, "outer.named.b.sise", "unknown key", "size"),
        ("named.a = { size = 1 }\nnamed.b = {}", 3, "outer.named.b", "the key 'size' is missing", ""),
        ("named.a = { size = 'x' }", 2, "outer.named.a.size", "Expected `int`, got `str`", ""),
        (
            "listed = [\n  { size = 1 },\n  { size = 1.5 },\n]",
            4,
            "outer.listed[1].size",
            "Expected `int`",
            "",
        ),
        ("one = { size = 1, colour = 'gren' }", 2, "outer.one.colour", "is none of 'red', 'green'", "green"),
        ("named.a = { size = 1, colour = 'rad' }", 2, "outer.named.a.colour", "is none of", "red"),
        ("ratio = nan", 2, "outer.ratio", "is not a finite number", ""),
        ("ratio = true", 2, "outer.ratio", "Expected `float`, got `bool`", ""),
        ("rati = 1", 2, "outer.rati", "unknown key", "ratio"),
    ],
)
def test_a_refusal_names_line_key_and_nearest_name(
    tmp_path: Path, body: str, line: int, key: str, says: str, nearest: str
) -> None:
    error = refusal(tmp_path, f"[outer]\n{body}\n")
    assert (error.line, error.key, error.nearest) == (line, key, nearest)
    assert says in error.why


def test_a_syntax_error_gives_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        document(tmp_path, "[a]\nx = 1\ny = \n")
    assert (caught.value.line, caught.value.key) == (3, "syntax")


def test_a_text_that_ends_too_early_gives_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        document(tmp_path, "[a]\nx = [1,\n2,\n")
    assert caught.value.line == 3


def test_the_nearest_name_is_like_it_whatever_its_case_or_there_is_none() -> None:
    assert nearest_name("zzz", ["alpha", "beta"]) == ""
    assert nearest_name("alpa", ["alpha", "beta"]) == "alpha"
    assert nearest_name("kw", ["V", "kW", "kWh"]) == "kW"
