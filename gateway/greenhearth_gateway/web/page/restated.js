// Stored figures beside what they are with later factors. What was reported stays first.

import { el, setAttr, setText, show } from "./dom.js";
import { getJson } from "./feed.js";
import * as format from "./format.js";
import { CO2, title } from "./metrics.js";

const REFETCH_MS = 60000; // somebody restates a few times a year
const LIMIT = 20;

export class Restated {
  constructor(line) {
    this.name = line.line;
    this.fetched = -Infinity;
    this.head = el("h3");
    this.first = el("div", { "data-field": "restated-newest" });
    this.count = el("summary");
    this.rest = el("div");
    this.box = el("details", {}, this.count, this.rest);
    this.root = el("section", { class: "restated", hidden: true }, this.head, this.first, this.box);
  }

  update(line) {
    this.batchWord = line.batch_word;
    if (performance.now() - this.fetched > REFETCH_MS) this.fetch();
  }

  async fetch() {
    this.fetched = performance.now();
    try {
      this.take(await getJson(`api/v1/restatements?line=${encodeURIComponent(this.name)}&limit=${LIMIT}`));
    } catch {
      // the gateway is away: what was shown stays, the banner tells why it may be old
    }
  }

  take(found) {
    const told = JSON.stringify(found);
    show(this.root, found.length > 0);
    if (told === this.told || found.length === 0) return;
    this.told = told;
    const [newest, ...others] = found;
    setText(this.head, "Restated");
    this.first.replaceChildren(restatement(newest, this.batchWord));
    show(this.box, others.length > 0);
    setText(this.count, `${others.length} restated before`);
    this.rest.replaceChildren(...others.map((one) => restatement(one, this.batchWord)));
  }
}

function restatement(one, batchWord) {
  const what = one.batch ? `${batchWord || "batch"} ${one.batch}` : format.windowTitle(one.window, batchWord);
  const head = `${what}, ${format.dateTime(one.start_ns)} to ${format.dateTime(one.end_ns)}`;
  const set = `factor set ${one.new_set}, as known on ${one.known_at}; reported with ${one.old_set}`;
  const names = Object.keys(one.old).sort((a, b) => (b === CO2) - (a === CO2));
  const causes = one.causes.map((cause) => causeLine(cause, names[0], one.old[names[0]].unit));
  const root = el("article", {}, el("p", {}, head), el("p", { class: "quiet" }, set));
  root.append(changes(one, names.slice(0, 1)), el("ul", { class: "causes" }, ...causes));
  if (names.length > 1) root.append(el("details", {}, el("summary", {}, `other figures: ${names.length - 1}`), changes(one, names.slice(1))));
  setAttr(root, "data-window", `${one.window} ${one.start_ns}`);
  return root;
}

/** Old figure, arrow, new figure, difference; one line a metric. */
function changes(one, names) {
  return el("ul", { class: "changes" }, ...names.map((name) => changeLine(name, one.old[name], one.new[name])));
}

function changeLine(name, old, fresh) {
  const before = `${title(name)}: ${withDoubt(old)}`; // as many digits on both sides, or they do not compare
  const after = `${withDoubt(fresh)} ${format.unit(fresh.unit)}`;
  const moved = fresh.value - old.value;
  const share = old.value ? ` (${format.percent((100 * moved) / old.value, 2)})` : "";
  return el("li", { "data-figure": name }, `${before} → ${after}, ${fine(moved)}${share}`);
}

function withDoubt({ value, uncertainty }) {
  return `${format.number(value)} ${format.doubtful(value, uncertainty).doubt}`.trim();
}

function causeLine({ name, old, new: fresh, moved }, metric, unit) {
  const by = `${fine(moved[metric] ?? 0)} ${format.unit(unit)} by ${name}: `;
  const values = `${format.plain(old.value)} → ${format.plain(fresh.value)} ${format.unit(fresh.unit)}`;
  return el("li", {}, `${by}${values}`, el("span", { class: "quiet" }, ` (${fresh.source})`));
}

/** Differences are small beside their figures: three figures of their own. */
function fine(value) {
  return format.signed(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 3);
}
