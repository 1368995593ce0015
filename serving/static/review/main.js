// The reviewers' page: starts, listens to keys and clicks, draws after every change.

import { identify, pageData, request, setKey, takeKey } from "../common.js";
import { isOpen } from "../common/dialogs.js";
import { $ } from "../common/dom.js";
import { makeFinder } from "../common/finder.js";
import { kindOf, makeTables } from "../common/tables.js";
import { makeTerms } from "../common/words.js";
import { makeAhead } from "./ahead.js";
import { makeDesk } from "./desk.js";
import { draw, nextQueue } from "./draw.js";
import { isTyping, meaning } from "./keys.js";
import { makeOutbox } from "./outbox.js";
import { fillHelp, makeBulk, makeFilter, makeMine, makeNote, makeSimilar } from "./panels.js";
import { QUEUES } from "./words.js";

const COUNTS_EVERY = 60_000; // ms
const data = pageData();
const page = { ...data, cityNames: Object.fromEntries(data.cities) };
let tables = null;
let toastTimer = null;
let state = { keyed: true, me: null, queue: "danger_under_called", filter: {}, counts: {}, reviewers: 1, drifting: [], agreement: null,
  draft: null, mode: "judge", note: "", done: 0, paces: [], toast: "", problem: null, others: 0 };
const store = {
  get: () => state,
  set(changes) {
    state = { ...state, ...changes };
    redrawSoon();
  },
};

const box = makeOutbox({ storage: localStorage, send, onSent, onState: (problem) => store.set({ problem, others: box?.others() ?? 0 }) });
const held = makeAhead({ onChange: changed, hidden: (id) => box.pending(id),
  ask: (query) => request(`/v1/review-calls?${new URLSearchParams(query)}`) });
const desk = makeDesk({ store, held, box, tables: () => tables, reasons: data.reasons, request, say: toast, storage: localStorage });
const finder = makeFinder(makeTerms(data.terms), () => tables);
const note = makeNote();
const filter = makeFilter(() => tables);
const bulk = makeBulk();
const similar = makeSimilar(() => tables);
const mine = makeMine();

function toast(text) {
  clearTimeout(toastTimer);
  store.set({ toast: text });
  if (text) toastTimer = setTimeout(() => store.set({ toast: "" }), 4000);
}

function changed() {
  if (tables) desk.remember();
  redrawSoon();
}

/** One verdict, or the undoing of one; a verdict asks for the calls behind along with it. */
async function send(item) {
  if (item.kind === "undo") return request(`/v1/review-batches/${encodeURIComponent(item.batch)}`, { method: "DELETE" });
  const wanted = held.wanted();
  const body = { ...item.body, id: item.id, ...(wanted ? { ahead: wanted.query } : {}) };
  const answer = await request(`/v1/reviews/${encodeURIComponent(item.call_id)}`, { method: "POST", body });
  if (answer.ok) held.arrived(answer.data.ahead, wanted?.round);
  return answer;
}

function onSent(item) {
  if (item.kind === "undo") {
    count();
    if (box.log().find(({ id }) => id === item.of)?.kind === "bulk") desk.go(state.queue, state.filter).then(() => toast(`已${item.words}`));
  }
  if (!held.get().at && !box.waiting().length) held.refill();
}

async function count() {
  if (state.problem) return;
  const [queues, agreement] = await Promise.all([request("/v1/review-queues"), state.reviewers > 1 ? request("/v1/review-agreement") : null]);
  if (!queues.ok) return;
  const { counts, drifting, reviewers } = queues.data;
  const first = state.reviewers === 1 && reviewers > 1;
  store.set({ counts, drifting, reviewers, agreement: agreement?.ok ? agreement.data : state.agreement });
  if (first) await count();
}

function queueBy(step) {
  const names = QUEUES.map(([name]) => name).filter((name) => name !== "adjudication" || state.reviewers > 1);
  const at = names.indexOf(state.queue);
  openQueue(names[(at + step + names.length) % names.length]);
}

function openQueue(name) {
  desk.go(name, state.filter);
  count();
}

function onward() {
  if (held.get().failed) desk.go(state.queue, state.filter);
  else if (nextQueue(state) && held.get().loaded) openQueue(nextQueue(state)[0]);
}

