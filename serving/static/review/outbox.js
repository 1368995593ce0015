// Verdicts on their way: each is kept in this browser before anything else happens, and sent until the service has it.
// One storage entry an item, so that two tabs never overwrite each other's; the service takes the same id only once.

const PREFIX = "review.item.";
const KEPT = 200;
const WAITS = [500, 1000, 2000, 4000, 8000];
const AGAIN = new Set([0, 401, 408, 425, 429, 500, 502, 503, 504]);

/** Items that `storage` holds, oldest first; what is no item is passed over. */
export function stored(storage) {
  const found = [];
  for (let n = 0; n < storage.length; n++) {
    const name = storage.key(n);
    if (!name?.startsWith(PREFIX)) continue;
    try { found.push(JSON.parse(storage.getItem(name))); } catch { /* not ours */ }
  }
  return found.filter((item) => item?.id && item.at).sort((a, b) => a.at - b.at || a.order - b.order);
}

/**
 * The outbox over `storage`. `send(item)` makes the request; `onState(problem)` hears of every change, `problem` being
 * null or why nothing goes out; `onSent(item, data)` of each answer. Items of another reviewer wait for him.
 */
export function makeOutbox({ storage, send, onState, onSent, wait = setTimeout }) {
  let items = stored(storage);
  let owner = null;
  let busy = false;
  let timer = null;
  let tries = 0;
  let order = 0;
  let problem = null;
  let volatile = false;

  function keep(item) {
    try {
      storage.setItem(PREFIX + item.id, JSON.stringify(item));
    } catch {
      volatile = true; // storage full or forbidden: the item lives in memory, and leaving the page is warned of
    }
  }

  function drop(item) {
    items = items.filter((other) => other !== item);
    storage.removeItem(PREFIX + item.id);
  }

  function change(item, changes) {
    Object.assign(item, changes);
    keep(item);
  }

  const mine = () => items.filter((item) => item.by === owner);
  const waiting = () => mine().filter((item) => item.state === "waiting");

  function add(item) {
    order += 1;
    const added = { id: newId(), at: Date.now(), order, by: owner, state: "waiting", tried: false, ...item };
    items.push(added);
    keep(added);
    for (const old of mine().filter(({ state }) => state === "sent" || state === "undone").slice(0, -KEPT)) drop(old);
    onState(problem);
    pump();
    return added;
  }

  /** Takes an item back: one that never left is forgotten, another is followed by its undoing. */
  function undo(item) {
    if (item.state === "waiting" && !item.tried) {
      drop(item);
      onState(problem);
      return;
    }
    change(item, { undone: true });
    add({ kind: "undo", of: item.id, batch: item.batch, words: `撤销：${item.words}` });
  }

  async function pump() {
    if (busy || owner === null) return;
    const item = waiting()[0];
    if (!item) return;
    busy = true;
    change(item, { tried: true });
    if (item.kind === "undo") item.batch = items.find(({ id }) => id === item.of)?.batch ?? item.batch;
    const answer = item.kind === "undo" && !item.batch ? { ok: true, data: {} } : await send(item);
    busy = false;
    settle(item, answer);
    onState(problem);
    if (!problem) pump();
  }

  function settle(item, answer) {
    if (answer.ok) {
      problem = null;
      tries = 0;
      change(item, { state: "sent", batch: answer.data?.batch ?? item.batch });
      onSent(item, answer.data);
    } else if (AGAIN.has(answer.status)) {
      problem = { status: answer.status, message: answer.message };
      clearTimeout(timer);
      timer = wait(retry, WAITS[Math.min(tries, WAITS.length - 1)]);
      tries += 1;
    } else {
      problem = null;
      change(item, { state: "refused", message: answer.message });
    }
  }

  function retry() {
    problem = null;
    pump();
  }

  return {
    add, undo, waiting, retry,
    /** Whose verdicts go out from now on. */
    own(id) {
      owner = id;
      onState(problem);
      pump();
    },
    /** What this reviewer said, newest first. */
    log: () => mine().slice().reverse(),
    last: () => mine().filter((item) => item.kind !== "undo" && !item.undone && item.state !== "refused").at(-1),
    refused: () => mine().filter((item) => item.state === "refused"),
    others: () => items.filter((item) => item.by !== owner && item.state === "waiting").length,
    /** Calls whose verdict has not arrived yet: they are not shown again. */
    pending: (callId) => waiting().some((item) => item.kind === "verdict" && item.call_id === callId && !item.undone),
    dismiss: drop,
    unsafe: () => volatile && waiting().length > 0,
  };
}

/** A fresh id; `crypto.randomUUID` is only there over TLS and on localhost. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
