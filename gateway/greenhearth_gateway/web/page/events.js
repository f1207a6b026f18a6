// What happened on a line: anode effects and counters that began anew; the newest is seen, the rest folded.

import { el, KeyedList, setAttr, setText, show } from "./dom.js";
import * as format from "./format.js";

export class LineEvents {
  constructor(line) {
    this.name = line.line;
    this.newest = el("p", { "data-field": "newest-event" });
    this.count = el("summary");
    this.rows = el("ol", { class: "event-rows", "data-field": "events" });
    this.box = el("details", { ontoggle: () => this.fill() }, this.count, this.rows);
    this.list = new KeyedList(this.rows, (event) => `${event.t_ns} ${event.subject}`, (event) => eventRow(event, this.name));
    this.root = el("section", { class: "events" }, el("h3", {}, "Events"), this.newest, this.box);
  }

  update(line) {
    this.events = line.events;
    show(this.root, line.events.length > 0);
    show(this.box, line.events.length > 1);
    if (line.events.length === 0) return;
    setText(this.newest, sentence(line.events[0], this.name));
    setText(this.count, `the last ${line.events.length}`);
    this.fill();
  }

  fill() {
    if (this.box.open) this.list.update(this.events);
  }
}

function eventRow(event, line) {
  const root = el("li", { "data-event": event.what }, sentence(event, line));
  return { root, update: () => setAttr(root, "data-t-ns", event.t_ns) };
}

function sentence(event, line) {
  const place = event.subject.startsWith(`${line}.`) ? event.subject.slice(line.length + 1) : event.subject;
  return `${format.dateTime(event.start_ns || event.t_ns)} ${format.words(place)}: ${event.detail || format.words(event.what)}`;
}
