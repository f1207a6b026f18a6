// The operator's page: one overview in, one screen out; a look five times a second for what ages.

import { Alarms } from "./alarms.js";
import { Counts } from "./counts.js";
import { KeyedList, setAttr, setText, show } from "./dom.js";
import { Empty } from "./empty.js";
import { Feed } from "./feed.js";
import * as format from "./format.js";
import { Devices, Problems } from "./health.js";
import { LineCard } from "./line-card.js";
import { DataClock, staleAfter } from "./time.js";

const at = (id) => document.getElementById(id);
const LINK_WORDS = { connecting: "connecting", live: "live", lost: "lost" };

class Page {
  constructor() {
    this.time = new DataClock();
    const age = (ns) => this.time.age(ns);
    this.alarms = new Alarms(at("alarms"), age, (text) => setText(at("announcer"), text));
    this.devices = new Devices(at("devices"), age);
    this.counts = new Counts(at("counts"), age);
    this.problems = new Problems(at("problems"));
    this.empty = new Empty(at("empty"));
    const key = (line) => `${line.site} ${line.agent} ${line.line}`;
    this.cards = new KeyedList(at("lines"), key, (line) => new LineCard(line));
    this.overview = null;
  }

  take(overview) {
    this.overview = overview;
    this.taken = performance.now();
    this.time.take(overview.now_ns, overview.speed);
    this.head(overview);
    this.cards.update(overview.lines);
    this.empty.update(overview);
    this.devices.update(overview.devices, overview.buses);
    this.counts.update(overview.agents, overview.reconciliation);
    this.problems.update(overview.problems);
    this.alarmed(this.alarms.update(overview.alarms));
    this.link("live");
    this.grow();
  }

  beat({ now_ns: ns }) {
    this.time.take(ns);
    setText(at("data-time"), format.dateTime(ns));
    this.link("live");
  }

  head(overview) {
    setText(at("title"), overview.title || "greenhearth");
    setText(at("data-time"), format.dateTime(overview.now_ns));
    show(at("speed"), overview.speed !== 1);
    setText(at("speed"), `× ${format.number(overview.speed, overview.speed % 1 ? 1 : 0)}`);
  }

  alarmed(active) {
    const waiting = active.filter((alarm) => alarm.state !== "ack").length;
    const noun = active.length === 1 ? "alarm" : "alarms";
    const text = active.length ? `${active.length} ${noun}, ${waiting} to acknowledge` : "no active alarms";
    setText(at("alarm-count"), text);
    setAttr(at("alarm-count"), "data-value", waiting);
    const name = this.overview.title || "greenhearth";
    document.title = waiting ? `(${waiting}) ${name}` : name;
  }

  link(state) {
    setAttr(document.body, "data-connection", state);
    setAttr(at("light"), "data-state", state);
    setText(at("light-word"), LINK_WORDS[state]);
    show(at("lost"), state === "lost");
  }

  lost() {
    this.link("lost");
    this.grow();
  }

  look(silence) {
    if (document.body.dataset.connection === "lost") this.banner(silence);
    this.grow();
  }

  banner(silence) {
    const last = this.time.ns ? `, last data time ${format.clock(this.time.ns)}` : "";
    setText(at("lost-since"), `for ${format.wholeAge(silence)}${last}`);
  }

  /** Let ages grow between messages, and mark what has become too old to be called live. */
  grow() {
    if (!this.overview) return;
    const passed = (performance.now() - this.taken) / 1000;
    const lost = document.body.dataset.connection === "lost";
    for (const line of this.overview.lines) {
      const age = line.age_s + passed;
      const stale = lost || line.stale || !line.t_ns || age > staleAfter(this.overview, line.agent);
      this.cards.parts.get(this.cards.keyOf(line)).grow(age, stale);
    }
    this.devices.grow((agent) => (lost ? 0 : staleAfter(this.overview, agent)));
    this.alarms.grow();
  }
}

const page = new Page();
new Feed({
  overview: (overview) => page.take(overview),
  beat: (beat) => page.beat(beat),
  lost: () => page.lost(),
  look: (silence) => page.look(silence),
}).start();
