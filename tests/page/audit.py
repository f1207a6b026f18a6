"""What an auditor asks of the scripted works: a factor set, a restatement, and events of a line."""

from greenhearth_gateway.web import restated_types, types

HOUR = 3600 * 1_000_000_000
NOON = 1_767_268_800 * 1_000_000_000
"""2026-01-01 12:00 UTC."""

FACTORS = restated_types.FactorSetView(
    name="demo",
    line="furnace",
    factors=[
        restated_types.SetFactorView(
            id="grid.cn.national.2023", value=0.5306, unit="kgCO2/kWh", source="MEE announcement",
            valid_from="2023", known_since="2025-11-01", uncertainty_percent=5.0, roles=["contract", "grid"],
        ),
        restated_types.SetFactorView(
            id="tce.electricity_equivalent", value=0.1229, unit="kgce/kWh", source="GB/T 2589-2020",
            valid_from="undated",
        ),
    ],
)  # fmt: skip

_OLD = restated_types.FactorView(
    id="grid.cn.national", value=0.5366, unit="kgCO2/kWh", source="of 2024", valid_from="2022"
)
_NEW = _OLD.model_copy(update={"value": 0.5306, "source": "of 2025", "valid_from": "2023"})


def _figure(value: float, uncertainty: float | None = None) -> restated_types.RestatedView:
    return restated_types.RestatedView(value=value, unit="kg CO2e/t", uncertainty=uncertainty)


def restatement(start_ns: int = NOON, window: str = "24h") -> restated_types.RestatementView:
    """Return a day whose grid factor came later."""
    return restated_types.RestatementView(
        site="demo", agent="edge-1", line="furnace", window=window, start_ns=start_ns,
        end_ns=start_ns + 24 * HOUR, new_set="fs-new", old_set="fs-old", batch="", validity=0,
        known_at="2026-02-01",
        old={"co2_scope2_kg_per_t": _figure(214.6), "co2_total_kg_per_t": _figure(268.4)},
        new={"co2_scope2_kg_per_t": _figure(212.2, 9.8), "co2_total_kg_per_t": _figure(266.0, 10.1)},
        causes=[
            restated_types.CauseView(
                name="grid.cn.national", old=_OLD, new=_NEW,
                moved={"co2_scope2_kg_per_t": -2.4, "co2_total_kg_per_t": -2.4},
            )
        ],
    )  # fmt: skip


def effect(cell: int, end_ns: int) -> types.LineEventView:
    """Return an anode effect of two minutes."""
    return types.LineEventView(
        t_ns=end_ns, start_ns=end_ns - 120 * 1_000_000_000, what="anode_effect",
        subject=f"cell.cell_voltage_{cell:03d}", detail="anode effect of 2.0 min, up to 31.6 V",
    )  # fmt: skip
