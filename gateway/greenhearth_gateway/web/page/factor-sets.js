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
  const body = el("div");
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
    body.replaceChildren(listOf(found.factors));
    return true;
  } catch (error) {
    body.replaceChildren(el("p", { class: "quiet" }, `Not shown: ${error.message}`));
    return false;
  }
}

/** Id and value in a line; under it what it is used as, since when it holds, and where it is from. */
function listOf(factors) {
  return el("ul", { class: "factor-rows" }, ...factors.map(factorRow));
}

function factorRow(one) {
  const doubt = one.uncertainty_percent ? ` ± ${format.plain(one.uncertainty_percent)} %` : "";
  const roles = one.roles.length ? `used as ${one.roles.map(format.words).join(", ")}` : "named by the process";
  const valid = one.valid_from === "undated" ? "undated" : `valid from ${one.valid_from}${one.valid_to ? ` to ${one.valid_to}` : ""}`;
  const known = one.known_since ? `known since ${one.known_since}` : "";
  const rest = [roles, valid, known, one.source].filter(Boolean).join(" · ");
  const value = el("span", { class: "factor-value" }, `${figure(one.value)}${doubt} ${format.unit(one.unit)}`);
  return el("li", { "data-factor": one.id }, el("b", {}, one.id), value, el("span", { class: "quiet" }, rest));
}

/** A factor as it was published: up to six figures, no zeros behind the point. */
function figure(value) {
  return String(Number(value.toPrecision(6)));
}
