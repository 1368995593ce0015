// What the operator chose laid over what the service suggests: the same rules as the server's routing, for a preview.

import { byUrgency, nameOf } from "../common/tables.js";
import { DANGER, RANK } from "./state.js";

const ON_THE_WAY = ["police_station", "traffic_police", "anti_fraud", "fire_119", "ambulance_120", "utility_repair"];
const NOT_LINKED = ["hotline_12345", "operator_closes"];

/** What would be decided now: null without a suggestion and without a choice. */
export function effective(call, tables) {
  const suggestion = call.suggestion;
  if (!call.draft) return suggestion ? refusedStays(call, shown(suggestion, tables), tables) : null;
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

function shown(s, tables) {
  return { label: s.police.label, category: s.category.code, categoryName: s.category.name,
    urgency: s.urgency.level, urgencyName: tables.urgencies[s.urgency.level],
    destination: s.destination.code, destinationName: s.destination.name, unit: s.destination.unit,
    linked: s.linked, action: s.action, consent: s.consent, chosen: false };
}

function made({ call, code, label, urgency, to, rule }, tables) {
  const destination = tables.destinations[to] ?? { code: to, name: to, track: "police", unit: "" };
  const town = call.suggestion?.location?.town;
  const unit = destination.unit && town ? destination.unit.replace("{town}", town) : null;
  const urgent = RANK[urgency] <= RANK.urgent;
  const track = trackOf(label, urgent, destination.track);
  const categoryName = tables.categories[code]?.name ?? "类别未定";
  return { label, category: code ?? null, categoryName, urgency, urgencyName: tables.urgencies[urgency], destination: to, destinationName: destination.name, unit,
    linked: linkedOf(rule, label, urgency, to).map((party) => ({ code: party, name: nameOf(party, tables) })),
    action: actionOf({ code, label, to, own: destination.track, urgent, channel: call.channel }), chosen: true,
    consent: consentOf({ call, label, urgent, to, track, unit, categoryName, destination }, tables) };
}

function trackOf(label, urgent, own) {
  if (label === "non_police") return urgent ? "joint" : own;
  return label === "police" && own !== "close" ? "police" : own;
}

function linkedOf(rule, label, urgency, to) {
  if (!rule || urgency === "routine_remote") return [];
  const urgentHelp = RANK[urgency] <= RANK.urgent && label === "non_police";
  const parties = [...rule.linked_when_someone_goes, ...(urgentHelp ? [rule.if_routine_onsite] : [])];
  return [...new Set(parties)].filter((party) => party !== to && !NOT_LINKED.includes(party));
}

function actionOf({ code, label, to, own, urgent, channel }) {
  if (to === "operator_closes") return code === "silent" ? "call_back" : "answer";
  if (to === "hotline_12345" && channel === "12345") return "answer";
  if (urgent && to !== "hotline_12345") return "dispatch";
  if (own === "police" && label === "police" && channel === "110") return "dispatch";
  return own === "police" || own === "hotline" ? "transfer" : "work_order";
}

function consentOf({ call, label, urgent, to, track, unit, categoryName, destination }, tables) {
  const stays = to === "operator_closes" || (call.channel === "12345" && to === "hotline_12345");
  const danger = call.suggestion?.urgency.level === DANGER; // nothing is asked where the service hears an emergency
  if (stays || urgent || danger || label !== "non_police") return { required: false, script: null };
  const pattern = tables.scripts[track] ?? tables.scripts.police;
  return { required: true, script: pattern.replace("{name}", `“${categoryName}”`).replace("{to}", unit ?? destination.name) };
}

/** A caller who does not agree is not passed on: the matter stays with the desk that took the call. */
function refusedStays(call, way, tables) {
  if (call.consent !== "refused" || !way.consent.required) return way;
  const to = call.channel === "12345" ? "hotline_12345" : "police_station";
  return { ...way, passedOn: way.destination, destination: to, destinationName: nameOf(to, tables), unit: null, stays: true,
    action: call.channel === "12345" ? "answer" : "dispatch" };
}

/**
 * Whether the choice makes less of a danger than the service does; then the operator says why. Less urgent than a
 * danger, away from those who are on the way, or, where a red flag was heard, away from the police.
 */
export function lowersDanger(s, way) {
  if (!s) return false;
  const danger = RANK[s.urgency.level] <= RANK.urgent;
  const flagged = s.red_flags.length > 0;
  if (danger && RANK[way.urgency] > RANK[s.urgency.level]) return true;
  if (flagged && s.police.label === "police" && way.label !== "police") return true;
  return (danger || flagged) && ON_THE_WAY.includes(s.destination.code) && !ON_THE_WAY.includes(way.destination);
}

/** The three most likely categories, the likeliest first, with where each would go. */
export function topThree(call, tables) {
  const s = call.suggestion;
  if (!s) return [];
  const likely = [s.category, ...s.category.alternatives].slice(0, 3).sort((a, b) => b.probability - a.probability);
  return likely.map(({ code, name, probability }) => {
    const way = effective({ ...call, consent: "not_asked", draft: { category: code } }, tables);
    return { code, name, probability, to: way.unit ?? way.destinationName, urgency: way.urgency };
  });
}
