// What the metrics are called on the page, and which belong together.

export const ENERGY = "energy_kwh_per_t";
export const CO2 = "co2_total_kg_per_t";

export const TITLES = {
  energy_kwh_per_t: "Energy",
  co2_total_kg_per_t: "CO₂e",
  electricity_kwh_per_t: "Electricity per t",
  energy_gj_per_t: "Energy",
  kgce_per_t: "Coal equivalent",
  co2_scope1_kg_per_t: "CO₂e scope 1",
  co2_scope2_kg_per_t: "CO₂e scope 2",
  co2_upstream_kg_per_t: "CO₂e upstream",
  co2_fuel_kg_per_t: "CO₂e from fuel",
  co2_process_kg_per_t: "CO₂e from process",
  co2_electricity_kg_per_t: "CO₂e from electricity",
  co2_anode_kg_per_t: "CO₂e from anodes",
  co2_pfc_kg_per_t: "CO₂e from PFC",
  co2_total_kg: "CO₂e",
  fuel_gj_per_t: "Fuel per t",
  electricity_kwh: "Electricity",
  fuel_kwh: "Fuel",
  product_t: "Product weighed",
};

/** The parts that add up to the total, with the letter that marks them where colour cannot. */
export const SOURCES = [
  { metric: "co2_fuel_kg_per_t", title: "fuel", letter: "F" },
  { metric: "co2_process_kg_per_t", title: "process", letter: "P" },
  { metric: "co2_electricity_kg_per_t", title: "electricity", letter: "E" },
  { metric: "co2_anode_kg_per_t", title: "anode", letter: "A" },
  { metric: "co2_pfc_kg_per_t", title: "PFC", letter: "C" },
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
