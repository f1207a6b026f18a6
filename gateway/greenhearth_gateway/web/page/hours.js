// The count of the last 24 UTC hours of data time, one cell an hour; the figures in a table below.

import { el, KeyedList, setAttr, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";

const HOUR_NS = 3.6e12;
const CELLS = 24;
const SIGNS = { closes: "", waiting: "…", dropped: "▾", missing: "✕", none: "" };
const WORDS = { closes: "closes", waiting: "waits", dropped: "given up", missing: "missing", none: "nothing measured" };
const COLUMNS = ["measured", "stored", "waiting", "quarantined", "dropped", "difference"];
const HEADS = ["Hour (UTC)", "Measured", "Stored", "Waits", "Refused", "Dropped", "Missing"];

export class Hours {
  constructor() {
    this.strip = el("ol", { class: "hours" });
    this.cells = new KeyedList(this.strip, (cell) => cell.hour_ns, cellOf);
    this.summary = el("summary", { "data-field": "hours" });
    const body = el("tbody");
    this.rows = new KeyedList(body, (hour) => hour.hour_ns, rowOf);
    const head = el("tr", {}, ...HEADS.map((text) => el("th", { scope: "col" }, text)));
    const table = el("div", { class: "scroll" }, el("table", { class: "hour-rows" }, el("thead", {}, head), body));
    this.root = el("div", { class: "hour-part" }, this.strip, el("details", {}, this.summary, table));
    show(this.root, false);
  }

  update(hours) {
    show(this.root, hours.length > 0);
    if (!hours.length) return;
    this.cells.update(cellsOf(hours));
    this.rows.update(hours.toReversed());
    setText(this.summary, sentenceOf(hours));
  }
}

/** 24 cells that end with the newest hour; an hour without items has an empty one. */
function cellsOf(hours) {
  const known = new Map(hours.map((hour) => [hour.hour_ns, hour]));
  const end = hours.at(-1).hour_ns;
  const starts = Array.from({ length: CELLS }, (_, k) => end - (CELLS - 1 - k) * HOUR_NS);
  return starts.map((start) => known.get(start) ?? { hour_ns: start, state: "none" });
}

function cellOf() {
  const root = el("li", {}, el("span", { "aria-hidden": true }), el("span", { class: "unseen" }));
  const update = (hour) => {
    const text = `${hourText(hour.hour_ns)} UTC: ${figuresOf(hour)}`;
    setAttr(root, "data-hour", hourText(hour.hour_ns));
    setAttr(root, "data-state", hour.state);
    setAttr(root, "data-running", Boolean(hour.running));
    setAttr(root, "title", text);
    setText(root.children[0], SIGNS[hour.state]);
    setText(root.children[1], hour.state === "none" ? "" : text);
  };
  return { root, update };
}

function figuresOf(hour) {
  if (hour.state === "none") return WORDS.none;
  const n = format.count;
  const running = hour.running ? ", still running" : "";
  if (hour.state === "closes") return `${n(hour.measured)} measured, all here${running}`;
  const figure = { waiting: hour.waiting, dropped: hour.dropped, missing: hour.difference }[hour.state];
  return `${n(figure)} of ${n(hour.measured)} ${WORDS[hour.state]}${running}`;
}

function rowOf() {
  const name = el("th", { scope: "row" });
  const cells = COLUMNS.map((column) => el("td", { "data-field": column, class: "number" }));
  const root = el("tr", {}, name, ...cells);
  const update = (hour) => {
    setText(name, hourText(hour.hour_ns) + (hour.running ? " …" : ""));
    setAttr(root, "data-state", hour.state);
    COLUMNS.forEach((column, k) => setValue(cells[k], hour[column], format.count(hour[column])));
  };
  return { root, update };
}

function sentenceOf(hours) {
  const of = (state) => hours.filter((hour) => hour.state === state);
  const parts = [];
  for (const [state, verb] of [["missing", "miss items"], ["dropped", "gave items up"], ["waiting", "wait"]]) {
    const some = of(state);
    if (some.length) parts.push(`${some.length} ${verb} (${some.slice(-3).map((hour) => hourText(hour.hour_ns)).join(", ")})`);
  }
  const span = hours.length === 1 ? "the last hour" : `the last ${hours.length} hours`;
  return parts.length ? `Of ${span}: ${parts.join(", ")}` : `Count of ${span}: each closes`;
}

function hourText(ns) {
  return `${String(new Date(ns / 1e6).getUTCHours()).padStart(2, "0")}:00`;
}
