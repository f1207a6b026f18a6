// CO2 by source: one bar whose parts add up to the total, and the same figures as text.

import { el, place, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";
import { SOURCES } from "./metrics.js";

export class Sources {
  constructor() {
    this.parts = SOURCES.map((source) => this.part(source));
    this.upstream = el("span", { class: "quiet" });
    this.bar = el("div", { class: "stack", "aria-hidden": "true" }, ...this.parts.map((part) => part.bar));
    const legend = el("ul", { class: "stack-legend" }, ...this.parts.map((part) => part.item));
    const head = el("h3", {}, "CO₂e by source ", el("span", { class: "quiet" }, "kg/t"), " ", this.upstream);
    this.root = el("section", { class: "sources" }, head, this.bar, legend);
  }

  part(source) {
    const key = el("span", { class: `key source-${source.letter}`, "aria-hidden": "true" }, source.letter);
    const figure = el("span", { "data-field": source.metric });
    const item = el("li", {}, el("span", {}, key, " ", source.title), figure);
    const bar = el("span", { class: `source-${source.letter}` }, source.letter);
    return { source, figure, item, bar };
  }

  update(metrics) {
    for (const part of this.parts) {
      const value = metrics[part.source.metric]?.value ?? null;
      setValue(part.figure, value, format.short(value));
      // a credit (below zero) has no width; its figure stands in the legend
      place(part.bar, "flex-grow", String(Math.max(0, value ?? 0)));
      show(part.bar, (value ?? 0) > 0);
    }
    this.letters();
    const above = metrics.co2_upstream_kg_per_t?.value ?? null;
    setText(this.upstream, above ? `· upstream ${format.short(above)}, not in the total` : "");
  }

  /** A letter needs room: parts under 6 % of the bar go without. */
  letters() {
    const sizes = this.parts.map((part) => Number(part.figure.dataset.value) || 0);
    const total = sizes.reduce((sum, size) => sum + Math.max(0, size), 0);
    this.parts.forEach((part, i) => part.bar.classList.toggle("narrow", sizes[i] < 0.06 * total));
  }
}
