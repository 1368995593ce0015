// The right: who says what, what to do now, what the guide says, and what happened so far.

import { $, element, percent, redraw, setData } from "../common/dom.js";
import { nameOf } from "../common/tables.js";
import { codesInQuestion, corrected, opinions, RANK, standing } from "./opinions.js";
import { clock, OUTCOMES, VERDICTS } from "./words.js";

const LABELS = ["category", "urgency", "destination"];
/** A name without what stands in brackets behind it: the column is narrow. */
const short = (code, tables) => nameOf(code, tables).replace(/（[^）]*）$/, "");

export function drawJudged(call, state, tables, page) {
  const rows = opinions(call);
  const draft = state.draft ? corrected(call, state.draft, tables) : null;
  drawOpinions(call, rows, draft, tables);
  const step = stepOf(call, rows, draft, state, tables, page.reasons);
  setData($("step"), "kind", step.kind);
  redraw($("step"), step, () => $("step").replaceChildren(...drawStep(step)));
  drawGuide(rows, draft, tables, page);
  drawHistory(call, tables);
}

function drawOpinions(call, rows, draft, tables) {
  const drawn = draft ? [{ who: "您的更正", labels: draft, words: "", key: 0, draft: true }, ...rows] : rows;
  const base = standing(call);
  redraw($("opinions"), [call.call_id, drawn], () => $("opinions").replaceChildren(...drawn.map((row) => opinion(row, base, tables))));
}

function opinion(row, base, tables) {
  const sign = row.key ? element("kbd", { text: String(row.key) }) : element("span", { className: "twin", text: row.as ? `＝${row.as}` : "" });
  const who = element("td", { className: "who" }, element("b", { text: row.who }), element("span", { text: row.by ?? "" }));
  if (row.probability !== undefined) who.append(element("span", { className: "number", text: percent(row.probability) }));
  const line = element("tr", { className: row.draft ? "draft" : row.key === 1 ? "first" : "", "data-number": row.key ? String(row.key) : null }, element("td", {}, sign), who);
  if (row.unusable) line.append(element("td", { colspan: "3", text: "转写不可用" }));
  else line.append(...LABELS.map((label) => cell(label, row.labels, base, tables)));
  if (!row.words) return line;
  const note = element("tr", { className: "words" }, element("td"), element("td", { colspan: "4", text: row.words, title: row.words }));
  const both = document.createDocumentFragment();
  both.append(line, note);
  return both;
}

function cell(label, labels, base, tables) {
  const differs = labels[label] !== base[label] ? "differs" : "";
  return element("td", { className: `${label} ${differs}`, "data-code": labels[label], title: nameOf(labels[label], tables) }, element("span", { text: short(labels[label], tables) }));
}

const inWords = (labels, tables) => LABELS.map((label) => short(labels[label], tables)).join(" · ");

/** What the reviewer can do now, as data. */
export function stepOf(call, rows, draft, state, tables, reasons) {
  const mine = state.verdict;
  const note = state.note ? `备注：${state.note}` : "";
  if (state.mode === "unusable") {
    return { kind: "unusable", title: "转写不可用，为什么？", options: reasons.unusable, keys: [["Enter", "不写理由", "accept"], ["Esc", "返回", "cancel"]], note };
  }
  if (draft) {
    return { kind: "draft", title: "更正为什么？", options: reasons.correct,
      keys: [["Enter", "直接送出", "accept"], ["G", "再改一项", "correct"], ["Esc", "放弃", "cancel"]], note };
  }
  const keys = [["G", "更正", "correct"], ["X", "不可用", "unusable"], ["J", "跳过", "skip"]];
  if (mine) return { kind: "judged", title: "您已下结论", words: mine, keys: [["J", "下一件", "skip"], ["G", "改结论", "correct"]], note };
  if (call.review === "adjudicate" && !rows.some(({ who }) => who === "裁决")) {
    return { kind: "adjudicate", title: "两人结论不同，请裁决", words: "按数字采纳一种说法，或按 G 另行更正。", keys, note };
  }
  const first = rows[0];
  const lowers = first.labels && RANK[first.labels.urgency] > RANK[call.suggested.urgency] && RANK[call.suggested.urgency] < 2;
  return { kind: lowers ? "lower" : "accept", title: lowers ? "系统认为更危险" : "",
    take: ["Enter", `采纳${first.who}`, first.unusable ? "转写不可用" : inWords(first.labels, tables)], keys, note };
}

