// What the operator chose laid over what the service suggests: the same rules as the server's routing, for a preview.

import { RANK } from "./state.js";

const ON_THE_WAY = ["police_station", "traffic_police", "anti_fraud", "fire_119", "ambulance_120", "utility_repair"];

/** Tables by code, and the policies by city, as the API gives them. */
export function makeTables(taxonomy, policies, scripts) {
  const byCode = (rows) => Object.fromEntries(rows.map((row) => [row.code, row]));
  const rules = Object.fromEntries(policies.map((policy) => [policy.city, byCode(policy.rules)]));
  return { categories: byCode(taxonomy.categories), destinations: byCode(taxonomy.destinations),
    urgencies: taxonomy.urgencies, rules, scripts };
}

/** The code's kind: `category`, `destination` or `urgency`. */
export function kindOf(code, tables) {
  if (tables.categories[code]) return "category";
  return tables.destinations[code] ? "destination" : "urgency";
}

export function nameOf(code, tables) {
  return tables.categories[code]?.name ?? tables.destinations[code]?.name ?? tables.urgencies[code] ?? code;
}

function byUrgency(rule, urgency) {
  if (urgency === "routine_onsite") return rule.if_routine_onsite;
  return urgency === "routine_remote" ? rule.if_routine_remote : rule.if_emergency_or_urgent;
}

/** What would be decided now: null without a suggestion and without a choice. */
export function effective(call, tables) {
  const suggestion = call.suggestion;
  if (!call.draft) return suggestion ? refusedStays(call, shown(suggestion), tables) : null;
  const draft = call.draft;
  const code = draft.category ?? suggestion?.category.code;
  if (!code && !draft.destination) return null;
  const rule = code ? tables.rules[call.city]?.[code] : null;
  const flagged = Boolean(suggestion?.red_flags.length);
  const urgency = draft.urgency ?? newUrgency(draft, suggestion, flagged, code, tables);
  let to = draft.destination ?? (rule ? byUrgency(rule, urgency) : suggestion?.destination.code);
  if (!draft.destination && flagged && !ON_THE_WAY.includes(to)) to = suggestion.destination.code;
  const label = rule?.owner ?? suggestion?.police.label ?? "police";
  return refusedStays(call, made({ call, code, label, urgency, to, rule }, tables), tables);
}

/** A chosen category brings its own urgency, but never below a danger that was heard: lowering is said expressly. */
function newUrgency(draft, suggestion, flagged, code, tables) {
  const own = tables.categories[code]?.default_urgency ?? "routine_onsite";
  if (!suggestion) return own;
  if (!draft.category) return suggestion.urgency.level;
  return flagged && RANK[suggestion.urgency.level] < RANK[own] ? suggestion.urgency.level : own;
}

function shown(s) {
  return { label: s.police.label, category: s.category.code, categoryName: s.category.name, urgency: s.urgency.level,
    destination: s.destination.code, destinationName: s.destination.name, unit: s.destination.unit,
    linked: s.linked, action: s.action, consent: s.consent, chosen: false };
}

function made({ call, code, label, urgency, to, rule }, tables) {
  const destination = tables.destinations[to] ?? { code: to, name: to, track: "police", unit: "" };
  const town = call.suggestion?.location?.town;
  const unit = destination.unit && town ? destination.unit.replace("{town}", town) : null;
  const goes = urgency !== "routine_remote";
  const linked = goes && rule ? rule.linked_when_someone_goes.filter((party) => party !== to) : [];
  const urgent = RANK[urgency] <= RANK.urgent;
  const track = label === "non_police" && urgent ? "joint" : destination.track;
  const categoryName = tables.categories[code]?.name ?? "类别未定";
  return { label, category: code ?? null, categoryName, urgency, destination: to, destinationName: destination.name, unit,
    linked: linked.map((party) => ({ code: party, name: nameOf(party, tables) })),
    action: actionOf(to, track, urgent, call.channel), chosen: true,
    consent: consentOf({ call, label, urgent, to, track, unit, categoryName, destination }, tables) };
}

function actionOf(to, track, urgent, channel) {
  if (to === "operator_closes" || (to === "hotline_12345" && channel === "12345")) return "answer";
  if (urgent && to !== "hotline_12345") return "dispatch";
  if (track === "police") return channel === "110" ? "dispatch" : "transfer";
  return track === "hotline" ? "transfer" : "work_order";
}

function consentOf({ call, label, urgent, to, track, unit, categoryName, destination }, tables) {
  const stays = to === "operator_closes" || (call.channel === "12345" && to === "hotline_12345");
  if (stays || urgent || label !== "non_police") return { required: false, script: null };
  const pattern = tables.scripts[track] ?? tables.scripts.police;
  return { required: true, script: pattern.replace("{name}", `“${categoryName}”`).replace("{to}", unit ?? destination.name) };
}

/** A caller who does not agree is not passed on: the matter stays with the desk that took the call. */
function refusedStays(call, way, tables) {
  if (call.consent !== "refused" || !way.consent.required) return way;
  const to = call.channel === "12345" ? "hotline_12345" : "police_station";
  return { ...way, destination: to, destinationName: nameOf(to, tables), unit: null, stays: true,
    action: call.channel === "12345" ? "answer" : "dispatch" };
}

/** Whether the choice makes less of a danger than the service does; then the operator says why. */
export function lowersDanger(suggestion, way) {
  if (!suggestion || !(suggestion.urgency.level === "emergency" || suggestion.red_flags.length)) return false;
  const slower = RANK[way.urgency] > RANK[suggestion.urgency.level];
  return slower || (ON_THE_WAY.includes(suggestion.destination.code) && !ON_THE_WAY.includes(way.destination));
}

/** The three most likely categories, with where each would go. */
export function topThree(call, tables) {
  const s = call.suggestion;
  if (!s) return [];
  return [s.category, ...s.category.alternatives].slice(0, 3).map(({ code, name, probability }) => {
    const way = effective({ ...call, consent: "not_asked", draft: { category: code } }, tables);
    return { code, name, probability, to: way.unit ?? way.destinationName, urgency: way.urgency };
  });
}
