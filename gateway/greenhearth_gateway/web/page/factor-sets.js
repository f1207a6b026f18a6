// What the figures rest on: the name of a factor set, which unfolds to its factors with their sources.

import { el, KeyedList, setText } from "./dom.js";
import { getJson } from "./feed.js";
import * as format from "./format.js";

export class FactorSets {
  constructor() {
    this.list = el("div");
    this.sets = new KeyedList(this.list, (set) => set.name, factorSet);
    this.root = el("section", { class: "factor-sets" }, this.list);
  }

  /** The set of the running results, and that of the last finished one where it is another. */
  update(line) {
    const sets = [{ name: line.factor_set, what: "Factors" }];
    const before = line.last_finished?.factor_set;
    if (before && before !== line.factor_set) sets.push({ name: before, what: "Factors of the last finished" });
    this.sets.update(sets.filter((set) => set.name));
  }
}

function factorSet(set) {
  const body = el("div", { class: "scroll" });
  const what = el("span");
  const name = el("b", { class: "link" }, set.name);
  let filled = false;
  const fill = async () => {
    if (!root.open || filled) return;
    filled = await fetchInto(body, set.name);
  };
  const root = el("details", { "data-set": set.name, ontoggle: fill }, el("summary", {}, what, " ", name), body);
  return { root, update: (fresh) => setText(what, fresh.what) };
}

/** Fill `body`; false where it has to be asked for again. */
async function fetchInto(body, name) {
  try {
    const found = await getJson(`api/v1/factor-sets/${encodeURIComponent(name)}`);
    body.replaceChildren(tableOf(found.factors));
    return true;
  } catch (error) {
    body.replaceChildren(el("p", { class: "quiet" }, `Not shown: ${error.message}`));
    return false;
  }
}

function tableOf(factors) {
  const head = ["factor", "value", "role", "valid from", "source"].map((text) => el("th", { scope: "col" }, text));
  const rows = factors.map((one) => el("tr", { "data-factor": one.id }, ...cells(one)));
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
}

function cells(one) {
  const doubt = one.uncertainty_percent ? ` ± ${format.plain(one.uncertainty_percent)} %` : "";
  const value = `${figure(one.value)}${doubt} ${format.unit(one.unit)}`;
  const since = one.known_since ? `, known since ${one.known_since}` : "";
  const until = one.valid_to ? ` to ${one.valid_to}` : "";
  const texts = [value, one.roles.map(format.words).join(", "), `${one.valid_from}${until}${since}`, one.source];
  return [el("th", { scope: "row" }, one.id), ...texts.map((text) => el("td", {}, text))];
}

/** A factor as it was published: up to six figures, no zeros behind the point. */
function figure(value) {
  return String(Number(value.toPrecision(6)));
}
