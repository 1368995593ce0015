// What lies over the desk: the finder, the reason for lowering a danger, the samples, the key overview.

import { $, element, setText } from "./dom.js";
import { KEYS } from "./keys.js";
import { kindOf, nameOf } from "./routing.js";
import { find } from "./words.js";

const KINDS = { category: "类别", destination: "去向", urgency: "紧急" };
export const PRESETS = ["危险已解除，现场核实", "听错或误报，已与来电人核实", "旧事重提，现在没有危险", "已由其他单位在处置"];
const SPEEDS = [1, 2, 4, 8];

// A key that closes a dialog must not act on the desk below as well.
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("keydown", (event) => event.stopPropagation());

export function isOpen() { return Boolean(document.querySelector("dialog[open]")); }

/** A list moved through with the arrow keys. */
function chooser(list, onPick) {
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

function arrows(event, list) {
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

/** Asks why a danger is lowered: `open(words, onReason)`. A reason is a must. */
export function makeReason() {
  let done = () => {};
  const finish = (reason) => {
    if (!reason.trim()) {
      setText($("reason-problem"), "不写理由不能降低危险等级。");
      return;
    }
    $("why-lower").close();
    done(reason.trim());
  };
  $("presets").replaceChildren(...PRESETS.map((text, n) => element("li", {}, element("button", { type: "button", "data-preset": String(n), text }))));
  $("presets").addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset]");
    if (preset) finish(PRESETS[Number(preset.dataset.preset)]);
  });
  $("reason").addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const preset = PRESETS[Number(event.key) - 1];
    if (preset && !$("reason").value) finish(preset);
    else if (event.key === "Enter") finish($("reason").value);
    else return;
    event.preventDefault();
  });
  return {
    open(words, onReason) {
      done = onReason;
      setText($("lowered"), words);
      setText($("reason-problem"), "");
      $("reason").value = "";
      $("why-lower").showModal();
      $("reason").focus();
    },
  };
}

/** The samples to play: `open()`; `onPlay(samples, speed)`. */
export function makeSamples(samples, speed, onSpeed, onPlay) {
  const play = (chosen) => {
    $("samples").close();
    onPlay(chosen);
  };
  const list = chooser($("sample-list"), (sample) => play([sample]));
  $("samples").addEventListener("keydown", (event) => {
    if (arrows(event, list)) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) onSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed()) + step))] ?? 1);
    else if (event.key.toLowerCase() === "a") play([0, 1, 2].map((n) => samples[(list.at() + n) % samples.length]));
    setText($("sample-speed"), `${speed()}×`);
  });
  return {
    open() {
      list.show(samples, samples.map(({ title, channel }) => element("li", { role: "option" }, element("b", { text: title }), element("span", { text: channel }))));
      setText($("sample-speed"), `${speed()}×`);
      $("samples").showModal();
      $("samples").focus();
    },
  };
}

export function fillHelp() {
  $("key-table").replaceChildren(...KEYS.map(({ shown, does }) =>
    element("tr", {}, element("th", {}, ...shown.split(" ").map((name) => element("kbd", { text: name }))), element("td", { text: does }))));
  $("help").addEventListener("keydown", (event) => {
    if (["?", "？", "F1", "Enter"].includes(event.key)) {
      event.preventDefault();
      $("help").close();
    }
  });
}
