// The last finished batch of a line with its gap, and a table of those before on request.

import { gapText } from "./benchmarks.js";
import { el, setText, setValue, show } from "./dom.js";
import { getJson } from "./feed.js";
import * as format from "./format.js";
import { Grades } from "./grades.js";
import { CO2, ENERGY } from "./metrics.js";

const LIMIT = 12;

export class Finished {
  constructor(line) {
    this.name = line.line;
    this.head = el("h3");
    this.energy = el("b", { "data-field": "finished-energy" });
    this.co2 = el("b", { "data-field": "finished-co2" });
    this.units = [el("span", { class: "quiet" }), el("span", { class: "quiet" })];
    this.grades = new Grades("finished-grades");
    this.note = el("p", { class: "quiet", "data-field": "finished-validity" });
    this.gap = el("p", { class: "gap", "data-field": "finished-gap" });
    this.figures = el("p", { class: "figures" }, this.energy, this.units[0], this.co2, this.units[1]);
    this.body = el("div", { class: "scroll" });
    this.summary = el("summary");
    this.table = el("details", { ontoggle: () => this.fetch() }, this.summary, this.body);
    this.root = el("section", { class: "finished" }, this.head, this.figures, this.gap, this.note, this.grades.root, this.table);
  }

  update(line) {
    this.batchWord = line.batch_word;
    this.word = line.batch_word || "window";
    const last = line.last_finished;
    setText(this.head, last ? this.headline(last) : `No finished ${this.word} yet`);
    for (const node of [this.figures, this.note, this.table]) show(node, Boolean(last));
    show(this.gap, Boolean(last?.comparisons.some((c) => c.comparable && c.gap !== null)));
    if (last) this.fill(last, line.batch_word);
  }

  headline(last) {
    const what = last.batch ? `${this.word} ${last.batch}` : format.windowTitle(last.window, this.word);
    return `Last finished: ${what}, ${format.clock(last.start_ns)}–${format.clock(last.end_ns)}`;
  }

  fill(last, batchWord) {
    metric(this.energy, this.units[0], last.metrics[ENERGY]);
    metric(this.co2, this.units[1], last.metrics[CO2]);
    const told = format.validity(last, batchWord);
    setText(this.note, `${told.sign} ${told.head}: ${told.why}`);
    // a running line's grades stand with its benchmarks; a batch has none before its end
    this.grades.update(batchWord ? last.grades : []);
    const first = last.comparisons.find((c) => c.comparable && c.gap !== null);
    if (first) setText(this.gap, `${gapText(first)} against ${first.title}`);
    setText(this.summary, batchWord ? `the last ${LIMIT} ${batchWord}s` : `the last ${LIMIT}`);
    if (this.table.open && this.shown !== last.end_ns) this.fetch();
    this.newest = last.end_ns;
  }

  async fetch() {
    if (!this.table.open) return;
    this.shown = this.newest;
    try {
      const path = `api/v1/lines/${encodeURIComponent(this.name)}/batches?limit=${LIMIT}`;
      const rows = (await getJson(path)).filter((one) => !this.batchWord || one.what === "batch_finished");
      this.body.replaceChildren(tableOf(rows, this.word));
    } catch (error) {
      this.body.replaceChildren(el("p", { class: "quiet" }, `Not shown: ${error.message}`));
    }
  }
}

function metric(node, unit, found) {
  const shown = format.doubtful(found?.value, found?.uncertainty);
  setValue(node, found?.value ?? null, shown.value);
  setText(unit, found ? `${shown.doubt} ${format.unit(found.unit)}` : "");
}

function tableOf(rows, word) {
  const head = [word, "ended", "kWh/t", "kg CO₂e/t", "validity"].map((text) => el("th", { scope: "col" }, text));
  const body = rows.map((one) => el("tr", {}, ...cells(one).map((text) => el("td", {}, text))));
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

function cells(one) {
  const [energy, co2] = [ENERGY, CO2].map((name) => format.interval(one.metrics[name]?.value, one.metrics[name]?.uncertainty));
  return [one.batch || one.window, format.clock(one.end_ns), energy, co2, format.words(one.validity_name.toLowerCase())];
}
