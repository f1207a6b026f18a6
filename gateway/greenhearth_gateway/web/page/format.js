// Numbers, times and validity as an operator reads them. Pure: no nodes in here.

const THIN = "\u202f"; // narrow no-break space: groups digits without a locale's comma
const formats = new Map();

function formatOf(decimals) {
  if (!formats.has(decimals)) {
    const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat("en", options));
  }
  return formats.get(decimals);
}

/** Decimals that keep about four digits: more would be noise, fewer would hide a change. */
export function decimalsFor(value) {
  const size = Math.abs(value);
  if (size >= 1000 || size === 0) return 0;
  if (size >= 100) return 1;
  return size >= 1 ? 2 : 3;
}

/** A number, or a dash: what does not exist is never shown as 0. */
export function number(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = formatOf(decimals ?? decimalsFor(value)).format(value);
  // a small negative rounds to "-0.00", which is nothing at all
  return text.replace(/^-(?=[0.]*$)/, "").replaceAll(",", THIN).replace(/^-/, "−");
}

/** Two figures of the doubt, and the value no finer than its doubt: 441.0 ± 5.2, 834 ± 13. */
export function doubtful(value, doubt) {
  if (!doubt) return { value: number(value), doubt: "" };
  const decimals = Math.min(3, Math.max(0, 1 - Math.floor(Math.log10(doubt))));
  if (doubt < 0.0005) return { value: number(value), doubt: "" }; // a share of 100 %: nothing but rounding
  return { value: number(value, decimals), doubt: `± ${number(doubt, decimals)}` };
}

/** Value, doubt (expanded, k = 2) where there is one, and unit in one text: 441.0 ± 5.2 kWh/t. */
export function interval(value, uncertainty, unitText = "") {
  const shown = doubtful(value, uncertainty);
  return [shown.value, shown.doubt, unitText && unit(unitText)].filter(Boolean).join(" ");
}

/** About three figures: for parts, gaps and small print. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  return number(value, Math.max(0, decimalsFor(value) - 1));
}

/** A published figure as it was published, without zeros behind the point. */
export function plain(value) {
  return value === null || value === undefined ? "–" : number(value, 3).replace(/\.?0+$/, "");
}

export function count(value) {
  return number(value, 0);
}

/** Signed, as gaps are. */
export function signed(value, decimals) {
  if (value === null || value === undefined) return "–";
  const text = decimals === undefined ? short(value) : number(value, decimals);
  return (value > 0 && /[1-9]/.test(text) ? "+" : "") + text;
}

export function percent(value, decimals = 0) {
  return value === null || value === undefined ? "–" : `${signed(value, decimals)} %`;
}

/** Units as people write them. */
export function unit(text) {
  return text.replace("CO2", "CO₂").replace("Nm3", "Nm³");
}

/** A duration in seconds of a person's life, short. */
export function age(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "never";
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

/** The same without tenths, for what is read as text and not watched. */
export function wholeAge(seconds) {
  return seconds !== null && seconds < 10 ? `${Math.floor(Math.max(0, seconds))} s` : age(seconds);
}

const two = (n) => String(n).padStart(2, "0");

/** Time of day of a Unix time [ns] where the page is looked at. */
export function clock(ns) {
  if (!ns) return "–";
  const d = new Date(ns / 1e6);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function dateTime(ns) {
  if (!ns) return "–";
  const d = new Date(ns / 1e6);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(ns)}`;
}

/** Names in configuration are written with underscores; people read blanks. */
export function words(name) {
  return name.replaceAll("_", " ");
}

export function windowTitle(name, batchWord) {
  if (name === "batch") return `running ${batchWord || "batch"}`;
  return { "15min": "15 min", "1h": "1 h", "24h": "24 h" }[name] ?? name;
}

/** A validity as {state, sign, head, why}; state is one of good, note, doubt, bad. */
export function validity(view, batchWord) {
  const batch = batchWord || "batch";
  const share = Math.floor(view.coverage * 100);
  const known = {
    VALID: ["good", "✓", "VALID", `${share} % of the window covered`],
    PRODUCT_ESTIMATED: ["note", "≈", "ESTIMATED", "product estimated from charge"],
    START_UNSEEN: ["doubt", "!", "START UNSEEN", `the ${batch} began before the agent was watching`],
    PARTIAL: ["doubt", "!", "PARTIAL", `${share} % of the window covered`],
    PRODUCT_ZERO: ["bad", "✕", "NO PRODUCT", "too little product to divide by"],
    NO_DATA: ["bad", "✕", "NO DATA", "a required meter gave nothing in this window"],
  };
  const [state, sign, head, why] = known[view.validity_name] ?? ["bad", "✕", view.validity_name, ""];
  return { state, sign, head, why };
}
