// The right side: what it is, where it goes, what to do now, what to ask, what is known, and why.

import { $, element, percent, redraw, setData, setHidden, setText } from "../common/dom.js";
import { factName, factsByField, placeName } from "./note.js";
import { lowersDanger, topThree } from "./routing.js";
import { inDanger } from "./state.js";

export const POLICE = { police: "警务", non_police: "非警务", invalid: "无效" };
export const ACTIONS = { dispatch: "派警", transfer: "一键转接", three_way: "三方通话", work_order: "工单流转", answer: "话务引导", call_back: "回拨" };
const POLICE_UNITS = ["police_station", "traffic_police"];
const ASK = [["Y", "同意"], ["N", "不同意"]];
const STATES = { sending: "正在送出…", waiting: "暂时送不出去，正在自动重试", sent: "已送出", refused: "没有送出" };

/** What is done with the call: police are sent, others are called out. */
function actionName({ action, destination }) {
  return action === "dispatch" && !POLICE_UNITS.includes(destination) ? "派单出动" : ACTIONS[action];
}

export function drawSuggestion(call, way, tables) {
  drawVerdict(call, way, tables);
  const step = stepOf(call, way, tables);
  setData($("step"), "kind", step.kind);
  redraw($("step"), step, () => $("step").replaceChildren(...drawStep(step)));
  drawChecklist(call);
  drawFacts(call);
  drawReasons(call, way);
}

function drawVerdict(call, way, tables) {
  const s = call.suggestion;
  const verdict = $("verdict");
  setData(verdict, "level", way ? way.urgency : "none");
  setData(verdict, "sure", !s || way?.chosen || (s.confident && s.settled !== false) ? "yes" : "no");
  setData(verdict, "chosen", way?.chosen ? "yes" : "no");
  setData($("police"), "label", way?.label ?? "none");
  setText($("police"), way ? POLICE[way.label] : "听取中");
  setText($("police-p"), way && s && !way.chosen ? percent(s.police.probability) : "");
  setText($("category"), way ? way.categoryName : "还没有听到内容");
  setText($("category-p"), way && s && !way.chosen ? percent(s.category.probability) : way?.chosen ? "人工改派" : "");
  setText($("urgency"), way ? tables.urgencies[way.urgency] : "");
  setText($("destination"), way ? (way.unit ?? way.destinationName) : "—");
  setText($("platform"), platform(s, way));
  setText($("action"), way ? actionName(way) : "");
  setText($("linked"), way?.linked.length ? `同时通知　${way.linked.map((party) => party.name).join("、")}` : "");
}

function platform(s, way) {
  if (!way) return "";
  if (way.unit) return way.destinationName;
  if (way.stays) return "来电人不同意转出，留在本席";
  return !way.chosen && s?.destination.responsible ? `责任：${s.destination.responsible}` : "";
}

/** What the operator should do now, as data: decided, danger, choose, consent, accept, or listen. */
export function stepOf(call, way, tables) {
  const s = call.suggestion;
  const lateDanger = call.decision?.state === "sent" && inDanger(call) && !call.decision.known;
  if (call.decision && !lateDanger) {
    const keys = call.decision.state === "refused" ? [["Enter", "再送一次"]] : null;
    return { kind: call.decision.state, title: STATES[call.decision.state], words: decidedWords(call), keys };
  }
  if (lateDanger) return { kind: "danger", title: "决定之后出现危险", words: "请立即电话追加派警", flags: flagsOf(s) };
  if (!way) return { kind: "none", title: "请听", words: "说到一半就会给出建议" };
  const to = way.unit ?? way.destinationName;
  if (way.urgency === "emergency" || (inDanger(call) && !way.chosen)) {
    return { kind: "danger", title: `立即${actionName(way)}`, words: "紧急危险：先派再问，不用征询", flags: flagsOf(s), keys: [["Enter", `${actionName(way)} ${to}`]] };
  }
  const ask = way.consent.required && call.consent === "not_asked";
  if (lowersDanger(s, way)) {
    return { kind: "lower", title: "系统判断为危险，您改低了", flags: flagsOf(s), words: ask ? way.consent.script : "送出时要写理由；按 U 回到系统建议。",
      keys: ask ? ASK : [["Enter", `改派 ${to}`]] };
  }
  if (s && !s.confident && !way.chosen) {
    return { kind: "choose", title: s.settled === false ? "还在听，说得还不够" : "把握不足，请追问后选", options: topThree(call, tables) };
  }
  if (way.consent.required) {
    const keys = ask ? ASK : [["Enter", call.consent === "given" ? `已同意，转 ${to}` : `不同意，留在本席（${to}）`]];
    return { kind: `consent-${call.consent}`, title: "征询来电人", words: way.consent.script, keys };
  }
  return { kind: "accept", title: "不需征询", soft: alternatives(s, way), keys: [["Enter", `${way.chosen ? "改派" : "采纳"}：${actionName(way)} ${to}`]] };
}

