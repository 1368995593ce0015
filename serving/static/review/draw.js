// Draws the whole page from what is known. Only what changed is touched.

import { $, element, redraw, setData, setHidden, setText } from "../common/dom.js";
import { nameOf } from "../common/tables.js";
import { drawCall } from "./draw_call.js";
import { drawJudged } from "./draw_judged.js";
import { verdictOn } from "./opinions.js";
import { FILTERS, QUEUES } from "./words.js";

const LABEL_NAMES = { category: "类别", urgency: "紧急", destination: "去向" };

export function draw(state, held, box, tables, page) {
  setHidden($("login"), state.keyed);
  setHidden($("desk"), !state.keyed || !tables);
  drawHeader(state, box);
  setText($("toast"), state.toast);
  if (!tables || !state.keyed) return;
  drawQueues(state, held, tables);
  const call = held.at;
  for (const id of ["said", "judged"]) setHidden($(id), !call);
  setHidden($("none"), Boolean(call));
  if (!call) return drawNone(state, held, box);
  drawCall(call, page.cityNames);
  drawJudged(call, { ...state, verdict: verdictOn(call, box.log())?.words ?? "" }, tables, page);
}

function drawHeader(state, box) {
  setText($("me"), state.me ? state.me.name || state.me.id : "");
  const minutes = state.paces.length > 1 ? (state.paces.at(-1) - state.paces[0]) / 60_000 : 0;
  const pace = minutes > 0.2 ? `，每件 ${Math.round((minutes * 60) / (state.paces.length - 1))} 秒` : "";
  setText($("pace"), state.done ? `本次 ${state.done} 件${pace}` : "");
  const waiting = box.waiting().length;
  const refused = box.refused().length;
  setData($("outbox"), "state", refused ? "refused" : state.problem ? "away" : waiting ? "waiting" : "none");
  setText($("outbox"), refused ? `${refused} 条未被接受` : waiting ? `${waiting} 条待送` : "全部已送");
  const words = banner(state, box, waiting, refused);
  setHidden($("banner"), !words);
  setText($("banner"), words);
}

function banner(state, box, waiting, refused) {
  if (state.problem?.status === 401) return `登录已失效，${waiting} 条结论留在本机，重新登录后自动送出。`;
  if (state.problem) return `连不上服务，${waiting} 条结论留在本机，恢复后自动送出；可以继续看已取到的来电。`;
  if (refused) return `${refused} 条结论没有被接受：${box.refused().at(-1).message}。按 L 查看。`;
  return state.others ? `本机还有另一位复核员的 ${state.others} 条结论没有送出，请他登录后送出。` : "";
}

function drawQueues(state, held, tables) {
  const rows = QUEUES.filter(([name]) => name !== "adjudication" || state.reviewers > 1 || state.counts.adjudication);
  redraw($("queue-list"), [rows.length, state.counts, state.queue], () => $("queue-list").replaceChildren(...rows.map(([name, title, why]) =>
    element("li", {}, element("button", { type: "button", "data-queue": name, title: why, "aria-current": name === state.queue ? "true" : null },
      element("span", { text: title }), element("b", { className: "number", text: String(state.counts[name] ?? "") }))))));
  const chips = Object.entries(state.filter);
  setHidden($("filtered"), !chips.length);
  redraw($("chips"), [chips, held.total], () => $("chips").replaceChildren(
    ...chips.map(([name, value]) => element("li", {}, element("i", { text: FILTERS[name] }), nameOf(value, tables))), element("li", { className: "total", text: `共 ${held.total} 件` })));
  setHidden($("agreement"), state.reviewers < 2 || !state.agreement);
  if (state.agreement) redraw($("kappa"), state.agreement, () => $("kappa").replaceChildren(...kappas(state.agreement)));
}

function kappas(agreement) {
  const rows = Object.entries(LABEL_NAMES).flatMap(([label, name]) => {
    const { equal, kappa } = agreement[label];
    const words = kappa === null ? "—" : kappa.toFixed(2);
    return [element("dt", { text: name }), element("dd", { className: "number", text: words, title: equal === null ? "" : `一致 ${Math.round(equal * 100)}%` })];
  });
  return [...rows, element("dt", { text: "对数" }), element("dd", { className: "number", text: String(agreement.pairs) })];
}

function drawNone(state, held, box) {
  const next = nextQueue(state);
  const title = held.failed ? "取不到来电" : held.loaded ? (held.cursor ? "正在取后面的来电…" : "这个队列审完了") : "正在取来电…";
  setText($("none-title"), title);
  const waiting = box.waiting().length;
  setText($("none-words"), held.failed || (waiting ? `${waiting} 条结论正在送出` : state.queue === "drift" && state.drifting.length === 0 ? "最近七天没有明显变多的类别" : ""));
  setHidden($("onward"), !held.failed && (!held.loaded || Boolean(held.cursor) || !next));
  redraw($("onward"), [held.failed, next], () => $("onward").replaceChildren(element("kbd", { text: "Enter" }), held.failed ? "再试一次" : `去“${next?.[1]}”（${state.counts[next?.[0]]} 件）`));
}

/** The first other queue in which calls wait. */
export function nextQueue(state) { return QUEUES.find(([name]) => name !== state.queue && state.counts[name] > 0); }
