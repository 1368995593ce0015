// Names that only this page uses.

export const QUEUES = [
  ["danger_under_called", "危险低判", "坐席把危险往低了判，或事后证明更危险"],
  ["overridden", "坐席改派", "坐席没有采纳系统建议"],
  ["returned", "单位退单", "处置单位退回，指了别的单位"],
  ["confident_contradicted", "有把握被推翻", "系统有把握，却被改派或退单"],
  ["least_confident", "最没把握", "系统把握不足，最没把握的在前"],
  ["shadow", "候选有异议", "影子中的候选模型与在用模型说法不同"],
  ["suspected_label", "可疑标注", "复核结论与很有把握的建议相反，或标注核对认为应归另一类"],
  ["random_audit", "随机抽查", "按抽查率随机抽取"],
  ["drift", "突增类别", "最近七天明显变多的类别"],
  ["adjudication", "待裁决", "两位复核员结论不同，由第三人裁决"],
];
export const OUTCOMES = { none: "", accepted: "已受理", returned: "退单", resolved: "已办结", reopened: "重新打开" };
export const VERDICTS = { approve: "采纳", correct: "更正", unusable: "不可用" };
export const POLICE = { police: "警务", non_police: "非警务", invalid: "无效" };
export const FILTERS = { suggested_category: "建议类别", category: "现行类别", urgency: "现行紧急程度", destination: "现行去向",
  channel: "线路", town: "镇街", since: "从", to: "到" };

/** Day and minute of an instant, in this browser's time. */
export function clock(iso) {
  const at = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
