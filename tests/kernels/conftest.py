"""A small works with one batch line, one continuous line and one potline, written as TOML."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from greenhearth.engine import Engine, Scan
from greenhearth.model import Model, ReadBlock, build_model
from greenhearth.site import load_site

WORKS = Path(__file__).parent / "works"
"""Its data folder: profiles, processes, factors and ``site.toml``."""


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the bench works."""
    monkeypatch.setenv("GREENHEARTH_CONFIGS", str(WORKS))
    return WORKS


@pytest.fixture
def model(shelf: Path) -> Model:
    """The bench works, numbered."""
    return build_model(load_site(shelf / "site.toml"))


METRICS = [
    "product_t", "electricity_kwh", "fuel_kwh", "energy_kwh_per_t", "electricity_kwh_per_t",
    "energy_gj_per_t", "fuel_gj_per_t", "kgce_per_t", "co2_fuel_kg_per_t", "co2_electricity_kg_per_t",
    "co2_pfc_kg_per_t", "co2_scope1_kg_per_t", "co2_scope2_kg_per_t", "co2_total_kg_per_t",
    "co2_cradle_kg_per_t", "co2_embedded_direct_kg_per_t", "co2_embedded_indirect_kg_per_t", "co2_total_kg",
]  # fmt: skip
"""What its lines have: no heat, no contract for electricity, no shares."""

BLOCKS = [
    ReadBlock("plc", "holding", 0, 11, 0, 6, 0),
    ReadBlock("pots", "holding", 0, 14, 6, 6, 11),
]
"""The scan plan of the bench works."""


class Bench:
    """The bench works' registers, set by name and handed to an engine scan by scan."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.words = np.zeros(25, np.uint16)
        self.q = np.zeros(2, np.int32)

    def put(self, at: int, form: str, value: float) -> None:
        """Write one big-endian value into the scan buffer at register `at`."""
        raw = struct.pack(f">{form}", value if form in "fd" else int(value))
        self.words[at : at + len(raw) // 2] = np.frombuffer(raw, ">u2")

    def scan(self, t_s: float, **values: float) -> Scan:
        """Set registers by point name and run one scan at t_s."""
        for name, value in values.items():
            self.put(*REGISTERS[name], value)
        t = np.full(2, round(t_s * 1e9), np.int64)
        return self.engine.update(int(t[0]), self.words, t, self.q)


REGISTERS = {
    "number": (0, "H"), "work": (1, "I"), "power": (3, "f"), "gas": (5, "I"), "charge": (7, "I"),
    "made": (9, "I"), "current": (11, "f"), "cell_work": (13, "Q"),
    "v1": (21, "H"), "v2": (22, "H"), "v3": (23, "H"), "v4": (24, "H"),
}  # fmt: skip


@pytest.fixture
def bench(model: Model) -> Bench:
    """A bench works with a fresh engine."""
    return Bench(Engine(model, BLOCKS))


@pytest.fixture(scope="session")
def session_model() -> Model:
    """The bench works, numbered once for property tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENHEARTH_CONFIGS", str(WORKS))
        return build_model(load_site(WORKS / "site.toml"))


@pytest.fixture(scope="session")
def bench_engine(session_model: Model) -> Callable[[], Bench]:
    """Make a bench works with a fresh engine for each example of a property."""
    return lambda: Bench(Engine(session_model, BLOCKS))
