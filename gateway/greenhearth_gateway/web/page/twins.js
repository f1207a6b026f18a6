// A line beside its green twins: the same product by another process, on the grid of that hour.

import { el, KeyedList, setAttr, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";
import { CO2, title } from "./metrics.js";

const SIGNS = { better: "▼", worse: "▲", "within uncertainty": "≈" };

export class Twins {
  constructor() {
    this.over = el("span", { class: "quiet", "data-field": "twin-of" });
    this.rows = el("ul", { class: "twin-rows" });
    this.none = el("p", { class: "quiet", "data-field": "no-twins" });
    this.root = el("section", { class: "twins" }, el("h3", {}, "Green twin ", this.over), this.none, this.rows);
    this.list = new KeyedList(this.rows, (entry) => entry.twin.twin, row);
  }

  update(line) {
    const entries = line.twins.map((twin) => ({ twin, result: chosen(twin), batchWord: line.batch_word }));
    setText(this.over, entries.length ? over(entries[0].result, line.batch_word) : "");
    setText(this.none, line.why_no_twins);
    show(this.none, entries.length === 0);
    this.list.update(entries);
  }
}

/** The batch, or else the hour: whichever applies. */
export function chosen(twin) {
  return twin.results.find((result) => !result.why) ?? twin.results[0];
}

function over(result, batchWord) {
  if (!result.end_ns) return "";
  if (result.batch) return `of ${batchWord || "batch"} ${result.batch}`;
  return `of ${format.clock(result.start_ns)}–${format.clock(result.end_ns)}`;
}

function row() {
  const parts = {
    title: el("b", { class: "twin-title" }),
    value: el("span", { "data-field": "twin-co2" }),
    gap: el("span", { class: "gap", "data-field": "twin-gap" }),
    turn: el("span", { class: "quiet", "data-field": "break-even" }),
    why: el("span", { class: "quiet", "data-field": "twin-why" }),
    body: el("tbody"),
    saved: el("p", { "data-field": "saved" }),
    source: el("p", { class: "quiet", "data-field": "twin-source" }),
  };
  const heads = ["", "ours", "twin", "ours − twin"].map((text) => el("th", { scope: "col" }, text));
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), parts.body);
  const inside = [el("div", { class: "scroll" }, table), parts.saved, parts.source];
  parts.more = el("details", {}, el("summary", {}, "figures and source"), ...inside);
  parts.figures = new KeyedList(parts.body, (figure) => figure.metric, figureRow);
  const root = el("li", {}, parts.title, parts.value, parts.gap, parts.turn, parts.why, parts.more);
  return { root, update: (entry) => draw(entry, root, parts) };
}

function draw({ twin, result, batchWord }, root, parts) {
  const total = result.figures.find((figure) => figure.metric === CO2);
  setAttr(root, "data-twin", twin.twin);
  setText(parts.title, twin.title);
  setAttr(parts.title, "title", [twin.green_title, twin.note].filter(Boolean).join(": "));
  setValue(parts.value, total?.twin ?? null, total ? withDoubt(total.twin, total.twin_uncertainty, total.unit) : "–");
  setAttr(parts.gap, "data-verdict", total?.verdict ?? "");
  setValue(parts.gap, total?.gap ?? null, total ? gapText(total) : "");
  setText(parts.turn, result.break_even ? breakEvenText(result.break_even) : "");
  setAttr(parts.turn, "title", result.break_even ? supplyText(result.break_even) : "");
  setText(parts.why, result.why ? `not compared: ${result.why}` : "");
  for (const node of [parts.turn, parts.gap, parts.why]) show(node, node.textContent !== "");
  parts.figures.update(result.figures);
  setText(parts.saved, savedText(result, batchWord));
  setText(parts.source, [twin.note, `Source: ${twin.source}`].filter(Boolean).join(". "));
}

function withDoubt(value, doubt, unit) {
  const shown = format.doubtful(value, doubt);
  return [shown.value, shown.doubt, format.unit(unit)].filter(Boolean).join(" ");
}

/** Seen from the line: what changing to the twin would change, and what to call that. */
export function gapText(figure) {
  if (figure.gap === null) return "";
  const percent = figure.gap_percent === null ? "" : ` (${format.percent(-figure.gap_percent, 0)})`;
  return `${SIGNS[figure.verdict] ?? ""} ${format.signed(-figure.gap)} ${format.unit(figure.unit)}${percent}: ${figure.verdict}`;
}

/** On which grids the twin is better, beside the grid that the figures are with. */
export function breakEvenText({ better, grid, grid_now: now }) {
  const here = now === null ? "" : `on this grid of ${format.number(now, 3)} kg/kWh`;
  if (grid === null) return [here, `better ${better}`].filter(Boolean).join(" · ");
  const already = now === null || (better === "below" ? now < grid : now > grid);
  const words = already ? `better ${better}` : `the grid would have to be ${better}`;
  return [here, `${words} ${format.number(grid, 3)} kg/kWh`].filter(Boolean).join(" · ");
}

function supplyText({ supply }) {
  if (supply === null) return "";
  if (supply <= 0) return "no electricity is clean enough for it to beat the line as it is";
  return `with electricity of its own, up to ${format.number(supply, 3)} kg/kWh, the line as it is`;
}

function savedText(result, batchWord) {
  if (result.saved_kg === null) return "";
  const what = result.batch ? batchWord || "batch" : "hour";
  const amount = withDoubt(Math.abs(result.saved_kg), result.saved_kg_uncertainty, "kg CO2e");
  return `${amount} ${result.saved_kg < 0 ? "more" : "less"} in that ${what} of ${format.number(result.product_t)} t`;
}

function figureRow() {
  const [ours, twin, gap] = [el("td"), el("td"), el("td")];
  const name = el("th", { scope: "row" });
  const root = el("tr", {}, name, ours, twin, gap);
  const update = (figure) => {
    setAttr(root, "data-metric", figure.metric);
    setText(name, `${title(figure.metric)} [${format.unit(figure.unit)}]`);
    setText(ours, withDoubt(figure.ours, figure.ours_uncertainty, ""));
    setText(twin, withDoubt(figure.twin, figure.twin_uncertainty, ""));
    setText(gap, withDoubt(figure.gap, figure.gap_uncertainty, ""));
  };
  return { root, update };
}
