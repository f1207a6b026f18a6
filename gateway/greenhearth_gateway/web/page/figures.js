// Every figure of the shown window with its interval: for those who check, so folded until asked for.

import { el, KeyedList, setAttr, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";
import { GROUPS, title } from "./metrics.js";

export class Figures {
  constructor() {
    this.count = el("summary");
    this.body = el("div");
    this.groups = new KeyedList(this.body, (group) => group.name, groupTable);
    const note = el("p", { class: "quiet" }, "± is the expanded uncertainty, k = 2; without it none is known.");
    this.box = el("details", { ontoggle: () => this.fill() }, this.count, this.body, note);
    this.root = el("section", { class: "all-figures" }, this.box);
  }

  /** `metrics` is what the agent sends of this window; figures that the line does not have are left out. */
  update(metrics, windowText) {
    const names = Object.keys(metrics);
    const there = names.filter((name) => metrics[name].value !== null);
    this.metrics = metrics;
    this.names = there.length ? there : names;
    setText(this.count, `all ${this.names.length} figures, ${windowText}`);
    show(this.root, names.length > 0);
    this.fill();
  }

  fill() {
    if (this.box.open) this.groups.update(grouped(this.names, this.metrics));
  }
}

function grouped(names, metrics) {
  const known = new Set(GROUPS.flatMap(([, members]) => members));
  const rest = ["Others", names.filter((name) => !known.has(name))];
  return [...GROUPS, rest]
    .map(([name, members]) => ({ name, rows: members.filter((m) => names.includes(m)).map((m) => ({ name: m, ...metrics[m] })) }))
    .filter((group) => group.rows.length > 0);
}

function groupTable(group) {
  const body = el("tbody");
  const rows = new KeyedList(body, (row) => row.name, figureRow);
  const head = el("tr", {}, el("th", { scope: "colgroup", colspan: "4" }, group.name));
  return { root: el("table", {}, el("thead", {}, head), body), update: (fresh) => rows.update(fresh.rows) };
}

function figureRow(row) {
  const [value, doubt, unit] = [el("td", { class: "number" }), el("td", { class: "quiet" }), el("td", { class: "quiet" })];
  const root = el("tr", { "data-figure": row.name }, el("th", { scope: "row" }, title(row.name)), value, doubt, unit);
  const update = (fresh) => {
    const shown = format.doubtful(fresh.value, fresh.uncertainty);
    setValue(value, fresh.value, shown.value);
    setText(doubt, shown.doubt);
    setText(unit, format.unit(fresh.unit));
    setAttr(root, "data-uncertainty", fresh.uncertainty ?? "");
  };
  return { root, update };
}
