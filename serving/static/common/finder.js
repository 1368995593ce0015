// Search as you type over every code, in a dialog with the ids `finder`, `find` and `candidates`.

import { $, element } from "./dom.js";
import { kindOf, nameOf } from "./tables.js";
import { find } from "./words.js";

const KINDS = { category: "类别", destination: "去向", urgency: "紧急" };

/** A list moved through with the arrow keys. */
export function chooser(list, onPick) {
  let rows = [];
  let at = 0;
  const mark = () => {
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  list.addEventListener("click", (event) => {
    const n = [...list.children].indexOf(event.target.closest("li"));
    if (n >= 0) onPick(rows[n]);
  });
  return {
    show(items, drawn) {
      rows = items;
      at = 0;
      list.replaceChildren(...drawn);
      mark();
    },
    move(step) {
      at = rows.length ? (at + step + rows.length) % rows.length : 0;
      mark();
    },
    pick() { if (rows.length) onPick(rows[at]); },
    at: () => at,
  };
}

/** Moves through `list` by the keyboard; whether the key was one of its. */
export function arrows(event, list) {
  if (event.isComposing) return true;
  if (event.key === "ArrowDown") list.move(1);
  else if (event.key === "ArrowUp") list.move(-1);
  else if (event.key === "Enter") list.pick();
  else return false;
  event.preventDefault();
  return true;
}

/** The finder: `open(likely, onPick)`; every letter typed narrows the candidates. */
export function makeFinder(terms, tables) {
  let pick = () => {};
  let likely = [];
  const list = chooser($("candidates"), (row) => {
    $("finder").close();
    pick(row.code);
  });
  const narrow = () => {
    const rows = find($("find").value, terms, likely);
    list.show(rows, rows.map(({ code, term }, n) => element("li", { role: "option", id: `candidate-${n}`, "data-code": code },
      element("i", { text: KINDS[kindOf(code, tables())] }), element("b", { text: nameOf(code, tables()) }), element("span", { text: term }))));
  };
  $("find").addEventListener("input", narrow);
  $("find").addEventListener("keydown", (event) => arrows(event, list));
  return {
    open(codes, onPick) {
      likely = codes;
      pick = onPick;
      $("find").value = "";
      narrow();
      $("finder").showModal();
      $("find").focus();
    },
  };
}
