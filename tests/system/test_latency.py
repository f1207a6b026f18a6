"""From a register of a controller to a number on the operator's screen, at 1 s scans.

``LATENCY_CHANGES=200 pytest -s tests/system/test_latency.py`` prints the whole distribution.
"""

import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..programs import CHROMIUM, CHROMIUM_FLAGS
from ..waiting import until
from .conftest import Works

CHANGES = int(os.environ.get("LATENCY_CHANGES", "30"))
BAR_S = 1.5
ALLOWED_OVER = max(1, CHANGES // 100)
"""The bar is the 99th percentile; one stall of a shared machine does not decide a short run."""

WATCH = """
window.seen = {};
const target = document.querySelector('[data-line="furnace"] [data-field="batch"]');
const note = () => { window.seen[target.textContent] ??= performance.timeOrigin + performance.now(); };
new MutationObserver(note).observe(target, { childList: true, characterData: true, subtree: true });
"""


@pytest.fixture
def screen(broker: Any, tmp_path: Path) -> Iterator[tuple[Any, Works]]:
    """The page of works at the speed of life, open in a real browser."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'dev')")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian package 'chromium')")
    works = Works(tmp_path, (broker.host, broker.port), 1.0)
    try:
        address = works.start_gateway().address
        works.start_agent()
        with api.sync_playwright() as player:
            browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector('[data-line="furnace"] [data-field="batch"]')
            page.evaluate(WATCH)
            yield page, works
            browser.close()
    finally:
        works.family.end_all(("agent", "gateway", "sim"))


def _set_register(works: Works, number: int) -> float:
    """Force the furnace's heat number and return when it was done [Unix s]."""
    control = works.sim["control"]
    with socket.create_connection((control["host"], control["port"]), 5) as link:
        began = time.time()
        link.sendall(f"set furnace.heat_number {number}\n".encode())
        assert link.recv(100).startswith(b"ok")
    return began


def _latency_s(page: Any, works: Works, number: int) -> float:
    began = _set_register(works, number)
    seen = until(lambda: page.evaluate(f"window.seen['heat {number}']"), 10, f"heat {number} on the page")
    return float(seen) / 1000 - began


def test_a_changed_register_is_on_the_page_within_a_second_and_a_half(screen: tuple[Any, Works]) -> None:
    """The p99 bar; changes come at random phases of the scan."""
    page, works = screen
    chance = random.Random(7)
    found = []
    for k in range(CHANGES):
        page.wait_for_timeout(1000 * chance.random())
        found.append(_latency_s(page, works, 60_000 + k))
    found.sort()
    p50, p99 = found[len(found) // 2], found[min(len(found) - 1, int(0.99 * len(found)))]
    print(f"{CHANGES} changes: p50 {p50:.3f} s, p99 {p99:.3f} s, worst {found[-1]:.3f} s")
    assert sum(one > BAR_S for one in found) <= ALLOWED_OVER, found[-5:]
