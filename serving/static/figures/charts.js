// Two charts, drawn on canvas: the content policy allows no inline style, so tooltips are drawn on it too.
const $ = (id) => document.getElementById(id);
const charts = new Map();

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ink", "soft", "line", "card", "police", "diverted", "calls"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function chart(id, option) {
  if (!charts.has(id)) charts.set(id, echarts.init($(id), null, { renderer: "canvas" }));
  const found = charts.get(id);
  found.resize();
  found.setOption({ animation: false, ...option }, true);
}

export function drawCharts(stats) {
  const c = colours();
  const text = { color: c.soft, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 13 };
  const base = {
    textStyle: text, grid: { left: 48, right: 14, top: 34, bottom: 26 },
    legend: { top: 0, right: 0, textStyle: text, itemWidth: 26, itemStyle: { opacity: 0 } },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: c.card, borderColor: c.line, textStyle: { ...text, color: c.ink } },
    yAxis: { type: "value", minInterval: 1, axisLabel: text, splitLine: { lineStyle: { color: c.line } } },
  };
  const axis = (data) => ({ type: "category", data, axisLabel: text, axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false } });
  const line = (name, measure, colour, dashed) => ({
    name, type: "line", data: stats.course.map((point) => point[measure]), color: colour, symbol: stats.course.length > 1 ? "none" : "circle", symbolSize: 8,
    lineStyle: { width: dashed ? 1.5 : 2.5, type: dashed ? "dashed" : "solid", opacity: dashed ? 0.7 : 1 },
  });
  const steps = stats.course.map(({ start }) => (stats.step === "month" ? `${start.slice(2, 4)}年${Number(start.slice(5, 7))}月` : `${Number(start.slice(5, 7))}.${Number(start.slice(8))}`));
  const before = stats.previous_span ? [line("上期有效警情", "previous_effective", c.police, true), line("上期分流", "previous_diverted", c.diverted, true)] : [];
  chart("course", { ...base, xAxis: axis(steps), series: [line("有效警情", "effective", c.police), line("分流", "diverted", c.diverted), ...before] });
  $("course").setAttribute("aria-label", `走势：有效警情共 ${stats.now.effective} 起，分流 ${stats.now.diverted} 件`);
  const bars = (name, measure, colour) => ({ name, type: "bar", data: stats.by.hour.map((hour) => hour[measure]), color: colour, barGap: "-100%", barCategoryGap: "30%" });
  chart("hours", { ...base, xAxis: axis(stats.by.hour.map((_, hour) => `${hour}`)), legend: { top: 0, right: 0, textStyle: text }, series: [bars("来电", "calls", c.calls), bars("有效警情", "effective", c.police)] });
  const busiest = stats.by.hour.reduce((most, hour) => (hour.calls > most.calls ? hour : most));
  $("hours").setAttribute("aria-label", `时段：${busiest.name} 来电最多，${busiest.calls} 起`);
}
