// Before the first data: say what is missing and what to look at, in the order to look.

import { el, setText, show } from "./dom.js";

const CHECKS = [
  "Is an agent running? On its machine: greenhearth agent run SITE.toml",
  "Do its meters answer? greenhearth agent read SITE.toml reads every point once and says which does not.",
  "Do the agent and this gateway use the same broker, address and port? Both name it when they start.",
  "Does the broker let both in? Its log tells who connected.",
];

export class Empty {
  constructor(root) {
    this.root = root;
    this.title = el("h2", { id: "empty-title" });
    const steps = CHECKS.map((text) => el("li", {}, text));
    root.append(this.title, el("p", {}, "What to check:"), el("ol", {}, ...steps));
    root.append(el("p", { class: "quiet" }, "This page fills by itself as soon as something arrives."));
  }

  update(overview) {
    const online = overview.agents.filter((agent) => agent.online).map((agent) => agent.agent);
    const waiting = "Waiting for the first data from an agent";
    const text = online.length ? `${waiting}: ${online.join(", ")} is online but has sent no readings yet` : waiting;
    setText(this.title, text);
    show(this.root, overview.lines.length === 0);
  }
}
