// The last hour of one metric: fetched now and then, and carried on with live points between.

import { available, Chart, frame } from "./chart.js";
import { el, memory, setAttr, setText } from "./dom.js";
import { getJson } from "./feed.js";
import * as format from "./format.js";
import { ENERGY, title } from "./metrics.js";

const MINUTES = 60;
const POINTS = 600;
const REFETCH_MS = 15000;
const REDRAW_MS = 1000; // a plant in fast motion brings ten points a second
const STEP_MS = (MINUTES * 60000) / POINTS; // live points closer than the history's are left out

export class Trend {
  constructor(line) {
    this.name = line.line;
    this.metric = memory.get(`trend.${this.name}`, ENERGY);
    this.rows = [];
    this.validity = [];
    this.fetched = -Infinity;
    this.drawn = -Infinity;
    this.select = el("select", { "aria-label": "Trend of", onchange: () => this.choose(this.select.value) });
    this.caption = el("p", { class: "quiet caption" });
    this.holder = frame();
    this.chart = available() ? new Chart(this.holder, (row) => this.point(row)) : null;
    const head = el("h3", {}, "Last hour ", this.select);
    this.root = el("section", { class: "trend" }, head, this.holder, this.caption);
    if (!this.chart) setText(this.holder, "The chart script did not load; the figures go on.");
  }

  choose(metric) {
    this.metric = metric;
    memory.set(`trend.${this.name}`, metric);
    this.fetched = -Infinity;
    this.update(this.line, this.window);
  }

  update(line, window) {
    if (window !== this.window) this.fetched = -Infinity;
    this.line = line;
    this.window = window;
    this.options(line.windows[window]?.metrics ?? {});
    if (performance.now() - this.fetched > REFETCH_MS) this.fetch();
    else this.append();
  }

  options(views) {
    const metrics = Object.keys(views);
    const names = metrics.join();
    if (names === this.names || metrics.length === 0) return;
    this.names = names;
    if (!metrics.includes(this.metric)) this.metric = metrics.includes(ENERGY) ? ENERGY : metrics[0];
    this.select.replaceChildren(...metrics.map((name) => el("option", { value: name }, `${title(name)}, ${format.unit(views[name].unit)}`)));
    this.select.value = this.metric;
  }

  async fetch() {
    this.fetched = performance.now();
    const asked = `${this.metric} ${this.window}`;
    const query = new URLSearchParams({ metric: this.metric, window: this.window, minutes: MINUTES, points: POINTS });
    try {
      const trend = await getJson(`api/v1/lines/${encodeURIComponent(this.name)}/trend?${query}`);
      if (asked === `${this.metric} ${this.window}`) this.take(trend);
    } catch {
      // the gateway is away or has no trend yet; the banner tells the first, the caption the second
      setText(this.caption, "no trend yet");
    }
  }

  take(trend) {
    this.unit = format.unit(trend.unit);
    this.rows = trend.t_ms.map((t, i) => row(t, trend.value[i], trend.uncertainty[i]));
    this.validity = trend.validity;
    this.append();
    this.draw();
  }

  append() {
    const t = this.line.t_ns / 1e6;
    const last = this.rows.at(-1)?.[0].getTime() ?? 0;
    const view = this.line.windows[this.window];
    const metric = view?.metrics[this.metric];
    if (!metric || t - last < STEP_MS || this.rows.length === 0) return;
    this.rows = [...this.rows.filter((r) => r[0] >= t - MINUTES * 60000), row(t, metric.value, metric.uncertainty)];
    this.validity = [...this.validity, view.validity].slice(-this.rows.length);
    if (performance.now() - this.drawn > REDRAW_MS) this.draw();
  }

  draw() {
    this.drawn = performance.now();
    const shown = this.rows.length > 1;
    if (this.chart && shown) this.chart.draw(this.rows, this.marks(), this.validity);
    this.point(null);
  }

  /** Published figures that may be compared, where they are in the unit of the trend. */
  marks() {
    return this.line.comparisons
      .filter((c) => c.comparable && c.metric === this.metric && format.unit(c.unit) === this.unit)
      .map((c) => ({ value: c.value, label: `${c.kind} ${format.plain(c.value)}` }));
  }

  /** Below the chart: the point under the pointer, or the range of the hour. */
  point(index) {
    const text = index === null ? this.range() : this.at(this.rows[index]);
    setText(this.caption, text);
    if (index === null) setAttr(this.holder, "aria-label", `${title(this.metric)} over the last hour: ${text}`);
  }

  at(found) {
    if (!found) return "";
    const [low, value, high] = found[1];
    const shown = format.doubtful(value, (high - low) / 2);
    return `${format.clock(found[0].getTime() * 1e6)}: ${shown.value} ${shown.doubt} ${this.unit}`;
  }

  range() {
    const values = this.rows.map((r) => r[1][1]).filter((v) => v !== null);
    if (values.length === 0) return "no value in the last hour";
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [, newest] = this.rows.findLast((r) => r[1][1] !== null);
    const now = format.interval(newest[1], (newest[2] - newest[0]) / 2);
    return `lowest ${format.number(low)} · highest ${format.number(high)} · now ${now} ${this.unit}`;
  }

  gone() {
    this.chart?.gone();
  }
}

function row(t_ms, value, uncertainty) {
  const u = uncertainty ?? 0;
  return [new Date(t_ms), value === null ? [null, null, null] : [value - u, value, value + u]];
}
