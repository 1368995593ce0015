// The operator's page: starts, listens to keys and clicks, draws after every change.

import { identify, pageData, request, setKey, takeKey } from "../common.js";
import { makeDesk } from "./desk.js";
import { isOpen } from "../common/dialogs.js";
import { $ } from "../common/dom.js";
import { listen } from "./feed.js";
import { isTyping, meaning } from "./keys.js";
import { makeFinder } from "../common/finder.js";
import { fillHelp, makeReason, makeSamples } from "./overlays.js";
import { remember, remembered } from "./remember.js";
import { kindOf, makeTables } from "../common/tables.js";
import { effective, topThree } from "./routing.js";
import { dangerTone } from "./sound.js";
import { createStore, graver, inDanger, isDecided } from "./state.js";
import { makeTyping } from "./typing.js";
import { draw } from "./view.js";
import { drawClock } from "./view_transcript.js";
import { makeTerms } from "../common/words.js";

const data = pageData();
const cities = Object.fromEntries(data.cities);
const asked = new URLSearchParams(location.search);
const TOGETHER = 3; // samples that are played at the same time
const APART = 20_000; // ms at speed 1 between the starts of two
let tables = null;
let me = null;
let toastTimer = null;

const store = createStore({ calls: [], unsent: [], active: null, keyed: true, sound: sessionStorage.getItem("sound") === "on", toast: "",
  replaying: false, speed: Number(asked.get("speed")) || 1 });
const speed = () => store.get().speed;
const desk = makeDesk({ store, tables: () => tables, onDanger: () => { if (store.get().sound) dangerTone(); } });
const finder = makeFinder(makeTerms(data.terms), () => tables);
const reason = makeReason();
const samples = makeSamples(data.samples, speed, (value) => store.set({ speed: value }), (chosen) => replay(chosen, 3_000));
/** Where a call is at home: in the city of the operator's key, else in the one announced, else in the default one. */
const home = (announced) => ({ city: me.city ?? (Object.hasOwn(cities, announced) ? announced : data.city), channel: "110" });
const typing = makeTyping({ store, desk, home, say: toast, drawNow });

function toast(text) {
  clearTimeout(toastTimer);
  store.set({ toast: text });
  if (text) toastTimer = setTimeout(() => store.set({ toast: "" }), 4000);
}

/** Plays the samples one after the other, `apart` ms between two starts, at most three at a time. */
function replay(chosen, apart = APART) {
  const waiting = [...chosen];
  let last = -Infinity;
  store.set({ replaying: true });
  const tick = () => {
    const running = store.get().calls.filter((call) => call.source === "replay" && !call.ended).length;
    const due = performance.now() - last >= apart / speed();
    if (waiting.length && due && running < TOGETHER && store.get().calls.length < 6) {
      last = performance.now();
      const id = desk.playSample(waiting.shift(), { home, speed });
      if (running === 0 && id && !store.active()?.turns.length) store.set({ active: id });
    }
    if (waiting.length) setTimeout(tick, 200);
  };
  tick();
}

function step(by) {
  const { calls, active } = store.get();
  if (calls.length) store.set({ active: calls[(calls.findIndex(({ id }) => id === active) + by + calls.length) % calls.length].id });
}

function accept(id) {
  const result = desk.accept(id);
  if (result.reason) {
    const { suggestion } = store.call(id);
    reason.open(result.reason, (words) => {
      if (graver(store.call(id).suggestion, suggestion)) return toast("写理由时又听到危险，请看清再定");
      desk.reason(id, words);
      accept(id);
    });
  }
  toast(result.say ?? "");
}

function closeCall(call) {
  const idle = !call.turns.length || call.decision?.state === "sent";
  if (!idle && store.get().closing !== call.id) {
    store.set({ closing: call.id });
    setTimeout(() => store.set({ closing: null }), 4000);
    toast("这一路还没有决定，再按一次 X 才关闭");
    return;
  }
  toast("");
  desk.close(call.id);
}

function answerConsent(call, answer) {
  const way = effective(call, tables);
  if (!way?.consent.required) toast(isDecided(call) ? "这一路已经决定" : "这一件不需征询");
  else desk.consent(call.id, answer);
}

