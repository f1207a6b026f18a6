"""Materials: product, charge and its recycled share, precursors, waste, solvents."""

from greenhearth.methods.law import Arg, Method

_GHGP = "GHG Protocol Scope 3 standard (2011), ch. 5; cradle to gate"
_EU = "Commission Implementing Regulation (EU) 2025/2547, Annex II"

METHODS = (
    Method("product", ("t",), {}, "P = amount", "what is made and weighed", lambda a: {"product_t": 1.0}),
    Method(
        "product_estimate", ("t",), {"yield": Arg("1", "product per charge", None, 0.1, 1.2)},
        "P = charge x yield", "declared yield", lambda a: {"product_estimate_t": a["yield"]},
    ),
    Method(
        "charge", ("t",),
        {"recycled": Arg("1", "recycled share, by the scheme's own definition", None, 0.0, 1.0),
         "metallic": Arg("1", "metallic (or counted) share", 1.0, 0.0, 1.0)},
        "share = sum(f x recycled x m) / sum(f x m)",
        "ResponsibleSteel Fundamentals v1.0; LESS Rulebook v1.1",
        lambda a: {"charge_t": a["metallic"], "recycled_t": a["metallic"] * a["recycled"]},
    ),
    Method(
        "upstream", ("t", "kNm3", "GJ", "kWh"),
        {"ef": Arg("kgCO2/{stream}", "CO2e of making and bringing it", None, 0.0, 50000.0)},
        "E = amount x EF", _GHGP, lambda a: {"co2_upstream_kg": a["ef"]},
    ),
    Method(
        "precursor", ("t",),
        {"direct": Arg("tCO2/t", "specific direct embedded emissions", None, 0.0, 200.0),
         "indirect": Arg("tCO2/t", "specific indirect embedded emissions", 0.0, 0.0, 200.0)},
        "E = amount x SEE", f"{_EU}, specific embedded emissions",
        lambda a: {
            "co2_precursor_kg": 1000.0 * a["direct"],
            "co2_precursor_indirect_kg": 1000.0 * a["indirect"],
        },
    ),
    Method(
        "material", ("t",), {}, "PMI = sum(all that goes in) / product",
        "process mass intensity (ACS Green Chemistry Institute)", lambda a: {"input_kg": 1000.0},
    ),
    Method(
        "waste", ("t",), {}, "E-factor = sum(waste) / product",
        "Sheldon, Green Chemistry 9 (2007) 1273", lambda a: {"waste_kg": 1000.0},
    ),
    Method(
        "solvent", ("t",),
        {"voc": Arg("1", "volatile organic share", None, 0.0, 1.0),
         "abated": Arg("1", "share caught or burnt", 0.0, 0.0, 1.0)},
        "VOC = amount x share x (1 - abated)", "mass balance, Directive 2010/75/EU, Annex VII part 7",
        lambda a: {"voc_kg": 1000.0 * a["voc"] * (1.0 - a["abated"])},
    ),
)  # fmt: skip
