"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import Any

import pytest


def until(condition: Callable[[], Any], within_s: float = 10.0, what: str = "the condition is true") -> Any:
    """Ask again until `condition` is true, and return what it said; fail after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(0.01)  # asked again until the deadline
    return found
