// The calls behind a number.
import { request } from "../common.js";
import { el } from "./board.js";

const $ = (id) => document.getElementById(id);
const OUTCOMES = { none: "", accepted: "已接收", returned: "退单", resolved: "已办结", reopened: "重办" };
let names = null;

async function tables() {
  if (names) return names;
  const { data } = await request("/v1/taxonomy");
  names = new Map([...(data?.categories ?? []), ...(data?.destinations ?? [])].map(({ code, name }) => [code, name]));
  return names;
}

export async function openCalls(title, filter) {
  const given = Object.entries(filter).filter(([, value]) => value);
  $("calls-title").textContent = title;
  $("calls-list").replaceChildren();
  $("calls-status").textContent = "正在查找…";
  $("calls").showModal();
  const [{ ok, data, message }, named] = await Promise.all([request(`/v1/calls?${new URLSearchParams([...given, ["limit", 100]])}`), tables()]);
  if (!ok) { $("calls-status").textContent = message; return; }
  $("calls-status").textContent = data.calls.length ? (data.next ? "最近 100 起" : "") : "没有来电";
  const head = el("tr");
  head.append(...["时间", "镇街", "建议", "最终", "去向", "反馈", ""].map((text) => el("th", text, { scope: "col" })));
  $("calls-list").replaceChildren(head, ...data.calls.map((call) => line(call, named)));
}

function line(call, named) {
  const row = el("tr", "", { className: "call" });
  const name = (code) => named.get(code) ?? code;
  const at = new Date(call.started_at).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" });
  const changed = call.final.category !== call.suggested.category;
  const look = el("button", "看", { type: "button" });
  look.addEventListener("click", () => unfold(row, call.call_id, look));
  const last = el("td");
  last.append(look);
  row.append(el("td", at), el("td", call.town ?? call.district ?? "—"), el("td", name(call.suggested.category)), el("td", name(call.final.category), { className: changed ? "changed" : "" }),
    el("td", name(call.final.destination).split("（")[0]), el("td", OUTCOMES[call.outcome] ?? call.outcome), last);
  return row;
}

/** What was said. Reading it stands in the audit trail. */
async function unfold(row, id, look) {
  if (row.nextSibling?.className === "said") { row.nextSibling.remove(); return; }
  look.disabled = true;
  const { ok, data, message } = await request(`/v1/calls/${encodeURIComponent(id)}`);
  look.disabled = false;
  const said = el("tr", "", { className: "said" }), cell = el("td", "", { colSpan: 7 });
  if (!ok || !data.turns) cell.append(el("p", ok ? "通话文本已到期清除" : message));
  else for (const turn of data.turns) cell.append(el("p", `${turn.speaker === "operator" ? "坐席" : "来电"}：${turn.text}`, { className: turn.speaker }));
  said.append(cell);
  row.after(said);
}
