// What a reviewer does: verdicts, corrections, undoing, many at once. What is unsent and half done outlives a reload.

import { nameOf } from "../common/tables.js";
import { corrected, lastSuggestion, opinions, verdictBody, verdictOn } from "./opinions.js";

const PLACE = "review.place";
const DRAFT = "review.draft";
const LONGEST_REASON = 600;

/** The desk over the held calls, the outbox and the page's `store`; `say` shows a sentence. */
export function makeDesk({ store, held, box, tables, reasons, request, say, storage }) {
  const here = () => held.get().at;
  const shown = (labels) => [labels.category, labels.urgency, labels.destination].map((code) => nameOf(code, tables())).join(" · ");

  function remember() {
    const { queue, filter, draft, note, me } = store.get();
    const call = here();
    const values = { [PLACE]: { queue, filter, call_id: call?.call_id ?? null, by: me?.id },
      [DRAFT]: call && (draft || note) ? { call_id: call.call_id, draft, note, by: me?.id } : null };
    for (const [name, value] of Object.entries(values)) {
      try {
        if (value) storage.setItem(name, JSON.stringify(value));
        else storage.removeItem(name);
      } catch { /* a full storage loses the place, not a verdict */ }
    }
  }

  function recall(name) {
    try {
      const value = JSON.parse(storage.getItem(name));
      return value?.by === store.get().me?.id ? value : null;
    } catch {
      return null;
    }
  }

  /** Drops what was begun on the call in front. */
  function clear() { store.set({ draft: null, note: "", mode: "judge" }); }

  function give(body, words, reason = "") {
    const call = here();
    const { queue, note, counts } = store.get();
    const full = [reason, note].filter(Boolean).join("；").slice(0, LONGEST_REASON);
    const again = box.log().some((item) => item.kind === "verdict" && item.call_id === call.call_id && !item.undone);
    box.add({ kind: "verdict", call_id: call.call_id, queue, words,
      body: { ...body, queue, suggestion_id: lastSuggestion(call), ...(full ? { reason: full } : {}) } });
    store.set({ done: store.get().done + 1, paces: [...store.get().paces, Date.now()].slice(-31),
      counts: again ? counts : { ...counts, [queue]: Math.max(0, (counts[queue] ?? 1) - 1) } });
    clear();
    held.onward();
    say("");
  }

  function takeOpinion(number) {
    const row = opinions(here()).find(({ key }) => key === number);
    if (!row) say("表中没有这一行");
    else if (row.unusable) give({ verdict: "unusable" }, "不可用");
    else give(verdictBody(here(), row.labels), `${row.who}：${shown(row.labels)}`);
  }

  function sendDraft(reason) {
    const labels = corrected(here(), store.get().draft, tables());
    give(verdictBody(here(), labels), `更正：${shown(labels)}`, reason);
  }

  /** Enter: what stands in the first row, or what was begun. */
  function accept() {
    const { draft, mode } = store.get();
    if (mode === "unusable") give({ verdict: "unusable" }, "不可用");
    else if (draft) sendDraft("");
    else if (here().review === "adjudicate") say("两人结论不同：请按数字选一种说法，或按 G 更正");
    else if (box.pending(here().call_id) || said(here())) skip();
    else takeOpinion(1);
  }

  const said = (call) => Boolean(verdictOn(call, box.log()));

  function choose(number) {
    const { draft, mode } = store.get();
    if (mode === "unusable" || draft) {
      const reason = reasons[mode === "unusable" ? "unusable" : "correct"][number - 1];
      if (!reason) say("没有这条理由");
      else if (mode === "unusable") give({ verdict: "unusable" }, `不可用：${reason}`, reason);
      else sendDraft(reason);
    } else takeOpinion(number);
  }

  function correct(kind, code) {
    const draft = kind === "category" ? { category: code } : { ...store.get().draft, [kind]: code };
    store.set({ draft, mode: "judge" });
    remember();
  }

  function skip() {
    clear();
    held.onward();
  }

  function back() {
    clear();
    if (!held.back()) say("前面没有了");
  }

  /** Takes back the last verdict and returns to its call; a batch goes as a whole. */
  async function undo() {
    const item = box.last();
    if (!item) return say("没有可撤销的结论");
    const { counts, done } = store.get();
    box.undo(item);
    if (item.kind === "bulk") {
      say(`正在撤销：${item.words}`);
      return undefined;
    }
    clear();
    store.set({ done: Math.max(0, done - 1), paces: [], counts: { ...counts, [item.queue]: (counts[item.queue] ?? 0) + 1 } });
    await visit(item.call_id);
    return say(`已撤销：${item.words}`);
  }

  /** Brings a call to the front, from memory or – always where it is to be `fresh` – from the service. */
  async function visit(callId, fresh = false) {
    const known = fresh ? null : held.find(callId);
    if (known) {
      held.bring(known);
      return true;
    }
    const answer = await request(`/v1/review-calls/${encodeURIComponent(callId)}`);
    if (answer.ok) held.bring(answer.data);
    else say(`打不开这一件：${answer.message}`);
    return answer.ok;
  }

  /** Another queue or filter; with `place` back to the call that was in front before a reload. */
  async function go(queue, filter, place = null) {
    const begun = recall(DRAFT);
    clear();
    store.set({ queue, filter });
    await held.open(queue, filter);
    if (place?.call_id && !box.pending(place.call_id)) await visit(place.call_id);
    if (begun && begun.call_id === here()?.call_id) store.set({ draft: begun.draft, note: begun.note });
    remember();
  }

  /** What a verdict on the whole queue or filter can be, once everything said before has arrived. */
  async function bulkChoices() {
    if (box.waiting().length) return say("还有结论没有送出，送完再批量");
    const { queue, filter } = store.get();
    const query = new URLSearchParams({ queue, ...filter, limit: "1" });
    const answer = await request(`/v1/review-calls?${query}`);
    if (!answer.ok) return say(answer.message);
    const total = answer.data.total;
    if (!total) return say("这里没有等待复核的来电");
    const call = here();
    const choices = [{ words: "逐件采纳：坐席的决定，没有决定的采纳系统建议", body: { verdict: "approve" }, name: "采纳" },
      { words: "全部标为转写不可用", body: { verdict: "unusable" }, name: "不可用" }];
    if (store.get().draft) {
      const labels = corrected(call, store.get().draft, tables());
      choices.push({ words: `全部更正为 ${shown(labels)}`, body: { verdict: "correct", ...labels }, name: "更正" });
    }
    for (const choice of choices) Object.assign(choice, { total, sure: `按 Enter 对 ${total} 件${choice.name}。` });
    return { title: `批量：${total} 件`, choices };
  }

  async function bulk({ body, name, total }) {
    const { queue, filter } = store.get();
    const answer = await request("/v1/review-batches", { method: "POST", body: { ...body, queue, filter, expected: total } });
    if (!answer.ok) return say(`没有执行：${answer.message}`);
    box.add({ kind: "bulk", batch: answer.data.batch, queue, words: `批量${name} ${answer.data.calls} 件`, state: "sent" });
    await go(queue, filter);
    return say(`已批量${name} ${answer.data.calls} 件，按 Z 撤销`);
  }

  return { accept, choose, correct, skip, back, undo, visit, go, bulk, bulkChoices, clear, remember, place: () => recall(PLACE) };
}