function alternatives(s, way) {
  if (!s || way.chosen) return "";
  return `其次：${s.category.alternatives.map(({ name, probability }) => `${name} ${percent(probability)}`).join("　")}　按 G 改派`;
}

function flagsOf(s) { return (s?.red_flags ?? []).map(({ text }) => text); }

function decidedWords(call) {
  const { to, message } = call.decision;
  return [`→ ${to}`, message].filter(Boolean).join("　");
}

function drawStep(step) {
  const head = element("p", { className: "title" }, element("b", { text: step.title }));
  if (step.keys) {
    head.append(element("span", { className: "keys" }, ...step.keys.map(([name, does]) =>
      element("button", { type: "button", className: name === "N" ? "do other" : "do", "data-action": { Y: "agree", N: "refuse", Enter: "accept" }[name] },
        element("kbd", { text: name }), does))));
  }
  const nodes = [head];
  if (step.flags?.length) nodes.push(element("p", { className: "flags" }, "听到", ...step.flags.map((words) => element("em", { text: `“${words}”` }))));
  if (step.words) nodes.push(element("p", { className: "words", text: step.words }));
  if (step.soft) nodes.push(element("p", { className: "soft", text: step.soft }));
  if (step.options) {
    nodes.push(element("ol", { className: "options" }, ...step.options.map((option, n) => element("li", {},
      element("button", { type: "button", "data-action": "choose", "data-number": String(n + 1) },
        element("kbd", { text: String(n + 1) }), element("b", { text: option.name }),
        element("span", { text: `➜ ${option.to}` }), element("i", { className: "number", text: percent(option.probability) }))))));
  }
  return nodes;
}

function drawChecklist(call) {
  const list = $("checklist");
  const rows = call.checklist.slice().sort((a, b) => a.answered - b.answered);
  redraw(list, rows, () => list.replaceChildren(...(rows.length ? rows.map(({ prompt, answered }) =>
    element("li", { className: answered ? "answered" : "open" }, element("span", { text: answered ? "✓" : "○", "aria-hidden": "true" }), element("span", { text: prompt })))
    : [element("li", { className: "none", text: "—" })])));
}

function drawFacts(call) {
  const list = $("facts");
  const rows = [...factsByField(call.facts)];
  const place = call.suggestion?.location;
  if (place && !rows.some(([field]) => field === "place")) rows.unshift(["place", [placeName(place)]]);
  redraw(list, rows, () => list.replaceChildren(...(rows.length ? rows.flatMap(([field, words]) =>
    [element("dt", { text: factName(field) }), element("dd", { text: words.join("、") })]) : [element("dt", { text: "—" })])));
}

function drawReasons(call, way) {
  const list = $("reasons");
  const s = call.suggestion;
  const reasons = s ? [...s.reasons] : [];
  if (way?.chosen && s) reasons.unshift(`系统建议是：${POLICE[s.police.label]}·${s.category.name} → ${s.destination.unit ?? s.destination.name}（U 撤销改派）`);
  redraw(list, reasons, () => list.replaceChildren(...reasons.map((text) => element("li", { text, title: text }))));
  setHidden($("related"), !call.related.length);
  redraw($("related"), call.related, () => $("related").replaceChildren(element("b", { text: "相关来电 " }),
    ...call.related.map(({ minutes_ago, why }) => element("span", { text: `${ago(minutes_ago)}：${why}` }))));
}

export function ago(minutes) {
  if (minutes < 60) return `${Math.round(minutes)} 分钟前`;
  return minutes < 1440 ? `${Math.round(minutes / 60)} 小时前` : `${Math.round(minutes / 1440)} 天前`;
}
