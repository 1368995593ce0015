// Finding a code by what is typed: Chinese, whole pinyin, initials, or a mix of both (“lls”, “lin li”, “邻里”).

/** Whether `typed` spells the beginnings of the syllables from `from` on: "lljf", "linli", "llijf". */
export function spells(typed, syllables, from = 0) {
  if (!typed) return true;
  if (from >= syllables.length) return false;
  const syllable = syllables[from];
  for (let taken = Math.min(syllable.length, typed.length); taken > 0; taken--) {
    if (typed.startsWith(syllable.slice(0, taken)) && spells(typed.slice(taken), syllables, from + 1)) return true;
  }
  return false;
}

/** Lower case, half width, without the spaces and apostrophes that input methods put between syllables. */
export function normal(text) { return text.normalize("NFKC").toLowerCase().replace(/[\s'’·、，。]/g, ""); }

function score(typed, { term, pinyin, own }) {
  const syllables = pinyin.split(" ");
  const plain = normal(term);
  const penalty = own ? 0 : 1;
  if (plain === typed || syllables.join("") === typed) return penalty;
  if (plain.startsWith(typed)) return 2 + penalty;
  if (syllables.map((syllable) => syllable[0]).join("") === typed) return 3 + penalty;
  if (spells(typed, syllables)) return 4 + penalty;
  if (plain.includes(typed)) return 6 + penalty;
  for (let from = 1; from < syllables.length; from++) if (spells(typed, syllables, from)) return 8 + penalty;
  return Infinity;
}

/** Words as the page carries them, the first of a code being its own name. */
export function makeTerms(rows) {
  const named = new Set();
  return rows.map(([code, term, pinyin]) => {
    const own = !named.has(code);
    named.add(code);
    return { code, term, pinyin, own };
  });
}

/** Codes that fit best, best first; `likely` codes win between equals and are all there is for nothing typed. */
export function find(typed, terms, likely = [], limit = 8) {
  const wanted = normal(typed);
  if (!wanted) return likely.slice(0, limit).map((code) => ({ code, term: "" }));
  const best = new Map();
  for (const term of terms) {
    const points = score(wanted, term) - (likely.includes(term.code) ? 0.5 : 0);
    if (points < (best.get(term.code)?.points ?? Infinity)) best.set(term.code, { code: term.code, term: term.term, points });
  }
  return [...best.values()].sort((a, b) => a.points - b.points).slice(0, limit).map(({ code, term }) => ({ code, term }));
}
