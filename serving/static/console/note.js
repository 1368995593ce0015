// The hand-over note: when, where, what, who, what was promised. Written from the call until the operator edits it.

const PEOPLE = ["injured", "people", "phone", "plate"];
const FACT_NAMES = {
  place: "地点", injured: "受伤", weapon: "凶器", amount: "金额", phone: "电话", plate: "车牌", time: "时间", people: "人数", account: "账号",
};

export const factName = (field) => FACT_NAMES[field] ?? field;

const clock = (ms) => new Date(ms).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });

/** Facts by field, each text once. */
export function factsByField(facts) {
  const found = new Map();
  for (const { field, value, text } of facts) {
    const said = found.get(field) ?? [];
    const words = String(value || text);
    if (!said.includes(words)) said.push(words);
    found.set(field, said);
  }
  return found;
}

/** The note as it stands without the operator's hand, for the decision `way`. */
export function draftNote(call, way) {
  if (!way) return "";
  const facts = factsByField(call.facts);
  const said = (field) => facts.get(field)?.join("、");
  const place = call.suggestion?.location;
  const lines = [
    `时间：${clock(call.begun)} 来电${said("time") ? `，事发${said("time")}` : ""}`,
    `地点：${said("place") ?? (place ? placeName(place) : "未问清")}`,
    `事由：${way.categoryName}。${gist(call)}`,
    `人员：${PEOPLE.filter(said).map((field) => `${factName(field)}${said(field)}`).join("；") || "未提及"}`,
  ];
  const things = ["weapon", "amount", "account"].filter(said).map((field) => `${factName(field)}${said(field)}`);
  if (things.length) lines.push(`要点：${things.join("；")}`);
  lines.push(`答复：${promised(call, way)}`);
  return lines.join("\n");
}

/** District and town, and the caller's own words where they say something else. */
export function placeName({ district, town, text }) {
  const name = `${district}${town ?? ""}`;
  return name.includes(text) || text.includes(name) ? name : `${name}（“${text}”）`;
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
  if (call.consent === "refused") return "来电人不同意转出，由本席处置";
  if (call.consent === "given") return `已征得同意，转${to}联系处理`;
  return way.action === "dispatch" ? `已告知由${to}出警处置` : `已告知由${to}处理`;
}
