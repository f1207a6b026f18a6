// CO2 by source: one bar whose parts add up to the total, and the same figures as text.

import { el, place, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";
import { BESIDE, CO2, SOURCES } from "./metrics.js";

export class Sources {
  constructor() {
    this.parts = SOURCES.map((source) => this.part(source));
    this.beside = el("p", { class: "quiet beside-sources", "data-field": "beside-sources" });
    this.bar = el("div", { class: "stack", "aria-hidden": "true" }, ...this.parts.map((part) => part.bar));
    const legend = el("ul", { class: "stack-legend" }, ...this.parts.map((part) => part.item));
    const head = el("h3", {}, "CO₂e by source ", el("span", { class: "quiet" }, "kg/t"));
    this.root = el("section", { class: "sources" }, head, this.bar, legend, this.beside);
  }

  part(source) {
    const key = el("span", { class: `key source-${source.letter}`, "aria-hidden": "true" }, source.letter);
    const figure = el("span", { "data-field": source.metric });
    const doubt = el("span", { class: "quiet doubt" });
    const item = el("li", {}, el("span", {}, key, " ", source.title), el("span", {}, figure, " ", doubt));
    const bar = el("span", { class: `source-${source.letter}` }, source.letter);
    return { source, figure, doubt, item, bar, seen: false };
  }

  update(metrics) {
    for (const part of this.parts) this.draw(part, metrics[part.source.metric]);
    this.letters();
    setText(this.beside, besideText(metrics));
    show(this.beside, this.beside.textContent !== "");
  }

  /** A source that a line does not have (anodes of a furnace) is left out; one that was there stays, at 0. */
  draw(part, found) {
    const value = found?.value ?? null;
    const shown = format.doubtful(value, found?.uncertainty);
    setValue(part.figure, value, found?.uncertainty ? shown.value : format.short(value));
    setText(part.doubt, shown.doubt);
    part.seen ||= Boolean(value);
    show(part.item, part.seen);
    // a credit (below zero) has no width; its figure stands in the legend
    place(part.bar, "flex-grow", String(Math.max(0, value ?? 0)));
    show(part.bar, (value ?? 0) > 0);
  }

  /** A letter needs room: parts under 6 % of the bar go without. */
  letters() {
    const sizes = this.parts.map((part) => Number(part.figure.dataset.value) || 0);
    const total = sizes.reduce((sum, size) => sum + Math.max(0, size), 0);
    this.parts.forEach((part, i) => part.bar.classList.toggle("narrow", sizes[i] < 0.06 * total));
  }
}

/** What a reader would miss or add up wrongly; a market-based total only where a contract makes it another. */
export function besideText(metrics) {
  const total = metrics[CO2]?.value ?? null;
  const told = BESIDE.filter(({ metric }) => metrics[metric]?.value && metrics[metric].value !== total);
  return told
    .map(({ metric, head, tail }) => `${head} ${format.interval(metrics[metric].value, metrics[metric].uncertainty)}${tail}`)
    .join(" · ");
}
