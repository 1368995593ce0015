// Which characters of a turn are marked, and how. Offsets count characters (code points), not UTF-16 units.

/** Spans of the evidence, the dangers and the facts in turn `number`: `[from, to, kind]`. */
export function spansOf(turn, number, suggestion, facts = []) {
  if (!suggestion) return [];
  const spans = suggestion.evidence.filter((e) => e.turn === number && turn.text.includes(e.text)).map((e) => [e.start, e.end, "evidence"]);
  for (const fact of facts) if (fact.turn === number) spans.push([fact.start, fact.end, "fact"]);
  if (turn.speaker !== "caller") return spans;
  for (const flag of suggestion.red_flags) {
    const at = flag.text ? turn.text.indexOf(flag.text) : -1;
    if (at < 0) continue;
    const from = Array.from(turn.text.slice(0, at)).length;
    spans.push([from, from + Array.from(flag.text).length, "flag"]);
  }
  return spans;
}

/** The text cut into pieces: `{text, kinds}` with the kinds of every span that covers the piece. */
export function pieces(text, spans) {
  const characters = Array.from(text);
  const inside = spans.map(([from, to, kind]) => [Math.max(0, from), Math.min(characters.length, to), kind]).filter(([from, to]) => from < to);
  const cuts = [...new Set([0, characters.length, ...inside.flatMap(([from, to]) => [from, to])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, n) => ({
    text: characters.slice(from, cuts[n + 1]).join(""),
    kinds: [...new Set(inside.filter(([a, b]) => a <= from && from < b).map(([, , kind]) => kind))].sort(),
  }));
}
