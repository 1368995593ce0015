// The figures page: which period of whose calls is shown, and what the keys do.
import { authorization, pageData, request, setKey, takeKey } from "../common.js";
import { drawCharts } from "./charts.js";
import { drawBoard } from "./board.js";
import { openCalls } from "./calls.js";

const $ = (id) => document.getElementById(id);
const KINDS = ["day", "week", "month", "quarter", "year", "custom"];
const asked = new URLSearchParams(location.search);
const state = { period: KINDS.includes(asked.get("period")) ? asked.get("period") : "month", day: asked.get("day") || today(),
  since: asked.get("since") || "", to: asked.get("to") || "", city: asked.get("city") || "", channel: asked.get("channel") || "" };
let shown = null, running = null;

function today() { return new Date(Date.now() + 8 * 36e5).toISOString().slice(0, 10); }

function question() {
  const { period, day, since, to, city, channel } = state;
  const dates = period === "custom" ? { since, to } : { day };
  return new URLSearchParams(Object.entries({ period, ...dates, city, channel }).filter(([, value]) => value)).toString();
}

async function load() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  fillForm();
  if (state.period === "custom" && !(state.since && state.to)) return say("请选起止日期");
  delete document.documentElement.dataset.ready;
  say("正在统计…");
  const answer = await request(`/v1/stats?${question()}`, { signal });
  if (signal.aborted) return;
  if (!answer.ok) {
    $("key-form").hidden = ![401, 403].includes(answer.status);
    say(answer.status === 401 && !authorization().Authorization ? "请输入密钥，或先登录" : answer.message, true);
    return;
  }
  history.replaceState(null, "", `${location.pathname}?${question()}`);
  $("key-form").hidden = true;
  $("board").hidden = false;
  shown = answer.data;
  if (shown.city && !state.city) state.city = shown.city;
  fillForm();
  say(shown.pending ? `另有 ${shown.pending} 天的数据正在重新统计，稍后自动更新` : "");
  draw();
  if (shown.pending) setTimeout(() => { if (!signal.aborted) load(); }, 5000);
  document.documentElement.dataset.ready = "yes";
}

function draw() {
  if (!shown) return;
  drawBoard(shown, (title, filter) => openCalls(title, { since: shown.span.since, to: shown.span.to, city: shown.city, channel: shown.channel, ...filter }));
  drawCharts(shown);
}

function say(text, bad = false) { $("status").textContent = text; $("status").dataset.bad = bad ? "yes" : "no"; }

function fillForm() {
  for (const button of $("kinds").children) button.setAttribute("aria-pressed", String(button.dataset.kind === state.period));
  $("one-day").hidden = state.period === "custom";
  $("two-days").hidden = state.period !== "custom";
  for (const name of ["day", "since", "to", "city", "channel"]) $(name).value = state[name];
}

function set(change) { Object.assign(state, change); load(); }

function choose(period) {
  const span = shown?.span ?? {};
  set(period === "custom" ? { period, since: state.since || span.since || "", to: state.to || span.to || "" } : { period });
}

/** The day that lies one period before or after. */
function step(direction) {
  if (state.period === "custom") return;
  const [year, month, day] = state.day.split("-").map(Number);
  const months = { month: 1, quarter: 3, year: 12 }[state.period];
  const moved = months ? new Date(Date.UTC(year, month - 1 + direction * months, 1))
    : new Date(Date.UTC(year, month - 1, day + direction * (state.period === "week" ? 7 : 1)));
  set({ day: moved.toISOString().slice(0, 10) });
}

async function copy() {
  try { await navigator.clipboard.writeText(shown.sentence); } catch {
    const range = document.createRange();
    range.selectNodeContents($("sentence"));
    getSelection().removeAllRanges(); getSelection().addRange(range);
    document.execCommand("copy");
  }
  say("已复制");
}

async function download(ending) {
  say("正在生成…");
  const answer = await fetch(`/v1/stats.${ending}?${question()}`, { headers: authorization() }).catch(() => null);
  if (!answer?.ok) return say("下载失败，请重试", true);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = answer.headers.get("Content-Disposition").split('"')[1];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  say("");
}

for (const [code, name] of pageData().cities) $("city").append(new Option(name, code));
for (const button of $("kinds").children) button.addEventListener("click", () => choose(button.dataset.kind));
for (const name of ["day", "since", "to", "city", "channel"]) $(name).addEventListener("change", (event) => {
  if (event.target.value || !["day", "since", "to"].includes(name)) set({ [name]: event.target.value });
});
$("back").addEventListener("click", () => step(-1));
$("on").addEventListener("click", () => step(1));
$("copy").addEventListener("click", copy);
$("csv").addEventListener("click", () => download("csv"));
$("xlsx").addEventListener("click", () => download("xlsx"));
$("print").addEventListener("click", () => print());
$("calls-close").addEventListener("click", () => $("calls").close());
$("key-form").addEventListener("submit", (event) => { event.preventDefault(); setKey($("key").value); load(); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || $("calls").open) return;
  const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), c: () => shown && copy(), p: () => print() };
  const work = keys[event.key] ?? (KINDS[event.key - 1] && (() => choose(KINDS[event.key - 1])));
  if (work) { event.preventDefault(); work(); }
});
for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", () => shown && drawCharts(shown));
addEventListener("resize", () => shown && drawCharts(shown));

takeKey();
load();
