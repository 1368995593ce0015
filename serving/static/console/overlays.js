// What lies over the desk: the reason for lowering a danger, the samples, the key overview.

import { $, element, setText } from "../common/dom.js";
import { arrows, chooser } from "../common/finder.js";
import { KEYS } from "./keys.js";

export const PRESETS = ["危险已解除，现场核实", "听错或误报，已与来电人核实", "旧事重提，现在没有危险", "已由其他单位在处置"];
const SPEEDS = [1, 2, 4, 8];

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
