// The supervisor's wall: reads the events of /v1/live and keeps one card a call, the gravest first.
import { authorization, pageData, setKey, takeKey } from "./common.js";

const $ = (id) => document.getElementById(id);
const data = pageData();
const urgencies = Object.fromEntries(data.urgencies);
const LEVELS = data.urgencies.map(([level]) => level);
const LABELS = { police: "警务", non_police: "非警务", invalid: "无效" };
const UNDERLINED = 8000;  // milliseconds that a change stays marked
const calls = new Map();

function node(tag, name, text) {
  return Object.assign(document.createElement(tag), { className: name, textContent: text });
}

function minutes(began) {
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - began));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function article(call) {
  const card = node("article", "", "");
  card.dataset.level = call.urgency;
  card.dataset.call = call.call_id;
  card.classList.toggle("listening", !call.settled);
  card.classList.toggle("changed", Date.now() - call.changedAt < UNDERLINED);
  const top = node("div", "top", "");
  top.append(node("span", "level", call.settled || LEVELS.indexOf(call.urgency) < 2 ? urgencies[call.urgency] : "正在听"),
    node("span", "", LABELS[call.label]), node("span", "tag", call.settled && !call.confident ? "把握不足" : ""),
    node("time", "", minutes(call.began)));
  const bottom = node("div", "bottom", "");
  bottom.append(node("span", "", `${call.channel} · ${data.cities[call.city] || call.city}`), node("span", "id", call.call_id));
  card.append(top, node("p", "to", call.unit || call.destination.name), node("p", "what", call.category.name), bottom);
  return card;
}

function draw() {
  const order = (call) => [LEVELS.indexOf(call.urgency), call.began];
  const sorted = [...calls.values()].sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
  $("cards").replaceChildren(...sorted.map(article));
  const emergencies = sorted.filter((call) => call.urgency === "emergency").length;
  const unsure = sorted.filter((call) => call.settled && !call.confident).length;
  $("total").textContent = sorted.length;
  $("emergency").textContent = `紧急危险 ${emergencies}`;
  $("emergency").hidden = !emergencies;
  $("unsure").textContent = `把握不足 ${unsure}`;
  $("unsure").hidden = !unsure;
  $("empty").hidden = sorted.length > 0 || $("state").className === "lost";
}

function take(event, data) {
  if (event === "gone") calls.delete(data.call_id);
  else calls.set(data.call_id, { ...data, changedAt: data.changed ? Date.now() : calls.get(data.call_id)?.changedAt || 0 });
}

/** The blocks of an event stream as they come in. */
async function* blocks(body) {
  let waiting = "";
  for await (const piece of chunks(body.pipeThrough(new TextDecoderStream()))) {
    const parts = (waiting + piece).split("\n\n");
    waiting = parts.pop();
    yield parts;
  }
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function say(text, lost = false) {
  $("state").textContent = text;
  $("state").className = lost ? "lost" : "";
}

async function watch() {
  const response = await fetch("/v1/live", { headers: authorization(), cache: "no-store" });
  $("ask").hidden = response.status !== 401 && response.status !== 403;
  if (!response.ok) {
    say({ 401: "请填写密钥", 403: "这个密钥不能看大屏", 429: "看的人太多" }[response.status] || "服务出错", true);
    return;
  }
  calls.clear();
  say("实时");
  draw();
  for await (const parts of blocks(response.body)) {
    for (const part of parts) {
      const lines = Object.fromEntries(part.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (lines.event) take(lines.event, JSON.parse(lines.data));
    }
    draw();
  }
  say("连接已断，重连中…", true);
}

async function keepWatching() {
  for (;;) {
    try { await watch(); } catch { say("连接已断，重连中…", true); }
    draw();
    await new Promise((done) => setTimeout(done, 2000));
  }
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); setKey($("key").value); location.reload(); });
setInterval(draw, 1000);
takeKey();
keepWatching();
