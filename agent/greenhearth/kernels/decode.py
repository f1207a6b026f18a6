"""Registers to numbers: every integer and float type in every byte order.

Modbus brings 16-bit registers, most significant byte first; how a device spreads wider
values over registers is its maker's choice (MODBUS Application Protocol V1.1b3, 4.2, defines
only the 16-bit item). An order such as ``CDAB`` names the bytes as they come, A being the
most significant.
"""

import numpy as np

from greenhearth.kernels._compile import inlined, kernel
from greenhearth.kernels.arrays import BIT, F4, F8, FLOAT, I4, I8, INT, U2, U4, U8, Decode
from greenhearth.quality import BAD, Quality

_SENTINEL = int(Quality.SENTINEL)
_RANGE = int(Quality.RANGE)
_NAN = float("nan")


@inlined
def raw_bits(words: U2, at: int, n: int, shift: I4) -> np.uint64:
    """Join `n` registers from `at` into one unsigned integer; shift [8] per wire byte."""
    raw = np.uint64(0)
    for k in range(n):
        high = np.uint64(words[at + k] >> 8)
        low = np.uint64(words[at + k] & 255)
        raw |= high << np.uint64(shift[2 * k])
        raw |= low << np.uint64(shift[2 * k + 1])
    return raw


@inlined
def to_number(raw: np.uint64, n: int, form: int, bit: int, u32: U4, f32: F4, u64: U8, f64: F8) -> float:
    """Read the bits of an n-register value; u32/f32 and u64/f64 are views of scratch [1]."""
    if form == BIT:
        return float((raw >> np.uint64(bit)) & np.uint64(1))
    if form == FLOAT:
        if n == 2:
            u32[0] = np.uint32(raw)
            return float(f32[0])
        u64[0] = raw
        return float(f64[0])
    if form == INT:
        free = np.uint64(64 - 16 * n)
        return float(np.int64(raw << free) >> np.int64(free))
    return float(raw)


@kernel
def decode(d: Decode, words: U2, block_t: I8, block_q: I4, x: F8, t: I8, q: I4, fresh: I4) -> None:
    """Decode one scan: words [n_words], block_t/block_q [blocks] -> x, t, q, fresh [n].

    block_q is -1 for a block that was not read in this scan: its series are not fresh.
    A failed block, a sentinel, NaN and a value beyond its physical limits give NaN and
    their quality; none of them gives a number.
    """
    u32 = np.empty(1, np.uint32)
    f32 = u32.view(np.float32)
    u64 = np.empty(1, np.uint64)
    f64 = u64.view(np.float64)
    for i in range(d.block.size):
        b = d.block[i]
        fresh[i] = 0
        if b < 0 or block_q[b] < 0:
            continue
        fresh[i] = 1
        t[i] = block_t[b]
        q[i] = block_q[b]
        x[i] = _NAN
        if block_q[b] >= BAD:
            continue
        raw = raw_bits(words, d.at[i], d.words[i], d.shift[i])
        if d.form[i] != BIT and _is_sentinel(d, i, raw):
            q[i] = _SENTINEL
            continue
        value = to_number(raw, d.words[i], d.form[i], d.bit[i], u32, f32, u64, f64)
        if np.isnan(value):
            q[i] = _SENTINEL
            continue
        value = value * d.scale[i] + d.offset[i]
        if not d.low[i] <= value <= d.high[i] or np.isinf(value):
            q[i] = _RANGE
            continue
        x[i] = value


@inlined
def _is_sentinel(d: Decode, i: int, raw: np.uint64) -> bool:
    hits = 0
    for k in range(d.sentinel_ptr[i], d.sentinel_ptr[i + 1]):
        hits += d.sentinel[k] == raw
    return hits > 0


def text(words: list[int]) -> str:
    """Read a string of two ASCII characters a register, without padding."""
    raw = b"".join(int(word).to_bytes(2, "big") for word in words)
    return raw.decode("ascii", errors="replace").strip("\0 ")
