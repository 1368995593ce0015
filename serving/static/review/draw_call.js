// The middle: what was said, with its marks, and where the call stands in the loop.

import { $, element, redraw, setText } from "../common/dom.js";
import { pieces, spansOf } from "../common/spans.js";
import { clock } from "./words.js";

const SPEAKERS = { caller: "来电", operator: "坐席" };
const TITLES = { evidence: "依据", flag: "危险信号" };

export function drawCall(call, cities) {
  const place = [cities[call.city] ?? call.city, call.district, call.town].filter(Boolean).join(" ");
  setText($("call-title"), `${clock(call.started_at)} · ${call.channel}`);
  setText($("call-line"), place + (call.again ? " · 重复来电" : ""));
  $("call-line").title = `${place} · ${call.call_id}`;
  redraw($("loop"), call.loop, () => $("loop").replaceChildren(...call.loop.map(step)));
  redraw($("transcript"), [call.call_id, call.turns, call.suggestion], () => {
    $("transcript").replaceChildren(...(call.turns ?? []).map((turn, number) => line(turn, number, call.suggestion)));
    if (!call.turns) $("transcript").append(element("li", { className: "gone", text: "转写已按保存期限清除，只剩标注。" }));
    $("transcript").scrollTop = 0;
  });
}

function step({ name, at, due_at, late }) {
  const when = at ? clock(at) : late ? "已超时" : due_at ? `限 ${clock(due_at)}` : "—";
  return element("li", { title: due_at ? `期限 ${clock(due_at)}` : null, className: at ? "done" : late ? "late" : "open" }, element("b", { text: name }), element("span", { className: "number", text: when }));
}

function line(turn, number, suggestion) {
  const words = element("p");
  const marks = suggestion?.evidence ? spansOf(turn, number, suggestion) : [];
  for (const { text, kinds } of pieces(turn.text, marks)) {
    words.append(kinds.length ? element("mark", { text, className: kinds.join(" "), title: kinds.map((kind) => TITLES[kind]).join("、") }) : text);
  }
  return element("li", { className: turn.speaker }, element("b", { text: SPEAKERS[turn.speaker] ?? "" }), words);
}
