// Alarms: what is wrong, against which limit, why, what follows, what to do, and who has seen it.

import { el, KeyedList, memory, setAttr, setText, setValue, show } from "./dom.js";
import { getJson, postJson } from "./feed.js";
import * as format from "./format.js";

const STATES = { unack: "unacknowledged", ack: "acknowledged", returned_unack: "returned, not acknowledged" };
const STATE_ORDER = ["unack", "returned_unack", "ack"];
const PRIORITIES = { high: "▲ high", medium: "◆ medium", low: "● low" };
const PRIORITY_ORDER = ["high", "medium", "low"];
const JOURNAL_ROWS = 30;

export class Alarms {
  /** `age(t_ns)`: seconds of a person's life since a data time; `say(text)`: announce. */
  constructor(root, age, say) {
    this.age = age;
    this.say = say;
    this.known = null;
    this.who = el("input", { id: "who", autocomplete: "name", maxlength: "80", value: memory.get("who", "") });
    this.who.addEventListener("change", () => memory.set("who", this.who.value.trim()));
    const name = el("label", { class: "who", for: "who" }, "Your name ", this.who);
    const head = el("header", { class: "panel-head" }, el("h2", { id: "alarms-title" }, "Alarms"), name);
    this.none = el("p", { class: "calm" }, "✓ No active alarms");
    this.list = el("ul", { class: "alarms" });
    this.items = new KeyedList(this.list, (alarm) => alarm.id, (alarm) => new AlarmItem(alarm, this));
    this.journalBody = el("div", { class: "scroll" });
    this.journal = el("details", { ontoggle: () => this.fetchJournal() }, el("summary", {}, "Alarm journal"), this.journalBody);
    root.append(head, this.none, this.list, this.journal);
  }

  update(alarms) {
    const active = alarms.filter((alarm) => alarm.active).sort(byUrgency);
    this.items.update(active);
    show(this.none, active.length === 0);
    this.announce(active);
    const stamp = alarms.map((alarm) => alarm.id + alarm.state).join();
    if (stamp !== this.stamp) this.fetchJournal();
    this.stamp = stamp;
    return active;
  }

  /** Speak each alarm once, when it comes; not those that stood when the page was opened. */
  announce(active) {
    const now = new Map(active.map((alarm) => [alarm.id, alarm]));
    const fresh = active.filter((alarm) => alarm.state === "unack" && this.known?.get(alarm.id)?.state !== "unack");
    if (this.known && fresh.length) this.say(fresh.map((a) => `${a.priority} alarm: ${a.title}`).join(". "));
    this.known = now;
  }

  async fetchJournal() {
    if (!this.journal.open) return;
    try {
      const { journal, alarms } = await getJson("api/v1/alarms");
      this.journalBody.replaceChildren(journalTable(journal.slice(0, JOURNAL_ROWS), alarms));
    } catch (error) {
      this.journalBody.replaceChildren(el("p", { class: "quiet" }, `Not shown: ${error.message}`));
    }
  }

  grow() {
    for (const item of this.items.parts.values()) item.grow();
  }
}

function byUrgency(a, b) {
  const state = STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state);
  const priority = PRIORITY_ORDER.indexOf(a.priority) - PRIORITY_ORDER.indexOf(b.priority);
  return state || priority || b.since_ns - a.since_ns;
}

class AlarmItem {
  constructor(alarm, panel) {
    this.panel = panel;
    this.id = alarm.id;
    this.priority = el("span", { class: "priority" });
    this.title = el("b");
    this.state = el("span", { class: "tag", "data-field": "state" });
    this.values = el("p", { class: "alarm-values", "data-field": "value" });
    this.since = el("span", { class: "quiet", "data-field": "since" });
    this.action = el("p", { class: "alarm-action" });
    this.cause = el("span");
    this.consequence = el("span");
    this.why = el("details", {}, el("summary", {}, "cause and consequence"), line("Cause: ", this.cause), line("Consequence: ", this.consequence));
    this.button = el("button", { type: "button", onclick: () => this.acknowledge() }, "Acknowledge");
    this.answer = el("p", { class: "alarm-answer", role: "alert" });
    const head = el("p", { class: "alarm-head" }, this.priority, this.title, this.state);
    const foot = el("div", { class: "alarm-foot" }, this.since, this.button);
    this.root = el("li", { "data-alarm": alarm.id }, head, this.values, this.action, this.why, foot, this.answer);
  }

  update(alarm) {
    this.alarm = alarm;
    setAttr(this.root, "data-state", alarm.state);
    setAttr(this.root, "data-priority", alarm.priority);
    setText(this.priority, PRIORITIES[alarm.priority]);
    setText(this.title, alarm.title);
    setText(this.state, STATES[alarm.state]);
    const unit = format.unit(alarm.unit);
    setValue(this.values, alarm.value, `${format.number(alarm.value)} ${unit}, limit ${format.plain(alarm.limit)} ${unit} · ${alarm.line}`);
    setText(this.action, `Do: ${alarm.action}`);
    setText(this.cause, alarm.cause);
    setText(this.consequence, alarm.consequence);
    show(this.button, alarm.state !== "ack");
    this.grow();
  }

  grow() {
    const { alarm } = this;
    const seconds = this.panel.age(alarm.since_ns);
    const by = alarm.state === "ack" && alarm.acked_by ? ` · by ${alarm.acked_by}` : "";
    const time = alarm.state === "unack" ? ` · ${response(alarm, seconds)}` : "";
    setText(this.since, `since ${format.clock(alarm.since_ns)}, ${format.wholeAge(seconds)}${by}${time}`);
  }

  async acknowledge() {
    const who = this.panel.who.value.trim();
    if (!who) {
      setText(this.answer, "Write your name above first: the journal keeps who acknowledged.");
      this.panel.who.focus();
      return;
    }
    this.button.disabled = true;
    try {
      await postJson(`api/v1/alarms/${encodeURIComponent(this.id)}/ack`, { who });
      setText(this.answer, "");
      memory.set("who", who);
    } catch (error) {
      setText(this.answer, `Not acknowledged: ${error.message}`);
    } finally {
      this.button.disabled = false;
    }
  }
}

function line(head, node) {
  return el("p", {}, el("span", { class: "quiet" }, head), node);
}

function response(alarm, seconds) {
  const left = alarm.respond_within_min - seconds / 60;
  if (left <= 0) return `respond within ${format.count(alarm.respond_within_min)} min: overdue`;
  return `respond within ${format.count(Math.ceil(left))} min`;
}

function journalTable(rows, alarms) {
  const titles = new Map(alarms.map((alarm) => [alarm.id, alarm.title]));
  const state = (name) => STATES[name] ?? name;
  const cells = (row) => [format.clock(row.t_ns), titles.get(row.id) ?? row.id, state(row.state), row.who];
  const body = rows.map((row) => el("tr", {}, ...cells(row).map((text) => el("td", {}, text))));
  const head = ["time", "alarm", "became", "by"].map((text) => el("th", { scope: "col" }, text));
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}
