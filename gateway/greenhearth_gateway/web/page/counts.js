// The public count of every agent: the equation, what waits, the last 24 hours, what was refused.

import { el, KeyedList, setAttr, setText, show } from "./dom.js";
import * as format from "./format.js";
import { getJson } from "./feed.js";
import { Hours } from "./hours.js";

const ASK_MS = 5000;
const REASONS = 5;
const FLIGHT = { items: 50, s: 15 }; // fewer and younger than this is on its way, not a backlog

export class Counts {
  constructor(root, age) {
    this.age = age;
    this.list = el("ul", { class: "counts" });
    this.rows = new KeyedList(this.list, (entry) => entry.agent, (entry) => new AgentRow(entry, this.age));
    this.none = el("p", { class: "quiet" }, "No agent has reported yet.");
    this.refused = new Refused();
    root.append(el("h2", { id: "counts-title" }, "Agents and the count"), this.none, this.list, this.refused.root);
    setInterval(() => this.ask(), ASK_MS);
  }

  update(agents, reconciliation) {
    const first = this.rows.parts.size === 0;
    const counts = new Map(reconciliation.map((count) => [count.agent, count]));
    const names = [...new Set([...agents.map((agent) => agent.agent), ...counts.keys()])];
    const agentOf = (name) => agents.find((agent) => agent.agent === name);
    show(this.none, names.length === 0);
    this.rows.update(names.map((name) => ({ agent: name, state: agentOf(name), count: counts.get(name) })));
    this.quarantined = reconciliation.reduce((sum, count) => sum + count.quarantined, 0);
    if (first && names.length) this.ask();
  }

  /** Hours and refusals change slowly: asked for every few seconds, by pages that are looked at. */
  async ask() {
    if (document.hidden || this.rows.parts.size === 0) return;
    try {
      const [hours, refused] = await Promise.all([
        getJson("api/v1/reconciliation/hours?hours=24"),
        getJson(`api/v1/quarantine?limit=${REASONS}`),
      ]);
      for (const one of hours) this.rows.parts.get(one.agent)?.hours.update(one.hours);
      this.refused.update(refused, this.quarantined);
    } catch {
      // the gateway is away: the banner says so, and what stands here stays as it was
    }
  }
}

class AgentRow {
  constructor(entry, age) {
    this.age = age;
    this.state = el("span", { class: "tag", "data-field": "agent-state" });
    this.error = el("span", { class: "accounting", "data-field": "accounting" });
    this.equation = el("p", { class: "equation", "data-field": "equation" });
    this.missing = el("p", { class: "missing", "data-field": "missing", role: "alert" });
    this.backlog = el("p", { class: "quiet", "data-field": "outbox" });
    this.hours = new Hours();
    const head = el("p", { class: "count-head" }, el("b", {}, entry.agent), " ", this.state, this.error);
    const parts = [head, this.equation, this.missing, this.hours.root, this.backlog];
    this.root = el("li", { "data-agent": entry.agent }, ...parts);
  }

  update({ state: agent, count }) {
    const word = agent ? agentWord(agent) : "? unknown";
    setText(this.state, word);
    setAttr(this.root, "data-state", word.slice(2));
    setAttr(this.root, "data-closes", count ? count.closes : "");
    setText(this.error, count ? errorOf(count) : "");
    setText(this.equation, count ? equationOf(count) : "no count yet");
    setText(this.missing, count?.missing ?? "");
    show(this.missing, Boolean(count?.missing));
    setText(this.backlog, count ? backlogOf(count, this.age) : "");
  }
}

function agentWord(agent) {
  if (!agent.online) return "✕ offline";
  return agent.stale ? "! silent" : "✓ online";
}

function errorOf(c) {
  return c.closes ? "✓ accounting error: 0" : `✕ accounting error: ${format.signed(c.difference, 0)}`;
}

/** `measured = stored + waiting + ...`, as promised in public. */
export function equationOf(c) {
  const n = format.count;
  const sum = `${n(c.stored)} stored + ${n(c.waiting)} waiting + ${n(c.quarantined)} quarantined + ${n(c.dropped)} dropped`;
  const twice = c.overlap ? ` − ${n(c.overlap)} the agent has not counted yet` : "";
  const closes = c.closes ? "✓ closes" : `✕ does not close, ${format.signed(c.difference, 0)}`;
  return `${n(c.measured)} measured = ${sum}${twice}: ${closes}`;
}

function backlogOf(c, age) {
  const { waiting } = c;
  const { drain_s: drain, live_per_s: live, backlog_per_s: late } = c.backlog;
  const oldest = c.oldest_waiting_ns && waiting ? age(c.oldest_waiting_ns) : 0;
  const parts = [];
  if (!waiting) parts.push("nothing waits");
  else if (waiting <= FLIGHT.items && oldest <= FLIGHT.s) parts.push(`${format.count(waiting)} on the way`);
  else {
    parts.push(`backlog of ${format.count(waiting)}, the oldest ${format.age(oldest)} old`);
    parts.push(drain === null ? "it does not shrink yet" : `drained in ${format.age(drain)}`);
    parts.push(`live ${format.short(live)}/s, backlog ${format.short(late)}/s`);
  }
  parts.push(c.hours_left === null ? "outbox: rate not known yet" : `outbox lasts ${format.age(c.hours_left * 3600)}`);
  if (c.duplicates) parts.push(`${format.count(c.duplicates)} came twice, stored once`);
  if (c.damaged) parts.push(`${format.count(c.damaged)} came damaged and were sent again`);
  return parts.join(" · ");
}

/** What was refused as data, newest first. */
class Refused {
  constructor() {
    this.title = el("summary");
    this.list = el("ul", { class: "refused-rows" });
    const key = (one) => `${one.epoch} ${one.seq} ${one.reason} ${one.topic}`;
    this.rows = new KeyedList(this.list, key, () => refusedRow());
    this.root = el("details", { "data-field": "quarantine" }, this.title, this.list);
    show(this.root, false);
  }

  update(refused, total) {
    show(this.root, refused.length > 0);
    setText(this.title, `${format.count(total)} items in quarantine; the newest reasons`);
    this.rows.update(refused);
  }
}

function refusedRow() {
  const reason = el("span");
  const where = el("span", { class: "quiet" });
  const update = (one) => {
    setText(reason, one.reason);
    const place = one.seq ? `number ${format.count(one.seq)}` : "unreadable";
    const times = one.times > 1 ? `, ${format.count(one.times)} times` : "";
    setText(where, ` ${one.agent || one.topic}, ${place}${times}`);
  };
  return { root: el("li", {}, reason, where), update };
}
