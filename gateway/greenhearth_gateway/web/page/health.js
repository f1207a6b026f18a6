// Meters, buses, and sentences a person can act on.

import { el, KeyedList, place, setAttr, setText, setValue, show } from "./dom.js";
import * as format from "./format.js";

const SIGNS = { ok: "✓ ok", degraded: "! degraded", down: "✕ down", unread: "? unread" };

export class Devices {
  constructor(root, age) {
    this.age = age;
    const titles = ["Meter", "State", "Last good", "Errors", "Reply"];
    const head = el("tr", {}, ...titles.map((text) => el("th", { scope: "col" }, text)));
    const body = el("tbody");
    this.rows = new KeyedList(body, (device) => `${device.agent} ${device.name}`, deviceRow);
    this.table = el("div", { class: "scroll" }, el("table", { class: "devices" }, el("thead", {}, head), body));
    this.busList = el("ul", { class: "buses" });
    this.buses = new KeyedList(this.busList, (bus) => `${bus.agent} ${bus.name}`, busRow);
    this.none = el("p", { class: "quiet" }, "No agent has reported its meters yet.");
    const buses = el("h3", {}, "Buses ", el("span", { class: "quiet" }, "time a scan takes"));
    this.below = el("div", {}, buses, this.busList);
    root.append(el("h2", { id: "devices-title" }, "Meters"), this.none, this.table, this.below);
  }

  update(devices, buses) {
    show(this.none, devices.length === 0);
    show(this.table, devices.length > 0);
    show(this.below, buses.length > 0);
    this.rows.update(devices);
    this.buses.update(buses);
    this.grow(() => Infinity);
  }

  /** `limitOf(agent)`: age [s] from which a meter is silent, whatever the gateway said last. */
  grow(limitOf) {
    for (const part of this.rows.parts.values()) part.grow(this.age, limitOf);
  }
}

function deviceRow(device) {
  const name = el("th", { scope: "row" });
  const [state, good, errors, rtt] = ["state", "age", "errors", "rtt"].map((field) => el("td", { "data-field": field }));
  const root = el("tr", { "data-device": device.name }, name, state, good, errors, rtt);
  let now = device;
  const update = (fresh) => {
    now = fresh;
    setText(name, fresh.name);
    setAttr(name, "title", `on ${fresh.bus}, agent ${fresh.agent}`);
    setAttr(root, "data-state", fresh.state);
    setText(state, SIGNS[fresh.state] ?? fresh.state);
    const total = Object.values(fresh.errors).reduce((sum, n) => sum + n, 0);
    setValue(errors, total, total ? errorText(fresh, total) : "0");
    setAttr(errors, "title", errorList(fresh.errors));
    setValue(rtt, fresh.rtt_ms, fresh.rtt_ms ? `${format.number(fresh.rtt_ms, fresh.rtt_ms < 10 ? 1 : 0)} ms` : "–");
  };
  const grow = (age, limitOf) => {
    const seconds = age(now.last_good_ns);
    const old = now.stale || seconds === null || seconds > limitOf(now.agent);
    setText(good, seconds === null ? "never" : format.age(seconds));
    setAttr(root, "data-stale", old);
  };
  return { root, update, grow };
}

/** The kind that happens most, by name: it tells a cable from a register map. */
function errorText(device, total) {
  const [kind] = Object.entries(device.errors).sort((a, b) => b[1] - a[1])[0];
  return `${format.count(total)} ${format.words(kind).toLowerCase()}`;
}

function errorList(errors) {
  return Object.entries(errors).map(([kind, n]) => `${kind} ${n}`).join(", ") || "none";
}

function busRow(bus) {
  const name = el("b");
  const figures = el("span", { class: "quiet", "data-field": "load" });
  const fill = el("span");
  const root = el("li", { "data-bus": bus.name }, name, el("span", { class: "load" }, fill), figures);
  return { root, update: (fresh) => drawBus(fresh, root, name, figures, fill) };
}

function drawBus(bus, root, name, figures, fill) {
  const share = bus.scan_interval_s ? bus.measured_s / bus.scan_interval_s : 0;
  setText(name, bus.name);
  setAttr(name, "title", bus.endpoint);
  setAttr(root, "data-full", share > 0.8);
  place(fill, "width", `${Math.min(100, 100 * share).toFixed(1)}%`);
  const overruns = bus.overruns ? ` · ${format.count(bus.overruns)} scans skipped` : "";
  const fine = (s) => format.number(s, s < 0.1 ? 3 : 2);
  const planned = `planned ${fine(bus.planned_s)} s`;
  setText(figures, `${fine(bus.measured_s)} of ${format.number(bus.scan_interval_s, 1)} s, ${planned}${overruns}`);
}

export class Problems {
  constructor(root) {
    this.root = root;
    this.list = el("ul");
    this.rows = new KeyedList(this.list, (text) => text, (text) => ({ root: el("li", {}, text), update() {} }));
    root.append(el("h2", { id: "problems-title" }, "To be seen to"), this.list);
  }

  update(problems) {
    show(this.root, problems.length > 0);
    this.rows.update([...new Set(problems)]);
  }
}
