// One production line: who it is, how it runs now, against what, and what came before.

import { Benchmarks } from "./benchmarks.js";
import { el, KeyedList, memory, place, setAttr, setText, setValue, show } from "./dom.js";
import { LineEvents } from "./events.js";
import { FactorSets } from "./factor-sets.js";
import { Figures } from "./figures.js";
import { Finished } from "./finished.js";
import * as format from "./format.js";
import { CO2, ENERGY, FACTS, firstWindow, title, windowsOf } from "./metrics.js";
import { Restated } from "./restated.js";
import { Sources } from "./sources.js";
import { Trend } from "./trend.js";
import { Twins } from "./twins.js";

export class LineCard {
  constructor(line) {
    this.name = line.line;
    this.window = memory.get(`window.${this.name}`, "");
    this.parts = [new Sources(), new Benchmarks(), new Twins(), new Trend(line), new Finished(line)];
    [this.sources, this.benchmarks, this.twins, this.trend, this.finished] = this.parts;
    this.figures = new Figures();
    this.below = [new LineEvents(line), new Restated(line), new FactorSets()];
    const id = `line-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    const sections = [...this.parts, this.figures, ...this.below].map((part) => part.root);
    const now = el("div", { class: "now" }, this.makeBigs(), this.makeValidity(), this.makeFacts());
    const children = [this.makeHead(id), this.makeSwitch(), now, ...sections];
    const about = { class: "card line", "data-line": this.name, "aria-labelledby": id };
    this.root = el("article", about, ...children);
  }

  makeHead(id) {
    this.title = el("h2", { id });
    this.age = el("span", { class: "tag age", "data-field": "age" });
    this.about = el("p", { class: "quiet about" });
    this.batch = el("b", { "data-field": "batch" });
    this.phases = el("ol", { class: "phases", "data-field": "phase", "aria-label": "Phase" });
    this.phaseList = new KeyedList(this.phases, (phase) => phase.name, phaseChip);
    const run = el("p", { class: "run" }, this.batch);
    return el("header", { class: "line-head" }, this.title, this.age, this.about, run, this.phases);
  }

  makeSwitch() {
    this.switch = el("div", { class: "switch", role: "radiogroup", "aria-label": "Window" });
    const make = (entry) => windowButton(entry, `window-${this.name}`, (name) => this.choose(name));
    this.switchList = new KeyedList(this.switch, (entry) => entry.name, make);
    return this.switch;
  }

  makeBigs() {
    this.bigs = [big("live-energy", ENERGY), big("live-co2", CO2)];
    return el("div", { class: "bigs" }, ...this.bigs.map((one) => one.root));
  }

  makeValidity() {
    this.sign = el("span", { class: "sign", "aria-hidden": "true" });
    this.verdict = el("span");
    this.validity = el("p", { class: "validity", "data-field": "validity" }, this.sign, this.verdict);
    this.fill = el("span");
    this.cover = el("span", { class: "cover", "data-field": "coverage", title: "share of the window covered" }, this.fill);
    return el("div", { class: "valid-row" }, this.validity, this.cover);
  }

  makeFacts() {
    this.facts = FACTS.map(fact);
    return el("dl", { class: "facts" }, ...this.facts.map((one) => one.root));
  }

  choose(name) {
    this.window = name;
    memory.set(`window.${this.name}`, name);
    this.update(this.line);
  }

  update(line) {
    this.line = line;
    const names = windowsOf(line);
    const window = names.includes(this.window) ? this.window : firstWindow(line);
    setAttr(this.root, "data-t-ns", line.t_ns);
    setAttr(this.root, "data-window", window ?? "");
    this.drawHead(line);
    const batchWord = line.batch_word;
    this.switchList.update(names.map((name) => ({ name, text: format.windowTitle(name, batchWord), on: name === window })));
    this.drawWindow(line.windows[window], batchWord);
    this.figures.update(line.windows[window]?.metrics ?? {}, format.windowTitle(window ?? "", batchWord));
    for (const part of this.below) part.update(line);
    this.benchmarks.update(line);
    this.twins.update(line);
    this.finished.update(line);
    if (window) this.trend.update(line, window);
  }

  drawHead(line) {
    setText(this.title, line.title);
    setText(this.about, [format.words(line.process), format.words(line.product), line.agent].filter(Boolean).join(" · "));
    setText(this.batch, line.batch ? `${line.batch_word || "batch"} ${line.batch}` : "");
    setAttr(this.phases, "data-value", line.phase);
    this.phaseList.update(line.phases.map((name, code) => ({ name, on: code === line.phase })));
    show(this.phases, line.phases.length > 0);
  }

  drawWindow(view, batchWord) {
    const metrics = view?.metrics ?? {};
    for (const one of this.bigs) one.update(metrics[one.metric]);
    for (const one of this.facts) one.update(metrics[one.metric]);
    this.sources.update(metrics);
    const nothing = { state: "bad", sign: "✕", head: "NO DATA", why: "no result of this window has come yet" };
    const told = view ? format.validity(view, batchWord) : nothing;
    setAttr(this.validity, "data-state", told.state);
    setAttr(this.validity, "data-value", view?.validity ?? "");
    setText(this.sign, told.sign);
    setText(this.verdict, `${told.head}: ${told.why}`);
    setAttr(this.cover, "data-value", view?.coverage ?? "");
    place(this.fill, "width", `${(100 * (view?.coverage ?? 0)).toFixed(1)}%`);
  }

  /** Called between records: the age grows, and what is too old must look it. */
  grow(seconds, stale) {
    const never = !this.line.t_ns;
    this.root.classList.toggle("stale", stale);
    setAttr(this.root, "data-stale", stale);
    const words = never ? "no data yet" : format.age(seconds);
    setText(this.age, stale && !never ? `STALE · ${words} old` : words);
    setAttr(this.age, "data-value", never ? "" : seconds.toFixed(1));
  }

  gone() {
    this.trend.gone();
  }
}

function phaseChip(phase) {
  const root = el("li", {}, format.words(phase.name));
  return { root, update: ({ on }) => (on ? root.setAttribute("aria-current", "step") : root.removeAttribute("aria-current")) };
}

function windowButton(entry, group, choose) {
  const input = el("input", { type: "radio", name: group, value: entry.name, onchange: () => choose(entry.name) });
  const text = el("span");
  const root = el("label", {}, input, text);
  const update = (now) => {
    setText(text, now.text);
    if (input.checked !== now.on) input.checked = now.on;
  };
  return { root, update };
}

function big(field, metric) {
  const value = el("span", { class: "value", "data-field": field });
  const unit = el("span", { class: "unit" });
  const doubt = el("span", { class: "quiet doubt", "data-field": `${field}-uncertainty`, title: "expanded uncertainty, k = 2" });
  const root = el("div", { class: "big" }, el("h3", {}, title(metric)), value, el("span", { class: "beside" }, doubt, unit));
  const update = (found) => {
    const shown = format.doubtful(found?.value, found?.uncertainty);
    setValue(value, found?.value ?? null, shown.value);
    setText(unit, found ? format.unit(found.unit) : "");
    setValue(doubt, found?.uncertainty ?? null, shown.doubt || "± not known");
  };
  return { root, metric, update };
}

function fact(metric) {
  const value = el("span", { "data-field": metric });
  const unit = el("span", { class: "quiet" });
  const doubt = el("span", { class: "quiet doubt" });
  const root = el("div", {}, el("dt", {}, title(metric)), el("dd", {}, value, " ", unit, doubt));
  const update = (found) => {
    const shown = format.doubtful(found?.value, found?.uncertainty);
    setValue(value, found?.value ?? null, shown.value);
    setText(unit, found ? format.unit(found.unit) : "");
    setText(doubt, shown.doubt);
  };
  return { root, metric, update };
}
