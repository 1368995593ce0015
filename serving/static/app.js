// The page for trying the service out: one call in, its suggestion out.
import { pageData, request, setKey, takeKey } from "./common.js";
import { $ } from "./common/dom.js";

const data = pageData();
const POLICE = { police: "警务", non_police: "非警务", invalid: "无效" };
const ACTIONS = { dispatch: "派警 / 派单出动", transfer: "一键转接", three_way: "三方通话", work_order: "工单流转", answer: "话务引导", call_back: "回拨" };
const SPEAKERS = { "来电": "caller", "报警人": "caller", "坐席": "operator", "接警员": "operator" };
const percent = (p) => `${Math.round(p * 100)}%`;

$("key").value = takeKey();
$("key").addEventListener("change", () => setKey($("key").value));

function turnsOf(text) {
  const turns = [];
  for (const line of text.split("\n")) {
    const found = line.match(/^\s*(来电|报警人|坐席|接警员)\s*[：:]\s*(.*)$/);
    if (found) turns.push({ speaker: SPEAKERS[found[1]], text: found[2] });
    else if (!line.trim()) continue;
    else if (turns.length) turns[turns.length - 1].text += "\n" + line;
    else turns.push({ speaker: "caller", text: line });
  }
  return turns;
}

function list(target, texts) {
  target.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function marked(turn, number, s) {
  const line = document.createElement("p");
  line.className = turn.speaker;
  line.append(turn.speaker === "caller" ? "来电：" : "坐席：");
  const chars = Array.from(turn.text);  // offsets count characters, not UTF-16 units
  const spans = s.evidence.filter((e) => e.turn === number).map((e) => [e.start, e.end, ""]);
  for (const flag of s.red_flags) {
    const at = turn.speaker === "caller" ? turn.text.indexOf(flag.text) : -1;
    const from = Array.from(turn.text.slice(0, at)).length;
    if (at >= 0) spans.push([from, from + Array.from(flag.text).length, "flag"]);
  }
  const cuts = [...new Set([0, chars.length, ...spans.flatMap(([a, b]) => [a, b])])].sort((a, b) => a - b);
  cuts.slice(0, -1).forEach((from, i) => {
    const over = spans.filter(([a, b]) => a <= from && from < b);
    const piece = chars.slice(from, cuts[i + 1]).join("");
    const node = over.length ? document.createElement("mark") : document.createTextNode(piece);
    if (over.length) { node.textContent = piece; node.className = over.some(([, , kind]) => kind) ? "flag" : ""; }
    line.append(node);
  });
  return line;
}

function show(turns, s) {
  $("verdict").dataset.level = s.urgency.level;
  $("urgency").textContent = data.urgencies[s.urgency.level];
  $("destination").textContent = s.destination.name;
  $("unit").textContent = s.destination.unit || "";
  $("unsure").hidden = s.confident;
  $("police").textContent = `${POLICE[s.police.label]} ${percent(s.police.probability)}`;
  $("category").textContent = `${s.category.name} ${percent(s.category.probability)}`;
  $("alternatives").textContent = s.category.alternatives.map((a) => `${a.name} ${percent(a.probability)}`).join("，");
  $("action").textContent = ACTIONS[s.action];
  $("responsible").textContent = s.destination.responsible || "—";
  $("linked").textContent = s.linked.map((l) => l.name).join("、") || "—";
  $("location").textContent = s.location ? `${s.location.district}${s.location.town || ""}（“${s.location.text}”）` : "未知";
  $("flags").textContent = s.red_flags.map((f) => `“${f.text}”`).join(" ") || "—";
  $("consent").textContent = s.consent.required ? s.consent.script : "不需征询";
  list($("ask"), s.ask_next.map((q) => q.prompt));
  list($("reasons"), s.reasons);
  $("versions").textContent = `模型 ${s.model_version} · 规则 ${s.policy_version} · ${s.elapsed_ms} 毫秒`;
  $("transcript").replaceChildren(...turns.map((turn, n) => marked(turn, n, s)));
  $("transcript").hidden = $("suggestion").hidden = false;
}

async function classify() {
  const turns = turnsOf($("text").value);
  $("status").textContent = "";
  if (!turns.length) { $("status").textContent = "请先输入来电内容。"; return; }
  const city = $("city").value || undefined;  // not chosen: the key's, or else the service's
  const answer = await request("/v1/classify", { method: "POST", body: { city, channel: $("channel").value, turns } });
  if (answer.ok) show(turns, answer.data);
  else $("status").textContent = { 0: "服务没有应答，请按人工流程处理。", 401: "密钥无效，请在右上角填写。" }[answer.status] ?? `${answer.message}。`;
}

$("sample").addEventListener("change", () => {
  const chosen = data.samples[$("sample").value];
  if (!chosen) return;
  $("text").value = chosen.turns.map((t) => `${t.speaker === "caller" ? "来电" : "坐席"}：${t.text}`).join("\n");
  $("city").value = chosen.city ?? "";
  $("channel").value = chosen.channel;
  classify();
});
$("go").addEventListener("click", classify);
$("text").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) classify(); });
