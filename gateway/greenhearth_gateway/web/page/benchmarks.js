// A line against published figures: a scale with our marker, each figure with its gap, and what
// cannot be compared with the reason.

import { el, KeyedList, place, setAttr, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";
import { Grades } from "./grades.js";
import { title, windowsOf } from "./metrics.js";

const OPEN_ROWS = 3; // as many as fit a card without scrolling; the rest waits behind a summary

const NONE_SET = "No published figure is known for this line.";
const NONE_FITS = "No published figure covers exactly what this line counts.";

/** Ours in the unit of the published figure: what the gateway's gap was taken from. */
export function ours(comparison) {
  return comparison.gap === null ? null : comparison.value + comparison.gap;
}

export class Benchmarks {
  constructor() {
    this.over = el("span", { class: "quiet", "data-field": "compared" });
    this.scales = el("div", { class: "scales" });
    this.grades = new Grades("grades");
    this.rows = el("ol", { class: "bench-rows" });
    this.moreRows = el("ol", { class: "bench-rows" });
    this.moreCount = el("summary");
    this.more = el("details", {}, this.moreCount, this.moreRows);
    this.otherRows = el("ul", { class: "others", "data-field": "not-comparable" });
    this.otherCount = el("summary");
    this.others = el("details", { ontoggle: () => this.fillOthers() }, this.otherCount, this.otherRows);
    this.none = el("p", { class: "quiet" });
    const head = el("h3", {}, "Benchmarks ", this.over);
    this.root = el("section", { class: "bench" }, head, this.none, this.grades.root, this.scales, this.rows, this.more, this.others);
    const idOf = (entry) => entry.comparison.benchmark + entry.comparison.metric;
    this.lists = [this.rows, this.moreRows].map((node) => new KeyedList(node, idOf, row));
    this.otherList = new KeyedList(this.otherRows, (group) => group.why, () => reasonGroup(idOf));
    this.scaleList = new KeyedList(this.scales, (group) => group.metric, scale);
  }

  update(line) {
    const running = line.compared_window === "batch";
    const fit = numbered(line.comparisons.filter((c) => c.comparable), running);
    const unfit = numbered(line.comparisons.filter((c) => !c.comparable), running);
    const window = windowsOf(line).includes(line.compared_window) ? line.compared_window : "";
    setText(this.over, window && fit.length ? over(window, line.batch_word) : "");
    this.lists[0].update(fit.slice(0, OPEN_ROWS));
    this.lists[1].update(fit.slice(OPEN_ROWS));
    this.grades.update(line.grades);
    this.unfit = unfit;
    this.fillOthers();
    this.scaleList.update(groups(fit, line.windows[line.compared_window]?.metrics ?? {}));
    show(this.none, fit.length === 0);
    setText(this.none, unfit.length ? NONE_FITS : NONE_SET);
    show(this.more, fit.length > OPEN_ROWS);
    show(this.others, unfit.length > 0);
    setText(this.moreCount, `${fit.length - OPEN_ROWS} more`);
    setText(this.otherCount, `${unfit.length} not comparable, and why`);
  }

  /** Dozens of rows that nobody looks at are not kept up to date ten times a second. */
  fillOthers() {
    if (this.others.open) this.otherList.update(byReason(this.unfit));
  }
}

function over(window, batchWord) {
  const shown = `of the ${format.windowTitle(window, batchWord)}`;
  return window === "batch" ? `${shown}, so far` : shown;
}

function numbered(comparisons, running) {
  return comparisons.map((comparison, i) => ({ comparison, n: i + 1, running }));
}

/** Those with one reason stand under it: a dozen classes of one scale fail for the same. */
function byReason(entries) {
  const found = new Map();
  for (const entry of entries) {
    const { why } = entry.comparison;
    if (!found.has(why)) found.set(why, { why, entries: [] });
    found.get(why).entries.push(entry);
  }
  return [...found.values()];
}

function reasonGroup(idOf) {
  const why = el("p", { class: "why" });
  const rows = el("ul", { class: "bench-rows" });
  const list = new KeyedList(rows, idOf, row);
  const update = (group) => {
    setText(why, `${group.entries.length > 1 ? `${group.entries.length} figures: ` : ""}${group.why}`);
    list.update(group.entries);
  };
  return { root: el("li", {}, why, rows), update };
}

function groups(entries, metrics) {
  const byMetric = new Map();
  for (const entry of entries) {
    if (ours(entry.comparison) === null) continue;
    const key = `${entry.comparison.metric} ${entry.comparison.unit}`;
    if (!byMetric.has(key)) byMetric.set(key, { metric: key, entries: [], found: metrics[entry.comparison.metric] });
    byMetric.get(key).entries.push(entry);
  }
  return [...byMetric.values()];
}

/** Share of the scale [0..1] of each value; figures over thrice ours would squeeze the rest. */
export function positions(own, values) {
  const closest = values.reduce((best, v) => (Math.abs(v - own) < Math.abs(best - own) ? v : best));
  const near = values.filter((v) => v === closest || (v <= 3 * own && v >= own / 3));
  const low = Math.min(own, ...near);
  const high = Math.max(own, ...near);
  const margin = 0.12 * (high - low) || Math.abs(0.1 * own) || 1;
  const share = (v) => (v - low + margin) / (high - low + 2 * margin);
  return { own: share(own), of: values.map((v) => (near.includes(v) ? share(v) : null)) };
}

function scale() {
  const name = el("span", { class: "scale-name" });
  const marker = el("span", { class: "marker" }, "◆");
  const bar = el("div", { class: "scale-bar", "aria-hidden": "true" });
  const root = el("div", { class: "scale" }, name, bar);
  return { root, update: (group) => drawScale(group, name, bar, marker) };
}

function drawScale(group, name, bar, marker) {
  const first = group.entries[0].comparison;
  const own = ours(first);
  const places = positions(own, group.entries.map((entry) => entry.comparison.value));
  setText(name, `◆ ${title(first.metric)}: ${format.interval(own, doubtOf(group.found, own), first.unit)}`);
  const ticks = merged(group.entries.map((entry, i) => ({ entry, share: places.of[i] })));
  bar.replaceChildren(...ticks.map(tick), marker);
  place(marker, "left", `${(100 * places.own).toFixed(2)}%`);
}

/** Our interval in the unit of the published figure. */
function doubtOf(found, own) {
  return found?.uncertainty && found.value ? Math.abs((found.uncertainty * own) / found.value) : 0;
}

/** Figures closer than 3 % of the scale share a tick: their numbers would lie over each other. */
export function merged(places) {
  const ticks = [];
  const inOrder = places.filter((one) => one.share !== null).toSorted((a, b) => a.share - b.share);
  for (const { entry, share } of inOrder) {
    const last = ticks.at(-1);
    if (last && share - last.share < 0.03) last.numbers.push(entry.n);
    else ticks.push({ share, kind: entry.comparison.kind, numbers: [entry.n] });
  }
  return ticks;
}

function tick({ share, kind, numbers }) {
  const node = el("span", { class: "tick", "data-kind": kind }, numbers.join(","));
  place(node, "left", `${(100 * share).toFixed(2)}%`);
  return node;
}

function row() {
  const parts = {
    n: el("span", { class: "n", "aria-hidden": "true" }),
    title: el("span", { class: "bench-title" }),
    gap: el("span", { class: "gap", "data-field": "gap" }),
    source: el("span", { class: "quiet bench-source" }),
  };
  const root = el("li", {}, parts.n, parts.title, parts.gap, parts.source);
  return { root, update: (entry) => drawRow(entry, root, parts) };
}

function drawRow({ comparison: c, n, running }, root, parts) {
  const verdict = verdictOf(c, running);
  setAttr(root, "data-benchmark", c.benchmark);
  setText(parts.n, c.comparable ? String(n) : "");
  setText(parts.title, c.title);
  setValue(parts.gap, c.gap, c.comparable ? gapText(c, running) : "");
  setAttr(parts.gap, "data-verdict", verdict);
  setAttr(parts.gap, "title", verdict);
  setText(parts.source, sourceText(c));
  setAttr(parts.source, "title", [sourceText(c), c.note].filter(Boolean).join(" · "));
}

const SIGNS = { meets: "✓", misses: "✕", "within uncertainty": "≈" };

/** A running batch still takes in energy: that it is below a limit now promises nothing. */
function verdictOf(c, running) {
  return running && c.verdict !== "misses" ? "so far" : c.verdict;
}

/** The gap with sign, unit, percent and a mark for the verdict: it does not hang on colour. */
export function gapText(c, running = false) {
  if (c.gap === null) return c.verdict || "no value yet";
  // a typical figure is not there to be met, a running batch is not yet judged: an arrow only says on which side we are
  const sign = SIGNS[verdictOf(c, running)] ?? (c.gap > 0 ? "▲" : "▼");
  return `${sign} ${format.signed(c.gap)} ${format.unit(c.unit)} (${format.percent(c.gap_percent, 1)})`;
}

function sourceText(c) {
  const figure = `${c.kind} ${format.plain(c.value)} ${format.unit(c.unit)}`;
  const origin = [c.jurisdiction, c.clause, c.source].filter(Boolean).join(", ");
  return [figure, origin].filter(Boolean).join(" · ");
}
