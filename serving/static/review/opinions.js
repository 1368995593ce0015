// Who says what of a call, and what a verdict on it sends. Pure functions over the call as the API gives it.

import { byUrgency } from "../common/tables.js";

export const RANK = { emergency: 0, urgent: 1, routine_onsite: 2, routine_remote: 3 };
const LABELS = ["category", "urgency", "destination"];
const DANGEROUS = ["emergency", "urgent"];

const pick = (from) => Object.fromEntries(LABELS.map((label) => [label, from[label]]));
const same = (a, b) => LABELS.every((label) => a[label] === b[label]);

/** What holds before any review: the operator's decision, or the suggestion where he made none. */
export function standing(call) { return pick(call.decision ?? call.suggested); }

/** The last suggestion that whoever looks at this view of the call has seen. */
export function lastSuggestion(call) { return call.suggestions.at(-1)?.suggestion_id; }

/** The newest verdict among the outbox's items on what this view of the call shows, if there is one. */
export function verdictOn(call, items) {
  return items.find((item) => item.kind === "verdict" && item.call_id === call.call_id && !item.undone && item.state !== "refused"
    && item.body?.suggestion_id === lastSuggestion(call));
}

/** Reviews that count. */
export function valid(call) { return call.reviews.filter((review) => !review.undone); }

/**
 * Rows of the comparison: `{who, by, labels, unusable, words}`; `key` is the digit of those that a verdict can take.
 * Equal opinions share the first one's digit. While reviewers disagree theirs come first.
 */
export function opinions(call) {
  const rows = call.decision ? [{ who: "坐席", by: call.decision.by.name, labels: pick(call.decision), words: decisionWords(call.decision) }] : [];
  rows.push({ who: "系统", labels: pick(call.suggested), words: suggestionWords(call), probability: call.probability });
  const returned = call.outcomes.filter(({ owner }) => owner).at(-1);
  if (returned) rows.push({ who: "退单", by: returned.by.name, labels: { ...standing(call), destination: returned.owner }, words: returned.reason });
  if (call.candidate) rows.push({ who: "候选", by: call.candidate.version, labels: pick(call.candidate), words: "候选模型的说法，坐席未见" });
  if (call.claimed) rows.push({ who: "标注核对", labels: pick(call.claimed), words: "按其余标注看，应归此类" });
  const said = latestByReviewer(valid(call)).map((review) => ({ who: review.adjudicates ? "裁决" : "复核", by: review.by.name || review.by.id,
    labels: review.verdict === "unusable" ? null : pick(review), unusable: review.verdict === "unusable", words: review.reason }));
  const ordered = said.length ? [...said, ...rows] : rows;
  const taken = [];
  return ordered.map((row) => {
    const twin = taken.find((other) => (row.unusable ? other.unusable : other.labels && same(other.labels, row.labels)));
    if (twin) return { ...row, key: 0, as: twin.key };
    const numbered = { ...row, key: taken.length + 1 };
    taken.push(numbered);
    return numbered;
  });
}

function latestByReviewer(reviews) {
  const latest = new Map();
  for (const review of reviews) latest.set(review.by.id, review);
  return [...latest.values()];
}

/** Dangers heard, and what else it might be where the service was not sure. */
function suggestionWords({ suggestion, confident }) {
  const heard = [...new Set((suggestion.red_flags ?? []).map(({ text }) => `“${text}”`))].join("");
  const others = (suggestion.category?.alternatives ?? []).slice(0, 2).map(({ name, probability }) => `${name} ${Math.round(probability * 100)}%`);
  return [heard ? `听到${heard}` : "", confident ? "" : `把握不足，其次 ${others.join("、")}`].filter(Boolean).join("；");
}

function decisionWords(decision) {
  const consent = { given: "来电人同意转出", refused: "来电人不同意转出" }[decision.consent];
  return [decision.lowered ? "降低了危险等级" : "", decision.reason, consent].filter(Boolean).join("；");
}

/** The correction as it would be sent: a new category brings its own urgency, but never below a danger that was heard. */
export function corrected(call, draft, tables) {
  const base = standing(call);
  const category = draft.category ?? base.category;
  const urgency = draft.urgency ?? (draft.category ? ownUrgency(call, category, tables) : base.urgency);
  const rule = tables.rules[call.city]?.[category];
  const moved = category !== base.category || urgency !== base.urgency;
  const destination = draft.destination ?? (moved && rule ? byUrgency(rule, urgency) : base.destination);
  return { category, urgency, destination };
}

function ownUrgency(call, category, tables) {
  const own = tables.categories[category]?.default_urgency ?? "routine_onsite";
  const heard = call.suggested.urgency;
  return call.flags.length && DANGEROUS.includes(heard) && RANK[heard] < RANK[own] ? heard : own;
}

/** The body of a verdict that these labels are right: `approve` where they stand already. */
export function verdictBody(call, labels) {
  return same(labels, standing(call)) ? { verdict: "approve" } : { verdict: "correct", ...labels };
}

/** Codes in question: those that anybody named, the draft's first. */
export function codesInQuestion(rows, draft) {
  const named = [draft, ...rows.map(({ labels }) => labels)].filter(Boolean);
  return { categories: [...new Set(named.map(({ category }) => category))], urgencies: [...new Set(named.map(({ urgency }) => urgency))] };
}