/** What each action does to the call in front. */
const ON_CALL = {
  accept: (call) => accept(call.id),
  agree: (call) => answerConsent(call, "given"),
  refuse: (call) => answerConsent(call, "refused"),
  choose: (call, number) => {
    const s = call.suggestion;
    const code = topThree(call, tables)[number - 1]?.code;
    if (!code || (s.confident && !call.draft)) toast("有把握时不用选，按 G 可改派");
    else desk.choose(call.id, { category: code, destination: undefined, urgency: undefined });
  },
  override: (call) => {
    if (isDecided(call)) return toast("这一路已经决定");
    const s = call.suggestion;
    const likely = s ? [...s.category.alternatives, ...s.destination.alternatives].map(({ code }) => code) : [];
    return finder.open(likely, (code) => {
      const kind = kindOf(code, tables);
      desk.choose(call.id, kind === "category" ? { category: code, destination: undefined, urgency: undefined } : { [kind]: code });
    });
  },
  undo: (call) => desk.undo(call.id),
  note: () => typing.editNote(),
  close: closeCall,
};

const ON_PAGE = {
  previous: () => step(-1),
  next: () => step(1),
  tab: (number) => { const call = store.get().calls[number - 1]; if (call) store.set({ active: call.id }); },
  danger: () => {
    const found = store.get().calls.find((call) => inDanger(call) && !isDecided(call));
    if (found) store.set({ active: found.id });
    else toast("没有未处置的危险来电");
  },
  type: () => typing.begin(),
  replay: () => samples.open(),
  sound: () => {
    store.set({ sound: !store.get().sound });
    sessionStorage.setItem("sound", store.get().sound ? "on" : "off");
    if (store.get().sound) dangerTone();
  },
  help: () => $("help").showModal(),
  back: () => toast(""),
};

function act(action, number) {
  if (!tables) return;
  const call = store.active();
  if (ON_PAGE[action]) ON_PAGE[action](number);
  else if (call) ON_CALL[action]?.(call, number);
}

document.addEventListener("keydown", (event) => {
  if (isOpen() || isTyping(event.target)) return;
  if (event.key === "Enter" && event.target.closest?.("button, a")) return;
  const meant = meaning(event);
  if (!meant) return;
  event.preventDefault();
  act(meant.action, meant.number);
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  const button = event.target.closest("[data-action]");
  if (tab) store.set({ active: tab.dataset.tab });
  else if (button) act(button.dataset.action, Number(button.dataset.number) || 0);
  if (tab || button) document.activeElement?.closest("button")?.blur();
});
$("speed-of").addEventListener("change", () => store.set({ speed: Number($("speed-of").value) }));
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey($("key").value);
  start();
});
window.addEventListener("online", () => desk.retryNow());
window.addEventListener("beforeunload", (event) => {
  const { calls, unsent } = store.get();
  const lost = ({ source, turns, decision }) => source !== "replay" && turns.length && decision?.state !== "sent";
  if (unsent.length || calls.some(lost)) event.preventDefault();
});

function drawNow() {
  draw(store.get(), tables, cities);
  if ($("speed-of").value !== String(speed())) $("speed-of").value = String(speed());
}

let drawing = false;
function redrawSoon() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    drawNow();
  });
}
store.subscribe(redrawSoon);
store.subscribe((state) => { if (tables) remember(me.id, state); });
setInterval(() => { const call = store.active(); if (call) drawClock(call, Date.now()); }, 500);

/** Loads who one is and the codes; asks for a key when there is none, and again every two seconds while the service is away. */
async function start() {
  const paths = ["/v1/taxonomy", ...data.cities.map(([city]) => `/v1/policies/${city}`)];
  const answers = await Promise.all([identify(), ...paths.map((path) => request(path))]);
  const bad = answers.find((answer) => !answer.ok);
  if (bad) {
    store.set({ keyed: ![401, 403].includes(bad.status) });
    $("key-problem").textContent = sessionStorage.getItem("key") || bad.status !== 401 ? bad.message : "";
    drawNow();
    if (store.get().keyed) setTimeout(start, 2000);
    else $("key").focus();
    return;
  }
  me = answers[0].data;
  const before = remembered(me.id);
  tables = makeTables(answers[1].data, answers.slice(2).map(({ data: found }) => found), data.scripts);
  store.set({ keyed: true });
  for (const call of before.calls) desk.open(call);
  for (const decision of before.unsent) desk.send(decision);
  listen({ desk, known: store.call, home });
  document.documentElement.dataset.ready = "yes";
  if (asked.get("replay")) {
    const chosen = (asked.get("sample") ?? "").split(",").filter(Boolean).map((n) => data.samples[Number(n)]).filter(Boolean);
    replay(chosen.length ? chosen : data.samples, chosen.length ? 3_000 : APART);
  }
  redrawSoon();
}

takeKey();
fillHelp();
start();
// For tests: the state and what acts on it.
window.yidiantong = { store, desk, effective: (call) => effective(call, tables) };
