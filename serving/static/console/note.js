// The hand-over note: when, where, what, who, what was promised. The service writes it along with the suggestion, for each
// answer to being passed on; an override is written over it here, and without the service so is the whole.

const PEOPLE = ["injured", "people", "weapon", "plate", "phone"];
const THINGS = ["amount", "account"];
const FACT_NAMES = {
  place: "地点", injured: "受伤", weapon: "凶器", amount: "金额", phone: "电话", plate: "车牌", time: "时间", people: "人数", account: "账号",
};

export const factName = (field) => FACT_NAMES[field] ?? field;

const clock = (ms) => new Date(ms).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });

const more = (value, unit) => `${value.replace("+", "")} ${unit}${value.endsWith("+") ? "以上" : ""}`;
const WORDS = {
  injured: (value) => ({ 0: "没有", 有: "有人" })[value] ?? more(value, "人"),
  weapon: (value) => (value === "无" ? "没有" : value),
  amount: (value) => more(value, "元"),
  people: (value) => more(value, "人"),
};

/** A fact as people read it: “3 人”, “5000 元以上”; the time in the caller's own words. */
export function factWords({ field, value, text }) {
  if (field === "time") return text;
  return WORDS[field]?.(String(value)) ?? String(value || text);
}

/** Facts by field, each once. */
export function factsByField(facts) {
  const found = new Map();
  for (const fact of facts) {
    const said = found.get(fact.field) ?? [];
    const words = factWords(fact);
    if (!said.includes(words)) said.push(words);
    found.set(fact.field, said);
  }
  return found;
}

/** The note as it stands without the operator's hand, for the decision `way`. */
export function draftNote(call, way) {
  if (!way) return "";
  const written = call.handover?.[call.consent] ?? call.handover?.not_asked;
  if (!written) return ownNote(call, way);
  return way.chosen || way.stays ? overwritten(written, call, way) : written;
}

/** The service's note with what the operator chose instead: the matter and what the caller was told. */
function overwritten(written, call, way) {
  const lines = written.split("\n");
  const change = (label, words) => {
    const at = lines.findIndex((line) => line.startsWith(`${label}：`));
    if (at >= 0) lines[at] = `${label}：${words(lines[at].slice(label.length + 1))}`;
  };
  if (way.chosen) change("事由", (said) => [`${way.categoryName}（${way.urgencyName}）`, ...said.split("；").slice(1)].join("；"));
  change("已告知/征询结果", () => promised(call, way));
  return lines.join("\n");
}

function ownNote(call, way) {
  const facts = factsByField(call.facts);
  const said = (field) => facts.get(field)?.join("、");
  const named = (fields) => fields.filter(said).map((field) => `${factName(field)}：${said(field)}`).join("；");
  const place = call.suggestion?.location;
  const things = named(THINGS);
  return [
    `时间：${clock(call.begun)}来电${said("time") ? `；事发${said("time")}` : ""}`,
    `地点：${said("place") ?? (place ? placeName(place) : "未问清，请回拨核实")}`,
    `事由：${way.categoryName}（${way.urgencyName}）；来电人称“${gist(call)}”`,
    `人员/伤情：${named(PEOPLE) || "未提及"}`,
    ...(things ? [`财物：${things}`] : []),
    `已告知/征询结果：${promised(call, way)}`,
  ].join("\n");
}

/** District and town, and the caller's own words where they say something else. */
export function placeName({ district, town, text }) {
  const name = `${district}${town ?? ""}`;
  if (text.includes(name)) return text;
  return name.includes(text) ? name : `${name}（“${text}”）`;
}

/** What the caller said first that says something, short enough for one line. */
function gist(call) {
  const said = call.turns.filter((turn) => turn.speaker === "caller").map((turn) => turn.text);
  const first = said.find((text) => Array.from(text).length >= 8) ?? said[0] ?? "";
  const letters = Array.from(first);
  return letters.length > 60 ? `${letters.slice(0, 60).join("")}…` : first;
}

function promised(call, way) {
  const to = way.unit ?? way.destinationName;
  const linked = way.linked.length ? `；同时通报${way.linked.map((party) => party.name).join("、")}` : "";
  if (way.stays) return "来电人不同意转出，由本席处置";
  if (way.consent.required && call.consent === "given") return `已征得来电人同意，转${to}处理${linked}`;
  return `${way.action === "dispatch" ? `已告知来电人由${to}前往处置` : `已告知由${to}处理`}${linked}`;
}
