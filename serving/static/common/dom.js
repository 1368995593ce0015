// Small helpers that touch the page only where something changed, so that nothing flickers or jumps.

export const $ = (id) => document.getElementById(id);

/** A new element; `text` is always text. */
export function element(tag, { text, ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "className") made.className = value;
    else if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export function setText(node, text) { if (node.textContent !== text) node.textContent = text; }
export function setHidden(node, hidden) { if (node.hidden !== hidden) node.hidden = hidden; }
export function setData(node, name, value) { if (node.dataset[name] !== value) node.dataset[name] = value; }

const drawn = new WeakMap();

/** Calls `draw` only when `values` differ from the last time for this node. */
export function redraw(node, values, draw) {
  const signature = JSON.stringify(values);
  if (drawn.get(node) === signature) return;
  drawn.set(node, signature);
  draw();
}

/** Nothing is ever quite certain. */
export const percent = (probability) => (probability >= 0.995 ? "99%+" : `${Math.round(probability * 100)}%`);
