// Small tools for nodes. Text from the plant only ever becomes a text node, never markup.

/** Create an element; attributes by name, `on...` as listeners, `class` as usual. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Write text only when it differs: unchanged nodes cost no layout and keep a selection. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttr(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Write a number for people (text) and for programs (`data-value`; empty where there is none). */
export function setValue(node, raw, text) {
  setAttr(node, "data-value", raw ?? "");
  setText(node, text);
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Place by script: a style attribute in markup would be refused by the page's policy. */
export function place(node, property, value) {
  if (node.style.getPropertyValue(property) !== value) node.style.setProperty(property, value);
}

/**
 * Keep one child per item, in order, and reuse it: focus, open details and charts survive.
 * `make(item)` returns `{root, update(item)}`.
 */
export class KeyedList {
  constructor(parent, keyOf, make) {
    this.parent = parent;
    this.keyOf = keyOf;
    this.make = make;
    this.parts = new Map();
  }

  update(items) {
    const wanted = new Set(items.map(this.keyOf));
    for (const [key, part] of this.parts) {
      if (!wanted.has(key)) this.drop(key, part);
    }
    items.forEach((item, place) => this.put(item, place));
  }

  put(item, index) {
    const key = this.keyOf(item);
    let part = this.parts.get(key);
    if (!part) {
      part = this.make(item);
      this.parts.set(key, part);
    }
    const there = this.parent.children[index];
    if (there !== part.root) this.parent.insertBefore(part.root, there ?? null);
    part.update(item);
  }

  drop(key, part) {
    part.root.remove();
    part.gone?.();
    this.parts.delete(key);
  }
}

/** A choice that the browser remembers; works without storage (private windows), only forgetful. */
export const memory = {
  get(key, otherwise) {
    try {
      return localStorage.getItem(`greenhearth.${key}`) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`greenhearth.${key}`, value);
    } catch {
      // refused by the browser: the choice lasts until the page is closed
    }
  },
};
