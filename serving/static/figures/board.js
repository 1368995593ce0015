// Sentence, tiles and tables. Whatever comes from calls is set as text.
const $ = (id) => document.getElementById(id);
const ROWS = { category: 15, town: 15 };

export function el(tag, text = "", props = {}) {
  const found = document.createElement(tag);
  found.textContent = text;
  for (const [name, value] of Object.entries(props)) name in found ? (found[name] = value) : found.setAttribute(name, value);
  return found;
}

export const share = (value) => (value === null || value === undefined ? "—" : `${(value * 100).toFixed(1)}%`);
const number = (value) => (value === null || value === undefined ? "—" : value.toLocaleString("zh-CN"));

const TILES = [
  // title, measure, what stands below it, whether more is worse (1), better (-1) or neither (0)
  ["来电", "calls", (s) => `非警务 ${number(s.now.non_police)} · 无效 ${number(s.now.invalid)}`, 0],
  ["有效警情", "effective", (s) => `占来电 ${share(s.now.effective_rate)}`, 0],
  ["分流量", "diverted", () => "非警务转出", 0],
  ["分流率", "diversion_rate", () => "占全部来电", -1],
  ["改派率", "override_rate", (s) => `${number(s.now.overrode)}／${number(s.now.decided)} 已处理`, 1],
  ["退单率", "return_rate", (s) => `${number(s.now.returned)}／${number(s.now.handed_on)} 交办`, 1],
  ["把握不足", "unsure_rate", (s) => `${number(s.now.unsure)} 起`, 1],
  ["不同意转办", "refusal_rate", (s) => `问 ${number(s.now.asked)}，不同意 ${number(s.now.refused)}`, 1],
  ["重复来电", "again", (s) => `占来电 ${share(s.now.again_rate)}`, 1],
];

export function drawBoard(stats, drill) {
  $("label").textContent = stats.label;
  $("compared").textContent = [stats.complete ? "" : "未完", range("环比", stats.previous_span), range("同比", stats.year_ago_span)].filter(Boolean).join(" · ");
  $("sentence").textContent = stats.sentence;
  $("tiles").replaceChildren(...TILES.map((tile) => drawTile(stats, ...tile)), timeTile(stats, "处理用时", "decision_seconds", seconds), timeTile(stats, "建议用时", "suggestion_ms", (ms) => `${ms} 毫秒`), agreement(stats.confusion));
  for (const dimension of ["destination", "track", "group", "category", "town"]) table(stats, dimension, drill);
  confusion(stats.confusion, drill);
  $("foot").textContent = `统计于 ${new Date(stats.as_of).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai" })} · 按北京时间自然日 · 类别、去向以复核、坐席、建议为序取最可靠者 · 口径见 docs/figures.md`;
}

function range(word, span) { return span ? `${word}对 ${span.since.replaceAll("-", ".")}–${span.to.slice(5).replace("-", ".")}` : ""; }
function seconds(value) { return value < 120 ? `${value} 秒` : `${Math.floor(value / 60)} 分 ${value % 60} 秒`; }

function drawTile(stats, title, measure, below, sense) {
  const tile = el("div", "", { className: "tile" });
  const value = stats.now[measure];
  tile.append(el("h4", title), el("b", measure.endsWith("_rate") ? share(value) : number(value), { id: `now-${measure}` }), el("p", below(stats), { className: "soft" }));
  const moves = el("p", "", { className: "moves" });
  const { previous, year_ago } = stats.change[measure];
  if (stats.previous_span) moves.append(move("环比", previous, measure, sense));
  moves.append(move("同比", year_ago, measure, sense));
  tile.append(moves);
  return tile;
}

function move(word, value, measure, sense) {
  if (value === null) return el("span", `${word} —`);
  const points = measure.endsWith("_rate");
  const size = Math.abs(value * 100).toFixed(1);
  const way = Number(size) === 0 ? "" : value > 0 ? "▲" : "▼";
  const found = el("span", `${word} ${way}${size}${points ? "点" : "%"}`);
  if (way && sense) found.dataset.good = (value > 0) === (sense < 0) ? "yes" : "no";
  return found;
}

function timeTile(stats, title, name, said) {
  const tile = el("div", "", { className: "tile" });
  const { median, p95 } = stats.times[name];
  const before = stats.previous_times?.[name].median ?? null;
  tile.append(el("h4", title), el("b", median === null ? "—" : said(median), { id: `now-${name}` }), el("p", p95 === null ? "无数据" : `中位数；95% 不超过 ${said(p95)}`, { className: "soft" }));
  tile.append(el("p", before === null ? "上期 —" : `上期 ${said(before)}`, { className: "moves" }));
  return tile;
}

function agreement({ reviewed, agreed }) {
  const tile = el("div", "", { className: "tile" });
  tile.append(el("h4", "复核一致率"), el("b", reviewed ? share(agreed / reviewed) : "—", { id: "now-agreed" }), el("p", `类别一致 ${number(agreed)}／${number(reviewed)} 复核`, { className: "soft" }));
  return tile;
}

