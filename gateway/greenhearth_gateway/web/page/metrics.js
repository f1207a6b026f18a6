// What the metrics are called on the page, and which belong together.

export const ENERGY = "energy_kwh_per_t";
export const CO2 = "co2_total_kg_per_t";

export const TITLES = {
  energy_kwh_per_t: "Energy",
  electricity_kwh_per_t: "Electricity per t",
  energy_gj_per_t: "Energy",
  fuel_gj_per_t: "Fuel per t",
  heat_gj_per_t: "Heat per t",
  kgce_per_t: "Coal equivalent",
  co2_total_kg_per_t: "CO₂e",
  co2_scope1_kg_per_t: "CO₂e scope 1",
  co2_scope2_kg_per_t: "CO₂e scope 2, location-based",
  co2_scope2_market_kg_per_t: "CO₂e scope 2, market-based",
  co2_total_market_kg_per_t: "CO₂e, market-based",
  co2_fuel_kg_per_t: "CO₂e from fuel",
  co2_process_kg_per_t: "CO₂e from process",
  co2_electricity_kg_per_t: "CO₂e from electricity",
  co2_heat_kg_per_t: "CO₂e from heat",
  co2_anode_kg_per_t: "CO₂e from anodes",
  co2_pfc_kg_per_t: "CO₂e from PFC",
  co2_waste_gas_kg_per_t: "CO₂e from waste gas",
  co2_upstream_kg_per_t: "CO₂e upstream (scope 3)",
  co2_cradle_kg_per_t: "CO₂e cradle to gate",
  co2_embedded_direct_kg_per_t: "Embedded CO₂e, direct",
  co2_embedded_indirect_kg_per_t: "Embedded CO₂e, indirect",
  co2_biogenic_kg_per_t: "Biogenic CO₂, in no total",
  recycled_share_percent: "Recycled share of the charge",
  material_intensity_kg_per_kg: "Material intensity",
  e_factor_kg_per_kg: "E-factor",
  voc_kg_per_t: "VOC",
  product_t: "Product weighed",
  electricity_kwh: "Electricity",
  fuel_kwh: "Fuel",
  co2_total_kg: "CO₂e",
};

/** Every metric once, in the order an auditor asks for them. */
export const GROUPS = [
  ["Energy", ["energy_kwh_per_t", "electricity_kwh_per_t", "energy_gj_per_t", "fuel_gj_per_t", "heat_gj_per_t", "kgce_per_t"]],
  [
    "CO₂e by scope",
    [CO2, "co2_total_market_kg_per_t", "co2_scope1_kg_per_t", "co2_scope2_kg_per_t", "co2_scope2_market_kg_per_t"],
  ],
  [
    "CO₂e by source",
    [
      "co2_fuel_kg_per_t",
      "co2_process_kg_per_t",
      "co2_electricity_kg_per_t",
      "co2_heat_kg_per_t",
      "co2_anode_kg_per_t",
      "co2_pfc_kg_per_t",
      "co2_waste_gas_kg_per_t",
    ],
  ],
  [
    "Beyond the gate, and apart",
    [
      "co2_upstream_kg_per_t",
      "co2_cradle_kg_per_t",
      "co2_embedded_direct_kg_per_t",
      "co2_embedded_indirect_kg_per_t",
      "co2_biogenic_kg_per_t",
    ],
  ],
  ["Material", ["recycled_share_percent", "material_intensity_kg_per_kg", "e_factor_kg_per_kg", "voc_kg_per_t"]],
  ["Amounts in the window", ["product_t", "electricity_kwh", "fuel_kwh", "co2_total_kg"]],
];

/** The parts that add up to the total, with the letter that marks them where colour cannot. */
export const SOURCES = [
  { metric: "co2_fuel_kg_per_t", title: "fuel", letter: "F" },
  { metric: "co2_process_kg_per_t", title: "process", letter: "P" },
  { metric: "co2_electricity_kg_per_t", title: "electricity", letter: "E" },
  { metric: "co2_heat_kg_per_t", title: "heat", letter: "H" },
  { metric: "co2_anode_kg_per_t", title: "anode", letter: "A" },
  { metric: "co2_pfc_kg_per_t", title: "PFC", letter: "C" },
  { metric: "co2_waste_gas_kg_per_t", title: "waste gas", letter: "W" },
];

/** Figures that are told beside the sources but are not part of them, with the words around each. */
export const BESIDE = [
  { metric: "co2_total_market_kg_per_t", head: "market-based total", tail: "" },
  { metric: "co2_upstream_kg_per_t", head: "upstream", tail: ", not in the total" },
  { metric: "co2_biogenic_kg_per_t", head: "biogenic", tail: ", in no total" },
];

/** Small figures under the two big ones. */
export const FACTS = ["electricity_kwh", "fuel_kwh", "product_t", "co2_total_kg", "energy_gj_per_t", "kgce_per_t"];

export function title(metric) {
  return TITLES[metric] ?? metric.replaceAll("_", " ");
}

/** The windows of a line in the order of the switch: short to long, the running batch last. */
export function windowsOf(line) {
  const order = ["15min", "1h", "24h", "batch"];
  const shown = Object.keys(line.windows).filter((name) => name !== "batch" || line.batch_word);
  return shown.sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** What a line shows before anybody chose: its running batch, else the last hour. */
export function firstWindow(line) {
  const names = windowsOf(line);
  if (names.includes("batch")) return "batch";
  return names.includes("1h") ? "1h" : names[0];
}
