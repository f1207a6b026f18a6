// Where a line stands on scales of published levels: the level reached, the scale, and how far the next is.

import { el, KeyedList, setAttr, setText } from "./dom.js";
import * as format from "./format.js";

export class Grades {
  constructor(field) {
    this.root = el("ul", { class: "grades", "data-field": field });
    this.list = new KeyedList(this.root, (grade) => grade.ladder, gradeRow);
  }

  /** Scales that do not apply are left out: their figures stand with the reason among those not comparable. */
  update(grades) {
    this.list.update(grades.filter((grade) => !grade.why));
  }
}

function gradeRow() {
  const parts = {
    title: el("span", { class: "bench-title" }),
    reached: el("b", { class: "badge", "data-field": "reached" }),
    steps: el("ol", { class: "steps", "aria-label": "limits of the scale" }),
    next: el("span", { class: "quiet" }),
  };
  const root = el("li", {}, parts.title, parts.reached, parts.steps, parts.next);
  parts.list = new KeyedList(parts.steps, (step) => step.level, () => stepChip());
  return { root, update: (grade) => drawGrade(grade, root, parts) };
}

function drawGrade(grade, root, parts) {
  const isBelow = grade.level === "none";
  setAttr(root, "data-ladder", grade.ladder);
  setText(parts.title, grade.title);
  setAttr(parts.title, "title", [grade.clause, grade.source, grade.note].filter(Boolean).join(" · "));
  setText(parts.reached, grade.reached);
  setAttr(parts.reached, "data-verdict", isBelow ? "misses" : grade.gap === null ? "best" : "reached");
  const sign = grade.steps[0]?.value > grade.steps.at(-1)?.value ? "≥" : "≤";
  const unit = format.unit(grade.unit);
  parts.list.update(grade.steps.map((step) => ({ ...step, sign, unit, on: step.level === grade.level })));
  setText(parts.next, nextText(grade));
}

function stepChip() {
  const root = el("li");
  const update = (step) => {
    setText(root, `${step.level} ${step.sign} ${format.plain(step.value)}`);
    setAttr(root, "title", `${step.level}: ${step.sign} ${format.plain(step.value)} ${step.unit}`);
    if (step.on) root.setAttribute("aria-current", "true");
    else root.removeAttribute("aria-current");
  };
  return { root, update };
}

/** How far the next better level is, in the unit and in percent, and what the uncertainty leaves open. */
export function nextText(grade) {
  const doubt = grade.could_be.length ? `within uncertainty also ${grade.could_be.join(", ")}` : "";
  if (grade.gap === null) return ["best level of this scale", doubt].filter(Boolean).join(" · ");
  const gap = `${format.signed(grade.gap)} ${format.unit(grade.unit)} (${format.percent(grade.gap_percent, 1)})`;
  return [`next: ${grade.next_level}, ${gap}`, doubt].filter(Boolean).join(" · ");
}
