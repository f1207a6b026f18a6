"""Decode against struct, for every type and every byte order."""

import struct
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.kernels import decode as kernel
from greenhearth.kernels.arrays import Decode
from greenhearth.model import Model, ReadBlock, Series
from greenhearth.profiles import Order, Point, words_of
from greenhearth.quality import Quality
from greenhearth.tables import decode_table

FORMS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
CASES = [(t, o) for t in FORMS for o in get_args(Order) if len(o) == struct.calcsize(FORMS[t])]


class _Points(Model):
    """Just a list of points."""

    def __init__(self, points: list[Point]) -> None:
        self.series = [Series(str(k), "", "d", str(k), p, p.address) for k, p in enumerate(points)]


def table(*points: Point) -> Decode:
    """The decode table of points that one block brings."""
    return decode_table(_Points(list(points)), [ReadBlock("d", "holding", 0, 16, 0, len(points), 0)])


def run(d: Decode, words: list[int], q: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values and qualities of one scan."""
    n = d.block.size
    x, t = np.zeros(n), np.zeros(n, np.int64)
    quality, fresh = np.zeros(n, np.int32), np.zeros(n, np.int32)
    buffer = np.array(words + [0] * (16 - len(words)), np.uint16)
    kernel.decode(d, buffer, np.array([5]), np.array([q], np.int32), x, t, quality, fresh)
    return x, quality


def wire_words(value: float, form: str, order: str) -> list[int]:
    """Registers as a device of this byte order sends them."""
    big = struct.pack(f">{form}", value)
    sent = bytes(big["ABCDEFGH".index(letter)] for letter in order)
    return list(struct.unpack(f">{len(sent) // 2}H", sent))


@pytest.mark.parametrize(("type_", "order"), CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_type_and_order_reads_what_struct_wrote(type_: str, order: str, data: st.DataObject):
    form = FORMS[type_]
    width = 8 * struct.calcsize(form)
    if form in "fd":
        value = data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    elif type_.startswith("u"):
        value = data.draw(st.integers(0, 2**width - 1))
    else:
        value = data.draw(st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1))
    x, q = run(table(Point(address=0, type=type_, order=order, source="")), wire_words(value, form, order))

    assert x[0] == float(value)
    assert q[0] == Quality.GOOD


def test_scale_and_offset_apply_after_the_type():
    x, _ = run(table(Point(address=0, type="int16", scale=0.1, offset=-40.0, source="")), [0xFFFF])

    assert x[0] == pytest.approx(-40.1)


def test_a_bit_is_taken_from_its_register():
    points = [Point(address=0, type="bit", bit=k, source="") for k in (0, 3, 15)]

    assert run(table(*points), [0x8001])[0].tolist() == [1.0, 0.0, 1.0]


def test_a_sentinel_of_full_width_is_no_value_and_a_16_bit_one_does_not_hit_32_bits():
    wide = Point(address=0, type="uint32", sentinels=[0xFFFFFFFF], source="")
    x, q = run(table(wide), [0xFFFF, 0xFFFF])

    assert np.isnan(x[0])
    assert q[0] == Quality.SENTINEL
    assert run(table(wide), [0x0000, 0xFFFF])[0][0] == 65535.0


@pytest.mark.parametrize(("value", "code"), [(float("nan"), Quality.SENTINEL), (float("inf"), Quality.RANGE)])
def test_a_float_that_is_no_number_is_no_value(value: float, code: Quality):
    x, q = run(table(Point(address=0, type="float32", source="")), wire_words(value, "f", "ABCD"))

    assert np.isnan(x[0])
    assert q[0] == code


def test_a_value_beyond_its_physical_limits_is_out_of_range():
    x, q = run(table(Point(address=0, type="uint16", low=0.0, high=100.0, source="")), [101])

    assert np.isnan(x[0])
    assert q[0] == Quality.RANGE


def test_a_failed_block_gives_its_quality_and_no_numbers():
    x, q = run(table(Point(address=0, type="uint16", source="")), [7], q=int(Quality.TIMEOUT))

    assert np.isnan(x[0])
    assert q[0] == Quality.TIMEOUT


def test_text_is_read_without_its_padding():
    assert kernel.text([0x5333, 0x3535, 0x2020, 0x0000]) == "S355"
    assert words_of(Point(address=0, type="string", length=4, source="")) == 4
