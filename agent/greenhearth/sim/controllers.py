"""The controllers of the demonstration works, address by address.

Source: ``firmware_configs/plcs/DEMO_PLANT_IO.md``, for lines of declared cases
``LINE_CONTROLLER_IO.md`` beside it and, for the kiln's drive meter, the input register
table in the Eastron SDM630Modbus V2 user manual, section 1.2.1.
"""

from greenhearth.sim.registers import HOLDING, INPUT, Field, Table

FURNACE = Table(
    HOLDING,
    [
        Field(0, "uint32", "heat_number"),
        Field(2, "uint16", "phase"),
        Field(3, "uint16", "status_bits"),
        Field(4, "float32", "active_power_kw"),
        Field(6, "uint64", "active_energy_kwh", 0.001),
        Field(10, "float32", "oxygen_flow_nm3_per_h"),
        Field(12, "uint32", "oxygen_nm3", 0.1),
        Field(14, "float32", "natural_gas_flow_nm3_per_h"),
        Field(16, "uint32", "natural_gas_nm3", 0.1),
        Field(18, "uint32", "injected_carbon_kg", 0.1),
        Field(20, "uint32", "lime_kg"),
        Field(22, "uint32", "electrode_kg", 0.01),
        Field(24, "uint32", "charged_t", 0.001),
        Field(26, "uint32", "tapped_t", 0.001),
        Field(28, "int16", "bath_temperature_c", missing=0x7FFF),
        Field(30, "string", "grade_text", length=4),
    ],
    [(0, 63)],
    max_registers=64,
)

DRIVE_METER = Table(
    INPUT,
    [
        *(Field(0x00 + 2 * phase, "float32", "voltage_v") for phase in range(3)),
        *(Field(0x06 + 2 * phase, "float32", "current_a") for phase in range(3)),
        *(Field(0x0C + 2 * phase, "float32", "active_power_kw", 0.003) for phase in range(3)),
        *(Field(0x12 + 2 * phase, "float32", "apparent_power_kva", 0.003) for phase in range(3)),
        *(Field(0x18 + 2 * phase, "float32", "reactive_power_kvar", 0.003) for phase in range(3)),
        *(Field(0x1E + 2 * phase, "float32", "power_factor") for phase in range(3)),
        Field(0x2A, "float32", "voltage_v"),
        Field(0x2E, "float32", "current_a"),
        Field(0x30, "float32", "current_a", 1.0 / 3.0),
        Field(0x34, "float32", "active_power_kw", 0.001),
        Field(0x38, "float32", "apparent_power_kva", 0.001),
        Field(0x3C, "float32", "reactive_power_kvar", 0.001),
        Field(0x3E, "float32", "power_factor"),
        Field(0x46, "float32", "frequency_hz"),
        Field(0x48, "float32", "active_energy_kwh"),
        Field(0x4A, "float32", "nothing"),
        Field(0x4C, "float32", "reactive_energy_kvarh"),
        Field(0x4E, "float32", "nothing"),
        Field(0x156, "float32", "active_energy_kwh"),
        Field(0x158, "float32", "reactive_energy_kvarh"),
    ],
    [(0x00, 0x17D)],
    max_registers=80,
)


def feeder(fuel: str) -> Table:
    """Return the table of the dosing feeder of one fuel."""
    return Table(
        HOLDING,
        [
            Field(0, "float32", f"{fuel}_flow_t_per_h", order="CDAB"),
            Field(2, "uint32", f"{fuel}_fed_t", 0.001, order="CDAB"),
            Field(4, "uint16", f"{fuel}_state"),
        ],
        [(0, 4)],
        max_registers=16,
    )


KILN_SCALES = Table(
    HOLDING,
    [
        Field(0, "int32", "raw_meal_flow_t_per_h", 0.01),
        Field(2, "uint32", "raw_meal_t", 0.01),
        Field(4, "int32", "clinker_flow_t_per_h", 0.01),
        Field(6, "uint32", "clinker_t", 0.01),
        Field(8, "int16", "burning_zone_c", missing=0x7FFF),
    ],
    [(0, 8)],
)

KILN_LINE = {1: DRIVE_METER, 2: feeder("coal"), 3: feeder("alternative_fuel"), 4: KILN_SCALES}
"""By unit address."""

POTLINE = Table(
    INPUT,
    [
        Field(0, "float32", "line_current_ka"),
        Field(2, "float32", "line_voltage_v"),
        Field(4, "float32", "ac_power_kw"),
        Field(6, "uint64", "ac_energy_kwh", 0.1, order="GHEFCDAB"),
        Field(10, "uint32", "metal_tapped_t", 0.001),
        Field(12, "uint16", "anode_effects"),
        *(
            Field(99 + cell, "uint16", f"cell_voltage_v_{cell:03d}", 0.001, missing=0xFFFF)
            for cell in range(1, 241)
        ),
    ],
    [(0, 12), (100, 339)],
)

REPLAY_COLUMNS = 16
REPLAY = Table(
    HOLDING,
    [
        *(Field(8 * n, "float64", f"column{n + 1:02d}_value") for n in range(REPLAY_COLUMNS)),
        *(Field(8 * n + 4, "float64", f"column{n + 1:02d}_total") for n in range(REPLAY_COLUMNS)),
        Field(128, "uint32", "period_number"),
    ],
    [(0, 129)],
)


CASE_CELLS = 300


def _channels(first: int, type_: str, name: str, number: int) -> list[Field]:
    """Return channels 01, 02, ... of a line controller, side by side."""
    words = 4 if type_ == "float64" else 2
    return [Field(first + words * k, type_, name.replace("NN", f"{k + 1:02d}")) for k in range(number)]


LINE_CONTROLLER = Table(
    HOLDING,
    [
        Field(0, "uint32", "batch_number"),
        Field(2, "uint16", "phase"),
        *_channels(4, "float32", "rate_NN_kw", 3),
        *_channels(10, "float64", "total_NN_kwh", 3),
        *_channels(22, "float32", "rate_NN_gj_per_h", 1),
        *_channels(24, "float64", "total_NN_gj", 2),
        *_channels(32, "float32", "rate_NN_t_per_h", 6),
        *_channels(44, "float64", "total_NN_t", 10),
        *_channels(84, "float32", "rate_NN_nm3_per_h", 4),
        *_channels(92, "float64", "total_NN_nm3", 4),
        *_channels(108, "float32", "rate_NN_ka", 2),
        *_channels(112, "float64", "total_NN_kah", 2),
        *_channels(120, "float32", "rate_NN_kg_per_h", 4),
        *_channels(128, "float64", "total_NN_kg", 8),
        *(
            Field(199 + cell, "uint16", f"cell_voltage_v_{cell:03d}", 0.001, missing=0xFFFF)
            for cell in range(1, CASE_CELLS + 1)
        ),
    ],
    [(0, 499)],
)
"""One unit for each declared case; what is on which channel is in `cases`."""
