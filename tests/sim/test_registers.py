"""Encoders give the words that a controller would hold; the tables agree with the I/O list."""

import math
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth.clock import NS
from greenhearth.sim.app import PLANTS
from greenhearth.sim.controllers import FURNACE, KILN_LINE, KILN_SCALES, POTLINE, feeder
from greenhearth.sim.registers import Field, Table, encode, reorder

IO_LIST = Path(__file__).parents[2] / "firmware_configs" / "plcs" / "DEMO_PLANT_IO.md"

KNOWN = [
    ("float32", "", 1.0, [0x3F80, 0x0000]),
    ("float32", "CDAB", 1.0, [0x0000, 0x3F80]),
    ("float32", "BADC", 1.0, [0x803F, 0x0000]),
    ("float32", "DCBA", 1.0, [0x0000, 0x803F]),
    ("uint32", "CDAB", 0x01020304, [0x0304, 0x0102]),
    ("uint64", "", 0x0123456789ABC, [0x0000, 0x1234, 0x5678, 0x9ABC]),
    ("uint64", "GHEFCDAB", 0x0123456789ABC, [0x9ABC, 0x5678, 0x1234, 0x0000]),
    ("uint64", "HGFEDCBA", 0x0123456789ABC, [0xBC9A, 0x7856, 0x3412, 0x0000]),
    ("float64", "", 1.0, [0x3FF0, 0, 0, 0]),
    ("float64", "GHEFCDAB", 1.0, [0, 0, 0, 0x3FF0]),
    ("int16", "", -2, [0xFFFE]),
    ("int16", "BA", -2, [0xFEFF]),
    ("int32", "", -1, [0xFFFF, 0xFFFF]),
    ("int64", "", -1, [0xFFFF] * 4),
]


@pytest.mark.parametrize(("kind", "order", "value", "words"), KNOWN)
def test_known_values_become_known_words(kind: str, order: str, value: float, words: list[int]) -> None:
    assert encode(Field(0, kind, "x", order=order), value) == words


@given(st.integers(0, 2**32 - 1), st.permutations(range(4)))
def test_any_order_only_moves_bytes(raw: int, places: list[int]) -> None:
    order = "".join("ABCD"[place] for place in places)
    moved = reorder(struct.pack(">I", raw), order)
    back = bytes(moved[order.index(letter)] for letter in "ABCD")
    assert struct.unpack(">I", back)[0] == raw


def test_a_full_counter_starts_again_at_zero_and_other_integers_stay_at_their_limit() -> None:
    assert encode(Field(0, "uint32", "x", 0.001), 4294967.296) == [0, 0]
    assert encode(Field(0, "int16", "x"), 40000.0) == [0x7FFF]
    assert encode(Field(0, "int32", "x"), -1e12) == [0x8000, 0]


def test_no_value_is_the_sentinel_or_nan_and_never_zero() -> None:
    assert encode(Field(0, "int16", "x", missing=0x7FFF), math.nan) == [0x7FFF]
    assert encode(Field(0, "uint16", "x", 0.001, missing=0xFFFF), math.nan) == [0xFFFF]
    words = encode(Field(0, "float64", "x"), math.nan)
    assert math.isnan(struct.unpack(">d", struct.pack(">4H", *words))[0])


def test_text_is_padded_with_blanks_and_cut_to_its_length() -> None:
    assert struct.pack(">4H", *encode(Field(0, "string", "x", length=4), "C45E")) == b"C45E    "
    assert struct.pack(">4H", *encode(Field(0, "string", "x", length=4), "0123456789")) == b"01234567"


def io_rows(heading: str) -> list[tuple[int, str, str]]:
    """Return (address, type, name) of the first table below the line that begins with `heading`."""
    text = IO_LIST.read_text(encoding="utf-8")
    rest = text[text.index(heading) :]
    table = rest[rest.index("|---") :].split("\n\n")[0]
    rows = re.findall(r"^\| (\d+)[.\d]* \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    return [(int(address), kind.replace("*", "").strip(), name.strip()) for address, kind, name in rows]


LISTED = [
    ("## Furnace PLC", FURNACE, ""),
    ("Units 2 (coal)", feeder("coal"), "coal_"),
    ("Units 2 (coal)", feeder("alternative_fuel"), "alternative_fuel_"),
    ("Unit 4: kiln scales", KILN_SCALES, ""),
    ("## Potline PLC", POTLINE, ""),
]


@pytest.mark.parametrize(("heading", "table", "prefix"), LISTED)
def test_the_tables_agree_with_the_io_list(heading: str, table: Table, prefix: str) -> None:
    rows = io_rows(heading)
    fields = {field.address: field for field in table.fields}
    assert len(rows) >= 3
    for address, kind, name in rows:
        field = fields.pop(address)
        assert kind.split(",")[0].split()[0] == field.type
        assert (kind.split()[1:] or [""])[0] in (field.order, "4")
        assert name.split()[0] in (field.value.removeprefix(prefix), "status", "cell_voltage_v")
    left_over = [one for one in fields.values() if not one.value.startswith("cell_voltage_v_")]
    assert not left_over


@pytest.mark.parametrize(
    ("plant", "tables"),
    [("furnace", [FURNACE]), ("kiln", list(KILN_LINE.values())), ("cell", [POTLINE])],
)
def test_every_field_of_a_table_is_a_value_of_its_plant_and_fields_do_not_overlap(
    plant: str, tables: list[Table]
) -> None:
    values = PLANTS[plant](1, NS).values()
    for table in tables:
        taken = [field.address + k for field in table.fields for k in range(field.words)]
        assert len(taken) == len(set(taken))
        assert {field.value for field in table.fields} <= set(values)
        assert all(any(low <= at <= high for low, high in table.ranges) for at in taken)