function table(stats, dimension, drill) {
  const rows = stats.by[dimension].filter((row) => row.calls || row.previous);
  const kept = rows.slice(0, ROWS[dimension] ?? 99), most = Math.max(1, ...kept.map((row) => row.calls));
  const head = el("tr");
  head.append(...["", "来电", "环比", "有效警情", "分流"].map((text) => el("th", text, { scope: "col" })));
  const body = el("tbody");
  for (const row of kept) body.append(line(row, dimension, most, drill));
  const rest = rows.slice(ROWS[dimension] ?? 99);
  if (rest.length) {
    const last = el("tr", "", { className: "rest" });
    const sum = (name) => number(rest.reduce((all, row) => all + row[name], 0));
    last.append(el("th", `其余 ${rest.length} 项`, { scope: "row" }), el("td", sum("calls")), el("td", ""), el("td", sum("effective")), el("td", sum("diverted")));
    body.append(last);
  }
  if (!rows.length) {
    const none = el("tr");
    none.append(el("td", "本期没有来电", { colSpan: 5, className: "soft" }));
    body.append(none);
  }
  $(dimension).replaceChildren(el("thead"), body);
  $(dimension).firstChild.append(head);
}

function filterOf(dimension, row) {
  const [district, town] = row.value.split("|");
  if (dimension === "town") return district && town ? { district, town } : null;
  return ["category", "destination"].includes(dimension) ? { [dimension]: row.value } : null;
}

function line(row, dimension, most, drill) {
  const found = el("tr"), name = el("th", "", { scope: "row" });
  const filter = filterOf(dimension, row);
  const label = filter ? el("button", row.name, { type: "button" }) : el("span", row.name);
  if (filter) label.addEventListener("click", () => drill(`${row.name} · ${number(row.calls)} 起`, filter));
  name.append(label);
  if (dimension === "town" && row.within) name.append(el("small", row.within));
  const bar = el("td", number(row.calls), { className: "bar" });
  bar.style.setProperty("--share", `${(row.calls / most) * 100}%`);
  const changed = row.previous ? `${row.calls >= row.previous ? "+" : "−"}${Math.abs(((row.calls - row.previous) / row.previous) * 100).toFixed(1)}%` : "—";
  found.append(name, bar, el("td", changed, { className: "soft" }), el("td", number(row.effective)), el("td", number(row.diverted)));
  return found;
}

function confusion({ reviewed, agreed, cells }, drill) {
  $("agreed").textContent = reviewed ? `复核 ${number(reviewed)} 起，类别一致 ${share(agreed / reviewed)}` : "本期没有复核";
  $("confusion").dataset.empty = reviewed ? "no" : "yes";
  const wrong = cells.filter((cell) => cell.suggested !== cell.reviewed);
  const open = (cell) => drill(`建议“${cell.suggested_name}”，复核“${cell.reviewed_name}” · ${number(cell.calls)} 起`, { suggested_category: cell.suggested, reviewed_category: cell.reviewed, review: "done" });
  const rows = wrong.slice(0, 12).map((cell) => {
    const row = el("tr"), what = el("th", "", { scope: "row" });
    const button = el("button", `${cell.suggested_name} → ${cell.reviewed_name}`, { type: "button" });
    button.addEventListener("click", () => open(cell));
    what.append(button);
    row.append(what, el("td", number(cell.calls)));
    return row;
  });
  const head = el("tr");
  head.append(el("th", "建议 → 复核", { scope: "col" }), el("th", "件数", { scope: "col" }));
  $("confusions").replaceChildren(head, ...rows);
  matrix(cells, open);
}

function matrix(cells, open) {
  const names = new Map(), at = new Map(), often = new Map();
  for (const cell of cells) {
    names.set(cell.suggested, cell.suggested_name).set(cell.reviewed, cell.reviewed_name);
    at.set(`${cell.suggested}|${cell.reviewed}`, cell);
    if (cell.suggested !== cell.reviewed) for (const code of [cell.suggested, cell.reviewed]) often.set(code, (often.get(code) ?? 0) + cell.calls);
  }
  const codes = [...names.keys()].sort((one, two) => (often.get(two) ?? 0) - (often.get(one) ?? 0));
  const most = Math.max(1, ...cells.filter((cell) => cell.suggested !== cell.reviewed).map((cell) => cell.calls));
  const head = el("tr");
  head.append(el("th", "建议＼复核", { className: "corner" }), ...codes.map((code) => { const th = el("th", "", { scope: "col" }); th.append(el("span", names.get(code))); return th; }));
  const rows = codes.map((one) => {
    const row = el("tr");
    row.append(el("th", names.get(one), { scope: "row" }), ...codes.map((two) => {
      const cell = at.get(`${one}|${two}`), td = el("td");
      if (!cell) return td;
      const button = el("button", String(cell.calls), { type: "button", title: `建议 ${cell.suggested_name}，复核 ${cell.reviewed_name}` });
      button.addEventListener("click", () => open(cell));
      td.append(button);
      td.className = one === two ? "same" : "other";
      if (one !== two) td.style.setProperty("--heat", `${Math.round(15 + 70 * (cell.calls / most))}%`);
      return td;
    }));
    return row;
  });
  $("matrix").replaceChildren(head, ...rows);
}
