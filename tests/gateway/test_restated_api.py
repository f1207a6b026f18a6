"""The API tells restatements beside old figures, and what the name of a factor set stands for."""

import httpx
import msgspec

from greenhearth.factor_sets import FactorInfo
from greenhearth.restatement import Change, Checked, Figure, RestatedWindow, Restatement, Side
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.restatements import FILE_NAME, add_restatement

OLD = Side("grid", 0.54, "kgCO2/kWh", "announcement of 2024", "2022")
NEW = Side("grid", 0.53, "kgCO2/kWh", "announcement of 2025", "2022", "2025-10-01")
FIGURE = Figure("kg CO2e/t", 850.0, 849.5, -0.5, {"grid": -0.5}, 12.5)
WINDOW = RestatedWindow("24h", "", 10, 20, 0, "fs-old", "fs-new", {"co2_total_kg_per_t": FIGURE})
FOUND = Restatement(
    line="furnace", title="Furnace 1", known_at="2026-01-01", old_sets=["fs-old"], new_sets=["fs-new"],
    changes=[Change("grid", OLD, NEW, ("grid",))], explanations=[], periods=[], checked=Checked(1, 1),
    windows=[WINDOW],
)  # fmt: skip


def test_a_stored_restatement_is_told_old_beside_new_with_its_causes(gateway):
    assert gateway.get("/api/v1/restatements?line=furnace") == []
    add_restatement(gateway.data / FILE_NAME, Source("works", "edge"), FOUND)
    (told,) = gateway.get("/api/v1/restatements?line=furnace")
    assert (told["old_set"], told["new_set"], told["window"], told["start_ns"]) == (
        "fs-old",
        "fs-new",
        "24h",
        10,
    )
    assert told["old"]["co2_total_kg_per_t"] == {"value": 850.0, "unit": "kg CO2e/t", "uncertainty": None}
    assert told["new"]["co2_total_kg_per_t"] == {"value": 849.5, "unit": "kg CO2e/t", "uncertainty": 12.5}
    (cause,) = told["causes"]
    assert cause["moved"] == {"co2_total_kg_per_t": -0.5}
    assert (cause["old"]["value"], cause["new"]["source"]) == (0.54, "announcement of 2025")


def test_the_name_of_a_set_is_expanded_from_the_birth_that_told_it(gateway, sender, agent):
    birth = agent.birth()
    factors = {"grid": FactorInfo(0.54, "kgCO2/kWh", "2022", "announcement of 2024", roles=["grid"])}
    birth.lines[0] = msgspec.structs.replace(birth.lines[0], factors=factors)
    sender.offer(birth)
    sender.deliver()
    told = gateway.get("/api/v1/factor-sets/fs-1")
    assert (told["name"], told["line"]) == ("fs-1", "furnace")
    assert told["factors"] == [
        {
            "id": "grid", "value": 0.54, "unit": "kgCO2/kWh", "source": "announcement of 2024",
            "valid_from": "2022", "known_since": "", "valid_to": "", "uncertainty_percent": 0.0,
            "roles": ["grid"],
        }
    ]  # fmt: skip
    unknown = httpx.get(gateway.url + "/api/v1/factor-sets/fs-2", timeout=10)
    assert unknown.status_code == 404
    assert "fs-2" in unknown.json()["detail"]
