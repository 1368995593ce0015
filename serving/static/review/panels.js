// What lies over the desk: note, filter, bulk, similar calls, one's own verdicts, the key overview.

import { $, element, percent, setText } from "../common/dom.js";
import { arrows, chooser } from "../common/finder.js";
import { nameOf } from "../common/tables.js";
import { KEYS } from "./keys.js";
import { clock } from "./words.js";

const STATES = { waiting: "待送", sent: "已送", refused: "未被接受" };

/** The note that goes with the next verdict: `open(text, onDone)`. */
export function makeNote() {
  let done = () => {};
  $("note-words").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    $("note").close();
    done($("note-words").value.trim());
  });
  return {
    open(text, onDone) {
      done = onDone;
      $("note-words").value = text;
      $("note").showModal();
      $("note-words").focus();
    },
  };
}

/** The filter: `open(filter, onFilter)`; fields left empty do not filter. */
export function makeFilter(tables) {
  const form = $("filter-form");
  let done = () => {};
  let filled = false;
  const options = (rows) => [element("option", { value: "", text: "不限" }), ...rows];
  const option = (code) => element("option", { value: code, text: nameOf(code, tables()) });
  function fill() {
    const groups = new Map();
    for (const { code, group_name: group } of Object.values(tables().categories)) groups.set(group, [...(groups.get(group) ?? []), code]);
    for (const name of ["category", "suggested_category"]) {
      form.elements[name].replaceChildren(...options([...groups].map(([label, codes]) => element("optgroup", { label }, ...codes.map(option)))));
    }
    form.elements.urgency.replaceChildren(...options(Object.keys(tables().urgencies).map(option)));
    form.elements.destination.replaceChildren(...options(Object.keys(tables().destinations).map(option)));
    filled = true;
  }
  form.addEventListener("submit", () => done(Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()).map(([name, value]) => [name, value.trim()]))));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.matches("button")) return;
    event.preventDefault();
    form.requestSubmit();
  });
  return {
    open(filter, onFilter) {
      if (!filled) fill();
      done = onFilter;
      for (const field of form.elements) if (field.name) field.value = filter[field.name] ?? "";
      $("filter").showModal();
      form.elements.suggested_category.focus();
    },
  };
}

/** One verdict on many calls: `open({title, choices}, onChoice)`. A digit chooses, Enter does it. */
export function makeBulk() {
  let choices = [];
  let chosen = -1;
  let done = () => {};
  function choose(number) {
    if (!choices[number]) return;
    chosen = number;
    [...$("bulk-choices").children].forEach((item, n) => item.firstChild.setAttribute("aria-pressed", String(n === chosen)));
    setText($("bulk-problem"), choices[number].sure);
  }
  function go() {
    if (chosen < 0) return;
    $("bulk").close();
    done(choices[chosen]);
  }
  $("bulk").addEventListener("keydown", (event) => {
    if (/^[1-9]$/.test(event.key)) choose(Number(event.key) - 1);
    else if (event.key === "Enter") go();
    else return;
    event.preventDefault();
  });
  $("bulk-choices").addEventListener("click", (event) => {
    const n = [...$("bulk-choices").children].indexOf(event.target.closest("li"));
    if (n === chosen) go();
    else choose(n);
  });
  return {
    open({ title, choices: offered }, onChoice) {
      choices = offered;
      chosen = -1;
      done = onChoice;
      setText($("bulk-title"), title);
      setText($("bulk-problem"), "");
      $("bulk-choices").replaceChildren(...offered.map(({ words }, n) => element("li", {}, element("button", { type: "button" }, element("kbd", { text: String(n + 1) }), words))));
      $("bulk").showModal();
      $("bulk").focus();
    },
  };
}

/** A dialog with a list to pick from: `show(items, draw, onPick)`, `open()`. */
function makeList(dialog, list) {
  let pick = () => {};
  const rows = chooser(list, (row) => {
    dialog.close();
    pick(row);
  });
  dialog.addEventListener("keydown", (event) => arrows(event, rows));
  return {
    show(items, draw, onPick) {
      pick = onPick;
      rows.show(items, items.map((item) => element("li", { role: "option" }, ...draw(item))));
    },
    open() {
      if (!dialog.open) dialog.showModal();
      list.tabIndex = -1;
      list.focus();
    },
  };
}

/** Calls whose words are like this one's: `open(ask, onPick)`; `ask()` gets `{ok, data, message}`. */
export function makeSimilar(tables) {
  const list = makeList($("similar"), $("similar-list"));
  return {
    async open(ask, onPick) {
      setText($("similar-state"), "正在找…");
      list.show([], () => [], onPick);
      list.open();
      const answer = await ask();
      const found = answer.ok ? answer.data.calls : [];
      setText($("similar-state"), answer.ok ? (found.length ? `${found.length} 件，最像的在前` : "没有相似的来电") : answer.message);
      list.show(found, (call) => [
        element("i", { className: "number", text: percent(call.likeness) }),
        element("b", { text: `${nameOf(call.final.category, tables())} · ${nameOf(call.final.urgency, tables())} · ${nameOf(call.final.destination, tables())}` }),
        element("span", { text: `${clock(call.started_at)}${call.review === "done" ? " 已复核" : ""}　${call.words}` })], onPick);
    },
  };
}

/** What this reviewer said, and whether it has arrived: `open(items, onPick)`. */
export function makeMine() {
  const list = makeList($("mine"), $("mine-list"));
  return {
    open(items, onPick) {
      list.show(items.slice(0, 60), (item) => [
        element("i", { className: item.state, text: item.undone ? "已撤销" : STATES[item.state] }),
        element("b", { text: item.words }),
        element("span", { text: [clock(item.at), item.message].filter(Boolean).join("　") })], onPick);
      list.open();
    },
  };
}

export function fillHelp() {
  $("key-table").replaceChildren(...KEYS.map(({ shown, does }) =>
    element("tr", {}, element("th", {}, ...shown.split(" ").map((name) => element("kbd", { text: name }))), element("td", { text: does }))));
  $("help").addEventListener("keydown", (event) => {
    if (!["?", "？", "F1", "Enter"].includes(event.key)) return;
    event.preventDefault();
    $("help").close();
  });
}