const ON_CALL = {
  accept: () => desk.accept(),
  choose: (number) => desk.choose(number),
  correct: () => finder.open(likely(), (code) => desk.correct(kindOf(code, tables), code)),
  unusable: () => store.set({ mode: "unusable", draft: null }),
  note: () => note.open(state.note, (text) => { store.set({ note: text }); desk.remember(); }),
  skip: () => desk.skip(),
  similar: () => similar.open(() => request(`/v1/review-calls/${encodeURIComponent(held.get().at.call_id)}/similar`), ({ call_id: id }) => { desk.clear(); desk.visit(id); }),
  scroll: () => $("transcript").scrollBy({ top: $("transcript").clientHeight * 0.8 }),
  cancel: () => { desk.clear(); desk.remember(); },
};

const ON_PAGE = {
  accept: onward,
  onward,
  back: () => desk.back(),
  undo: () => desk.undo(),
  nextQueue: () => queueBy(1),
  previousQueue: () => queueBy(-1),
  filter: () => filter.open(state.filter, (chosen) => desk.go(state.queue, chosen)),
  unfilter: () => desk.go(state.queue, {}),
  bulk: async () => { const offered = await desk.bulkChoices(); if (offered) bulk.open(offered, (choice) => desk.bulk(choice).then(count)); },
  mine: () => mine.open(box.log(), openMine),
  help: () => $("help").showModal(),
};

function openMine(item) {
  const refused = item.state === "refused";
  if (refused) box.dismiss(item);
  desk.clear();
  if (item.call_id) desk.visit(item.call_id, refused);
  redrawSoon();
}

function likely() {
  const { suggestion } = held.get().at;
  const alternatives = [...(suggestion?.category?.alternatives ?? []), ...(suggestion?.destination?.alternatives ?? [])];
  return [...alternatives.map(({ code }) => code), ...Object.keys(tables.urgencies)];
}

function act(action, number) {
  if (!tables || !state.keyed) return;
  if (held.get().at && ON_CALL[action]) ON_CALL[action](number);
  else ON_PAGE[action]?.(number);
}

document.addEventListener("keydown", (event) => {
  if (isOpen() || isTyping(event.target)) return;
  const meant = meaning(event);
  if (!meant) return;
  event.preventDefault();
  act(meant.action, meant.number);
});
document.addEventListener("click", (event) => {
  const queue = event.target.closest("[data-queue]");
  const button = event.target.closest("[data-action]");
  const row = event.target.closest("#opinions [data-number]");
  if (queue) openQueue(queue.dataset.queue);
  else if (button) act(button.dataset.action, Number(button.dataset.number) || 0);
  else if (row && !state.draft && state.mode === "judge") act("choose", Number(row.dataset.number));
  if (queue || button) document.activeElement?.closest("button")?.blur();
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey($("key").value);
  start();
});
window.addEventListener("online", () => box.retry());
window.addEventListener("beforeunload", (event) => { if (box.unsafe()) event.preventDefault(); });
setInterval(() => { if (tables && state.keyed && document.visibilityState === "visible") count(); }, COUNTS_EVERY);

let drawing = false;
function redrawSoon() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    if (state.problem?.status === 401 && state.keyed && !held.get().at) store.set({ keyed: false });
    draw(state, held.get(), box, tables, page);
  });
}

/** Loads who one is and the codes; asks for a key without one, and tries again while the service is away. */
async function start() {
  const paths = ["/v1/taxonomy", ...data.cities.map(([city]) => `/v1/policies/${city}`)];
  const answers = await Promise.all([identify(), ...paths.map((path) => request(path))]);
  const bad = answers.find((answer) => !answer.ok);
  const allowed = bad ? null : await request("/v1/review-queues");
  if (bad || !allowed.ok) {
    const wrong = bad ?? allowed;
    store.set({ keyed: ![401, 403].includes(wrong.status) });
    $("key-problem").textContent = sessionStorage.getItem("key") || wrong.status !== 401 ? wrong.message : "";
    if (state.keyed) setTimeout(start, 2000);
    return;
  }
  tables = makeTables(answers[1].data, answers.slice(2).map(({ data: found }) => found), {});
  store.set({ keyed: true, me: answers[0].data, ...allowed.data, audit_rate: undefined });
  box.own(state.me.id);
  const place = desk.place();
  const asked = new URLSearchParams(location.search).get("queue");
  const known = QUEUES.some(([name]) => name === (asked ?? place?.queue));
  const busiest = QUEUES.find(([name]) => state.counts[name] > 0)?.[0] ?? "danger_under_called";
  await desk.go(known ? (asked ?? place.queue) : busiest, asked ? {} : (place?.filter ?? {}), asked ? null : place);
  if (state.reviewers > 1) await count();
  document.documentElement.dataset.ready = "yes";
}

takeKey();
fillHelp();
start();