function drawStep(step) {
  const button = ([name, does, action], className) => element("button", { type: "button", "data-action": action, className }, element("kbd", { text: name }), does);
  const head = element("p", { className: "title" }, element("b", { text: step.title }));
  if (step.take) {
    const [name, does, words] = step.take;
    head.append(element("button", { type: "button", className: "do", "data-action": "accept" }, element("kbd", { text: name }), element("span", { text: does }), element("small", { text: words })));
  }
  head.append(element("span", { className: "keys" }, ...step.keys.map((key) => button(key, "key"))));
  const nodes = [head];
  if (step.options) {
    nodes.push(element("ol", { className: "options" }, ...step.options.map((text, n) => element("li", {},
      element("button", { type: "button", "data-action": "choose", "data-number": String(n + 1) }, element("kbd", { text: String(n + 1) }), text)))));
  }
  if (step.words) nodes.push(element("p", { className: "soft", text: step.words }));
  if (step.note) nodes.push(element("p", { className: "soft", text: step.note }));
  return nodes;
}

function drawGuide(rows, draft, tables, page) {
  const { categories, urgencies } = codesInQuestion(rows, draft);
  redraw($("guide"), [categories, urgencies], () => {
    const scopes = categories.map((code) => element("li", { className: "scope" }, element("b", { text: nameOf(code, tables) }), page.scopes[code] ?? ""));
    const levels = urgencies.length > 1 ? urgencies.slice().sort((a, b) => RANK[a] - RANK[b]).map((code) =>
      element("li", { className: "scope" }, element("b", { text: nameOf(code, tables) }), page.guide.levels[code])) : [];
    const rules = page.guide.rules.filter((rule) => rule.codes.some((code) => categories.includes(code)));
    const shared = (rule) => rule.codes.filter((code) => categories.includes(code)).length;
    rules.sort((a, b) => shared(b) - shared(a) || a.number - b.number);
    $("guide").replaceChildren(...scopes, ...levels, ...rules.map((rule) => guideRule(rule, categories, tables)));
    $("guide").scrollTop = 0;
  });
}

function guideRule(rule, categories, tables) {
  const item = element("li", {}, element("i", { className: "number", text: `${rule.number}.` }));
  const words = element("span");
  rule.text.split("`").forEach((piece, n) => {
    if (n % 2 === 0) words.append(piece);
    else words.append(element(categories.includes(piece) ? "em" : "span", { text: nameOf(piece, tables) }));
  });
  item.append(words);
  return item;
}

function drawHistory(call, tables) {
  const rows = history(call, tables);
  redraw($("history"), [call.call_id, rows], () => $("history").replaceChildren(...rows.map(({ at, who, does, words, undone }) =>
    element("li", { className: undone ? "undone" : "" }, element("i", { className: "number", text: clock(at) }), element("b", { text: who }),
      element("span", { text: [does, words].filter(Boolean).join("：") })))));
}

/** Everything that was said and done of the call, oldest first. */
function history(call, tables) {
  const rows = call.suggestions.slice(-4).map((shown) => ({ at: shown.at, who: "系统", does: "建议", words: inWords(shown, tables) }));
  const { decision } = call;
  if (decision) {
    rows.push({ at: decision.at, who: decision.by.name || "坐席", does: decision.overrode ? "改派" : "采纳", words: [inWords(decision, tables), decision.reason, decision.note].filter(Boolean).join("；") });
  }
  for (const outcome of call.outcomes) {
    rows.push({ at: outcome.at, who: outcome.by.name || "处置单位", does: OUTCOMES[outcome.status], words: [outcome.owner ? `应由${nameOf(outcome.owner, tables)}` : "", outcome.reason, outcome.note].filter(Boolean).join("；") });
  }
  for (const review of call.reviews) {
    const labels = review.verdict === "unusable" ? "" : inWords(review, tables);
    rows.push({ at: review.at, who: review.by.name || review.by.id, undone: review.undone,
      does: `${review.undone ? "已撤销 " : ""}${review.adjudicates ? "裁决" : VERDICTS[review.verdict]}`, words: [labels, review.reason].filter(Boolean).join("；") });
  }
  return rows.sort((a, b) => (a.at < b.at ? -1 : 1));
}
