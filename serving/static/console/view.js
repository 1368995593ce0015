// Draws the whole page from the state: header, tabs, banner, the call in front.

import { $, element, redraw, setData, setHidden, setText } from "../common/dom.js";
import { effective } from "./routing.js";
import { inDanger, isDecided } from "./state.js";
import { drawLeft } from "./view_transcript.js";
import { drawSuggestion } from "./view_suggestion.js";

const LINKS = { none: "", connecting: "正在连接", open: "已连接", lost: "连接中断，正在重连", away: "服务没有应答", refused: "连接被拒绝" };
const BANNERS = {
  lost: "连接中断：已听到的内容都在，正在自动重连……",
  away: "服务没有应答，请按人工流程处理：问清地点、有没有人受伤、对方在不在；危险先派警。按 G 可人工选去向，恢复后自动送出。",
};

export function draw(state, tables, cities) {
  const call = state.calls.find(({ id }) => id === state.active);
  setHidden($("idle"), Boolean(call));
  setHidden($("desk"), !call);
  drawTabs(state, tables);
  drawHeader(state, call);
  if (!call || !tables) return;
  const way = effective(call, tables);
  drawLeft(call, way, tables, cities);
  drawSuggestion(call, way, tables);
  setText($("toast"), state.toast);
}

/** What a tab shows: danger before everything else, then what became of the call. */
export function tabOf(call) {
  if (inDanger(call) && !isDecided(call)) return { kind: "danger", mark: "⚠", name: "危险" };
  if (call.decision?.state === "sent") return { kind: "done", mark: "✓", name: "已送出" };
  if (["sending", "waiting"].includes(call.decision?.state)) return { kind: "waiting", mark: "…", name: "待送出" };
  if (call.ended) return { kind: "ended", mark: "!", name: "已挂断，还没有决定" };
  return { kind: "live", mark: "●", name: "通话中" };
}

function drawTabs(state) {
  const rows = state.calls.map((call, n) => {
    const { kind, mark, name } = tabOf(call);
    return { id: call.id, number: n + 1, kind, mark, name, title: call.suggestion?.category.name ?? "听取中", active: call.id === state.active };
  });
  redraw($("tabs"), rows, () => $("tabs").replaceChildren(...rows.map((row) =>
    element("button", { type: "button", role: "tab", "aria-selected": String(row.active), "data-tab": row.id, "data-kind": row.kind, tabindex: "-1",
      title: `第 ${row.number} 路：${row.name} · ${row.title}` },
    element("i", { text: String(row.number) }), element("b", { text: row.mark }), element("span", { text: row.kind === "danger" ? `危险 ${row.title}` : row.title })))));
}

function drawHeader(state, call) {
  const link = call?.link ?? (state.keyed ? "none" : "refused");
  setData($("link"), "link", link);
  setText($("link"), LINKS[link]);
  const words = call ? call.problem || BANNERS[call.link] || "" : "";
  setHidden($("banner"), !words);
  setText($("banner"), words);
  setData($("banner"), "link", link);
  $("sound").firstChild.textContent = state.sound ? "有声 " : "静音 ";
  setHidden($("speed"), !state.replaying);
  setHidden($("key-form"), state.keyed);
  setHidden($("begin"), !state.keyed);
  document.title = call && inDanger(call) ? "⚠ 危险 · 一电通" : "一电通 · 接警台";
}
