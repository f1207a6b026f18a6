"""Quality of a reading and validity of a result, as integer codes.

A reading is never zero and never "now" because something failed: it carries one of
these codes at its own time. The three classes are separable by value alone, so that
kernels can test ``code < UNCERTAIN`` without a table.
"""

from enum import IntEnum

UNCERTAIN = 64
"""Codes from here to 127: a usable value with a doubt attached."""

BAD = 128
"""Codes from here on: there is no value."""

EXCEPTION_BASE = 160
"""Modbus exception n of a device is ``EXCEPTION_BASE + n`` (n = 1..31)."""


class Quality(IntEnum):
    """Why a reading may be trusted, or not."""

    GOOD = 0
    UNCERTAIN_CLOCK = 64
    """The wall clock was stepped within this sample."""
    UNCERTAIN_DIP = 65
    """A counter stepped back; its increments are held until a reset is confirmed."""
    UNCERTAIN_JUMP = 66
    """A counter rose faster than its line can deliver; held until confirmed."""
    SUBSTITUTED = 67
    """A person or a rule put this value here."""
    TIMEOUT = 128
    BUSY = 129
    CRC = 130
    SENTINEL = 131
    RANGE = 132
    STALE = 133
    QUARANTINED = 134
    CLOCK = 135
    NO_LINK = 136
    """The port or the connection does not exist."""
    MALFORMED = 137
    """The device answered, but not what was asked: wrong length, unit or function."""
    NOT_READ = 138
    """Nothing was read yet."""
    IDENTITY = 139
    """A register that is always the same has another value: this is not the device of the profile."""


class Validity(IntEnum):
    """Why an intensity may be used, or not. Order is severity: the highest code wins."""

    VALID = 0
    PRODUCT_ESTIMATED = 1
    """The product of a running batch is charge times declared yield."""
    START_UNSEEN = 2
    """The batch began before the agent was watching."""
    PARTIAL = 3
    """A required stream covers less than 95 % of the window."""
    PRODUCT_ZERO = 4
    """Too little product to divide by."""
    NO_DATA = 5
    """A required stream has no increment at all in the window."""


def is_comparable(validity: int) -> bool:
    """Tell whether a result may be held against a benchmark or a limit.

    An estimated product may: the running heat would have no figure otherwise. A batch whose
    start was not seen may not: what it used before is missing.
    """
    return 0 <= validity <= Validity.PRODUCT_ESTIMATED


def is_usable(code: int) -> bool:
    """Tell whether a reading of this quality has a value."""
    return code < BAD


def exception_quality(code: int) -> int:
    """Return the quality of a Modbus exception `code` (6, server busy, is BUSY)."""
    return int(Quality.BUSY) if code == 6 else EXCEPTION_BASE + (code & 31)


def quality_name(code: int) -> str:
    """Return the public name of a quality code, e.g. ``TIMEOUT`` or ``EXCEPTION_2``."""
    if code > EXCEPTION_BASE:
        return f"EXCEPTION_{code - EXCEPTION_BASE}"
    return Quality(code).name
