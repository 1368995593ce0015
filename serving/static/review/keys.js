// Every key of the page in one table: the overview shows it, the dispatcher obeys it.

/** `keys` as `KeyboardEvent.key`; `held`: may be held down. */
export const KEYS = [
  { keys: ["Enter"], shown: "Enter", action: "accept", does: "采纳第一种说法，看下一件；有更正时送出更正" },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1…9", action: "choose", does: "采纳表中这一行；更正或不可用时，选理由并送出" },
  { keys: ["g", "G", "c", "C", "/"], shown: "G", action: "correct", does: "更正类别、紧急程度或去向：输拼音首字母、拼音或汉字" },
  { keys: ["x", "X"], shown: "X", action: "unusable", does: "转写不可用" },
  { keys: ["n", "N"], shown: "N", action: "note", does: "备注" },
  { keys: ["z", "Z", "Backspace"], shown: "Z", action: "undo", does: "撤销上一个结论（批量则整批），回到那一件" },
  { keys: ["j", "J", "ArrowRight"], shown: "J →", action: "skip", does: "先跳过这一件", held: true },
  { keys: ["k", "K", "ArrowLeft"], shown: "K ←", action: "back", does: "回看上一件", held: true },
  { keys: ["]", "】"], shown: "]", action: "nextQueue", does: "下一个队列" },
  { keys: ["[", "【"], shown: "[", action: "previousQueue", does: "上一个队列" },
  { keys: ["s", "S"], shown: "S", action: "similar", does: "找相似来电" },
  { keys: ["f", "F"], shown: "F", action: "filter", does: "筛选队列" },
  { keys: ["b", "B"], shown: "B", action: "bulk", does: "对整个队列或筛选结果批量下结论" },
  { keys: ["l", "L"], shown: "L", action: "mine", does: "我的结论：待送、已送、未被接受" },
  { keys: [" "], shown: "空格", action: "scroll", does: "通话往下翻", held: true },
  { keys: ["?", "？", "F1"], shown: "? F1", action: "help", does: "键位表" },
  { keys: ["Escape"], shown: "Esc", action: "cancel", does: "放弃更正、返回" },
];

const BY_KEY = new Map(KEYS.flatMap((row) => row.keys.map((name) => [name, row])));

/** Whether the keyboard belongs to a field now. */
export function isTyping(target) { return target instanceof HTMLElement && target.matches("input, textarea, select"); }

/** What a key outside of fields means: `{action, number}`, or null. */
export function meaning(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null;
  const row = BY_KEY.get(event.key);
  if (!row || (event.repeat && !row.held)) return null;
  return { action: row.action, number: /^[1-9]$/.test(event.key) ? Number(event.key) : 0 };
}
