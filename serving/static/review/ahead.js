// The calls at hand: the one in front, those already there behind it, and those gone through. No drawing here.

export const HELD = 6;
const REMEMBERED = 50;

/**
 * `ask(query)` gets calls (`{ok, data}`), `hidden(id)` says which are not to be shown, `onChange()` hears of changes.
 * `wanted()` is what a verdict's request asks along with it, and `arrived(data, round)` takes what its answer brings.
 */
export function makeAhead({ ask, hidden, onChange }) {
  let round = 0;
  let loading = false;
  let place = { queue: "", filter: {} };
  let state = empty();

  function empty() { return { at: null, next: [], passed: [], cursor: null, total: 0, loaded: false, failed: "" }; }

  function known(id) {
    return state.at?.call_id === id || state.next.some((call) => call.call_id === id) || state.passed.some((call) => call.call_id === id);
  }

  function take(page) {
    state.next.push(...page.calls.filter((call) => !hidden(call.call_id) && !known(call.call_id)));
    state.cursor = page.next;
    if (page.total !== null) state.total = page.total;
    if (!state.at) state.at = state.next.shift() ?? null;
  }

  async function load() {
    if (loading) return;
    const mine = round;
    loading = true;
    const query = { queue: place.queue, ...place.filter, limit: HELD, ...(state.cursor ? { cursor: state.cursor } : {}) };
    const answer = await ask(query);
    loading = false;
    if (mine !== round) {
      await load();
      return;
    }
    state.failed = answer.ok ? "" : answer.message;
    if (answer.ok) take(answer.data);
    state.loaded = state.loaded || answer.ok;
    onChange();
    if (answer.ok && !state.at && state.cursor) await load();
  }

  /** Another queue or filter, from its beginning. */
  async function open(queue, filter) {
    round += 1;
    place = { queue, filter };
    state = empty();
    onChange();
    await load();
  }

  function refill() {
    if ((!state.at || state.next.length < HELD / 2) && (state.cursor || !state.loaded)) load();
  }

  /** On to the next call; the one in front is kept for going back. */
  function onward() {
    if (state.at) state.passed = [...state.passed, state.at].slice(-REMEMBERED);
    state.at = state.next.shift() ?? null;
    if (!state.at) refill();
    onChange();
  }

  function back() {
    if (!state.passed.length) return false;
    if (state.at) state.next.unshift(state.at);
    state.at = state.passed.pop();
    onChange();
    return true;
  }

  /** Puts `call` in front; what was there comes next. */
  function bring(call) {
    const others = (calls) => calls.filter((other) => other.call_id !== call.call_id);
    if (state.at && state.at.call_id !== call.call_id) state.next.unshift(state.at);
    state.next = others(state.next);
    state.passed = others(state.passed);
    state.at = call;
    onChange();
  }

  return {
    open, onward, back, bring, refill,
    get: () => state,
    place: () => place,
    find: (id) => [state.at, ...state.passed, ...state.next].find((call) => call?.call_id === id),
    wanted() {
      const room = HELD - state.next.length;
      if (loading || !state.cursor || room < 1) return null;
      return { round, query: { queue: place.queue, ...place.filter, cursor: state.cursor, limit: room } };
    },
    arrived(page, of) {
      if (of !== round || !page) return;
      take(page);
      onChange();
    },
  };
}
