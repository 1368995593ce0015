// The left side: what was said, with the words marked that speak for the suggestion, and the hand-over note.

import { $, element, redraw, setData, setHidden, setText } from "../common/dom.js";
import { draftNote } from "./note.js";
import { pieces, spansOf } from "../common/spans.js";

const SPEAKERS = { caller: "来电", operator: "坐席" };
const TITLES = { evidence: "依据", fact: "要点", flag: "危险信号" };

function line(turn, number, call) {
  const item = element("li", { className: `${turn.speaker}${turn.partial ? " partial" : ""}` });
  const words = element("p");
  for (const { text, kinds } of pieces(turn.text, spansOf(turn, number, call.suggestion, call.facts))) {
    words.append(kinds.length ? element("mark", { text, className: kinds.join(" "), title: kinds.map((kind) => TITLES[kind]).join("、") }) : text);
  }
  item.append(element("b", { text: SPEAKERS[turn.speaker] }), words);
  return item;
}

/** Draws only the turns that changed; stays at the end unless the operator scrolled up to read. */
export function drawTranscript(call) {
  const list = $("transcript");
  const other = list.dataset.call !== call.id;
  if (other) list.replaceChildren();
  setData(list, "call", call.id);
  const atEnd = other || list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  call.turns.forEach((turn, number) => {
    const spans = spansOf(turn, number, call.suggestion, call.facts);
    const holder = list.children[number] ?? list.appendChild(element("li"));
    redraw(holder, [turn, spans], () => {
      const made = line(turn, number, call);
      holder.className = made.className;
      holder.replaceChildren(...made.childNodes);
    });
  });
  while (list.children.length > call.turns.length) list.lastChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

export function drawLeft(call, way, tables, cities) {
  setText($("call-title"), call.title || (call.source === "typed" ? "手工录入" : "来电"));
  setText($("call-line"), `${cities[call.city] ?? call.city} · ${call.channel}${call.ended ? " · 已挂断" : ""}`);
  drawTranscript(call);
  setHidden($("typing"), call.source !== "typed" || Boolean(call.ended));
  drawNote(call, way);
}

function drawNote(call, way) {
  const field = $("note");
  const text = call.note ?? draftNote(call, way);
  if (document.activeElement !== field || field.readOnly) {
    if (field.value !== text) field.value = text;
  }
  setText($("note-state"), call.note === null ? "自动，随来电更新" : "已人工修改");
}

/** Minutes and seconds since the call came in. */
export function drawClock(call, now) {
  const seconds = Math.max(0, Math.floor(((call.ended ?? now) - call.begun) / 1000));
  setText($("clock"), `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`);
}
