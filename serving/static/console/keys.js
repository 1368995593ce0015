// Every key of the page in one table: the overview shows it, the dispatcher obeys it.

/** `[keys, name, what it does, where it holds]`; keys as `KeyboardEvent.key`. */
export const KEYS = [
  { keys: ["Enter"], shown: "Enter", action: "accept", does: "采纳建议（或改派后的去向）并送出" },
  { keys: ["y", "Y"], shown: "Y", action: "agree", does: "来电人同意转出" },
  { keys: ["n", "N"], shown: "N", action: "refuse", does: "来电人不同意，留在本席" },
  { keys: ["1", "2", "3"], shown: "1 2 3", action: "choose", does: "把握不足时，选三个备选之一" },
  { keys: ["g", "G", "/"], shown: "G", action: "override", does: "改派：输拼音首字母、拼音或汉字，↑↓ 选，Enter 定" },
  { keys: ["u", "U"], shown: "U", action: "undo", does: "撤销改派，回到系统建议" },
  { keys: ["b", "B"], shown: "B", action: "note", does: "改移交单（Esc 改完）" },
  { keys: ["[", "【"], shown: "[", action: "previous", does: "上一路来电" },
  { keys: ["]", "】"], shown: "]", action: "next", does: "下一路来电" },
  { keys: [], shown: "Shift+1…9", action: "tab", does: "直接到第几路" },
  { keys: ["d", "D"], shown: "D", action: "danger", does: "跳到有危险的来电" },
  { keys: ["t", "T"], shown: "T", action: "type", does: "手工录入（新来电，或继续录）" },
  { keys: ["x", "X"], shown: "X", action: "close", does: "关闭这一路（已决定或已挂断）" },
  { keys: ["r", "R"], shown: "R", action: "replay", does: "演示：回放样例来电" },
  { keys: ["m", "M"], shown: "M", action: "sound", does: "危险提示音 开/关" },
  { keys: ["?", "？", "F1"], shown: "? F1", action: "help", does: "键位表 开/关" },
  { keys: ["Escape"], shown: "Esc", action: "back", does: "返回、关掉上面一层" },
];

const BY_KEY = new Map(KEYS.flatMap((row) => row.keys.map((name) => [name, row.action])));

/** Whether the keyboard belongs to a field now. */
export function isTyping(target) { return target instanceof HTMLElement && target.matches("input, textarea, select"); }

/** What a key outside of fields means: `{action, number}`, or null. */
export function meaning(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.shiftKey && /^Digit[1-9]$/.test(event.code)) return { action: "tab", number: Number(event.code.slice(5)) };
  const action = BY_KEY.get(event.key);
  if (!action) return null;
  if (event.repeat && !["previous", "next"].includes(action)) return null;
  return { action, number: /^[1-9]$/.test(event.key) ? Number(event.key) : 0 };
}
