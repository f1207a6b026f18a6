// The only file that knows the chart library (dygraphs 1.1, a classic script, so a global).

import { el } from "./dom.js";
import * as format from "./format.js";

const BAD_FROM = 3; // validity codes from PARTIAL on are shaded

export function available() {
  return typeof Dygraph !== "undefined";
}

/** Its legend writes style attributes, which the page's policy refuses; the rest is not used. */
function slimPlugins() {
  const { Axes, Grid } = Dygraph.Plugins;
  Dygraph.PLUGINS = [Axes, Grid];
}

export class Chart {
  /** `onPoint(index or null)`: the pointer is at a point. */
  constructor(holder, onPoint) {
    this.holder = holder;
    this.onPoint = onPoint;
    this.marks = [];
    this.validity = [];
    this.times = [];
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
  }

  colours() {
    const style = getComputedStyle(this.holder);
    const read = (name) => style.getPropertyValue(name).trim();
    return { line: read("--trend"), grid: read("--line"), mark: read("--mark"), shade: read("--shade") };
  }

  /** Draw rows of [Date, [low, value, high]] with marks [{value, label}] and validity codes. */
  draw(rows, marks, validity) {
    this.marks = marks;
    this.validity = validity;
    this.times = rows.map((row) => row[0].getTime());
    const range = valueRange(rows, marks);
    if (this.graph) this.graph.updateOptions({ file: rows, valueRange: range, dateWindow: this.span() });
    else this.create(rows, range);
  }

  span() {
    return [this.times[0], this.times.at(-1)];
  }

  create(rows, range) {
    slimPlugins();
    const colours = this.colours();
    this.graph = new Dygraph(this.holder, rows, {
      labels: ["t", "value"],
      customBars: true,
      colors: [colours.line],
      strokeWidth: 1.6,
      gridLineColor: colours.grid,
      axisLineColor: colours.grid,
      axisLabelFontSize: 11,
      axes: { y: { axisLabelWidth: 44, pixelsPerLabel: 22, axisLabelFormatter: (v) => format.plain(v) } },
      valueRange: range,
      dateWindow: this.span(),
      interactionModel: {}, // no dragging: on a phone a finger scrolls the page
      highlightCircleSize: 3,
      highlightCallback: (_event, _x, _points, row) => this.onPoint(row),
      unhighlightCallback: () => this.onPoint(null),
      underlayCallback: (canvas, area, graph) => this.underlay(canvas, area, graph),
    });
  }

  recolour() {
    if (!this.graph) return;
    const colours = this.colours();
    this.graph.updateOptions({ colors: [colours.line], gridLineColor: colours.grid, axisLineColor: colours.grid });
  }

  underlay(canvas, area, graph) {
    const colours = this.colours();
    this.shade(canvas, area, graph, colours.shade);
    for (const mark of this.marks) drawMark(canvas, area, graph.toDomYCoord(mark.value), mark, colours.mark);
  }

  /** Grey behind the times whose result was not to be trusted. */
  shade(canvas, area, graph, colour) {
    canvas.fillStyle = colour;
    for (const [first, last] of runs(this.validity)) {
      const from = graph.toDomXCoord(this.times[Math.max(0, first - 1)]);
      canvas.fillRect(from, area.y, graph.toDomXCoord(this.times[last]) - from, area.h);
    }
  }

  gone() {
    this.graph?.destroy();
  }
}

function drawMark(canvas, area, y, mark, colour) {
  if (y < area.y || y > area.y + area.h) return;
  canvas.save();
  canvas.strokeStyle = canvas.fillStyle = colour;
  canvas.setLineDash([5, 4]);
  canvas.beginPath();
  canvas.moveTo(area.x, y);
  canvas.lineTo(area.x + area.w, y);
  canvas.stroke();
  canvas.font = "10px system-ui, sans-serif";
  canvas.fillText(mark.label, area.x + 4, y - 3 > area.y + 9 ? y - 3 : y + 11);
  canvas.restore();
}

/** First and last index of every run of codes that are not to be trusted. */
export function runs(validity) {
  const found = [];
  validity.forEach((code, i) => {
    if (code < BAD_FROM) return;
    if (found.at(-1)?.[1] === i - 1) found.at(-1)[1] = i;
    else found.push([i, i]);
  });
  return found;
}

/**
 * Axis that holds the data and every mark within half and twice of it, with a little air.
 *
 * The first seconds of a heat divide much energy by almost no product: one value in fifty may
 * lie outside, or a single 20 000 kWh/t would press the whole hour flat.
 */
export function valueRange(rows, marks) {
  const known = rows.map((row) => row[1]).filter((bar) => bar[1] !== null);
  if (known.length === 0) return [0, 1];
  const newest = known.at(-1);
  let low = Math.min(quantile(known.map((bar) => bar[0]), 0.02), newest[0]);
  let high = Math.max(quantile(known.map((bar) => bar[2]), 0.98), newest[2]);
  const near = marks.map((mark) => mark.value).filter((v) => v > low / 2 && v < high * 2);
  low = Math.min(low, ...near);
  high = Math.max(high, ...near);
  const air = 0.08 * (high - low) || Math.abs(0.05 * high) || 1;
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air];
}

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))];
}

/** The frame a chart lies in; its height is fixed so that nothing below it jumps. */
export function frame() {
  return el("div", { class: "chart", role: "img" });
}
