// What the page knows: open calls, which one is in front, what lies over it. Plain data and pure functions, no page.

export const DANGER = "emergency";
export const RANK = { emergency: 0, urgent: 1, routine_onsite: 2, routine_remote: 3 };

/** A call as it comes in. `source`: `phone`, `typed` (by the operator) or `replay`. */
export function newCall({ id, source, title = "", city, channel, begun }) {
  return {
    id, source, title, city, channel, begun,
    turns: [], suggestion: null, facts: [], checklist: [], related: [], handover: null,
    link: "connecting", problem: "", ended: null,
    consent: "not_asked", draft: null, reason: "", note: null, decision: null, seen: true,
  };
}

/** A turn is heard: a later hypothesis for the same number takes the place of the earlier one. */
export function heard(call, { turn, speaker, text, partial = false }) {
  const turns = call.turns.slice();
  turns[turn ?? turns.length] = { speaker, text, partial };
  for (let n = 0; n < turns.length; n++) turns[n] ??= { speaker: "caller", text: "", partial: true };
  return { ...call, turns };
}

/**
 * The server's first word after each connection. Returns the call and the numbers of the turns it does not know yet.
 * City and line of a call that has begun are the server's: it routes by them.
 */
export function resumed(call, message) {
  const known = message.turns ?? [];
  const turns = [];
  const missing = [];
  for (let n = 0; n < Math.max(known.length, call.turns.length); n++) {
    const [ours, theirs] = [call.turns[n], known[n]];
    const keep = ours && (!theirs || ours.text !== theirs.text || ours.partial !== Boolean(theirs.partial));
    turns.push(keep ? ours : { speaker: theirs.speaker, text: theirs.text, partial: Boolean(theirs.partial) });
    if (keep) missing.push(n);
  }
  const place = known.length ? { city: message.city, channel: message.channel } : {};
  const next = { ...call, ...place, turns, link: call.ended ? "ended" : "open", problem: "" };
  return [message.suggestion ? suggested(next, message.suggestion) : next, missing];
}

/**
 * A suggestion comes in. What the operator chose stays; consent given for another destination does not count for this
 * one, nor a reason for lowering another danger.
 */
export function suggested(call, message) {
  const moved = call.suggestion && call.suggestion.destination.code !== message.destination.code;
  const pinned = call.draft?.destination ?? call.draft?.category;
  return {
    ...call,
    suggestion: message,
    facts: message.facts ?? call.facts,
    checklist: ticked(message.checklist ?? questions(message), message.facts ?? call.facts),
    related: message.related ?? call.related,
    handover: message.handover ?? call.handover,
    consent: moved && !pinned && !call.decision ? "not_asked" : call.consent,
    reason: call.suggestion && graver(message, call.suggestion) ? "" : call.reason,
    problem: "",
  };
}

const ASKED_FOR = { phone: "callback", injured: "injured", weapon: "weapon", people: "people", amount: "amount", plate: "plate", account: "account" };

/** What was found has been answered, whatever the words were. */
function ticked(checklist, facts) {
  const found = new Set(facts.map(({ field }) => ASKED_FOR[field]));
  return checklist.map((check) => (found.has(check.field) ? { ...check, answered: true } : check));
}

function questions(suggestion) {
  return suggestion.ask_next.map(({ field, prompt }) => ({ field, prompt, answered: false }));
}

/** Whether more danger is heard than `before`: a graver one, or words that were not there. */
export function graver(suggestion, before) {
  const known = before.red_flags.map(({ id }) => id);
  return RANK[suggestion.urgency.level] < RANK[before.urgency.level] || suggestion.red_flags.some(({ id }) => !known.includes(id));
}

/** Whether this call is in danger, whatever the operator chose meanwhile. */
export function inDanger(call) { return call.suggestion?.urgency.level === DANGER; }

/** Whether the call has been decided and the server has it, or it is on its way. */
export function isDecided(call) { return ["sending", "waiting", "sent"].includes(call.decision?.state); }

/** A store that tells its listeners once per change. */
export function createStore(initial) {
  let state = initial;
  const listeners = new Set();
  const set = (next) => {
    if (next === state) return;
    state = next;
    for (const listener of listeners) listener(state);
  };
  return {
    get: () => state,
    set: (patch) => set({ ...state, ...patch }),
    subscribe: (listener) => listeners.add(listener),
    call: (id) => state.calls.find((call) => call.id === id),
    active: () => state.calls.find((call) => call.id === state.active),
    /** Replaces the call `id` by what `change` makes of it. */
    change: (id, change) => set({ ...state, calls: state.calls.map((call) => (call.id === id ? change(call) : call)) }),
    add: (call) => set({ ...state, calls: [...state.calls, call], active: state.active ?? call.id }),
    remove: (id) => {
      const at = state.calls.findIndex((call) => call.id === id);
      const calls = state.calls.filter((call) => call.id !== id);
      const next = calls[Math.min(at, calls.length - 1)]?.id ?? null;
      set({ ...state, calls, active: state.active === id ? next : state.active });
    },
  };
}
