// Sample calls played as a phone system and a recogniser would: hypotheses that grow and are revised, turn after turn.

const PER_SECOND = 5; // characters; Mandarin on the telephone is 4 to 6
const EVERY = 2; // characters between two hypotheses
const PAUSE = 700; // ms between two speakers
const ANSWER = 350; // ms until a recogniser gives its final text

/** Everything that is heard of a turn: hypotheses without punctuation, then the final text. `at` in ms from its start. */
export function hypotheses(text) {
  const said = Array.from(text).filter((character) => !/[\p{P}\s]/u.test(character));
  const heard = [];
  for (let n = EVERY; n < said.length; n += EVERY) heard.push({ at: (n / PER_SECOND) * 1000, text: said.slice(0, n).join("") });
  return [...heard, { at: (said.length / PER_SECOND) * 1000 + ANSWER, text, final: true }];
}

/** The whole call as a list of events `{at, turn, speaker, text, partial}`, `at` in ms from the beginning. */
export function script(turns) {
  const events = [];
  let begun = 0;
  turns.forEach(({ speaker, text }, turn) => {
    const heard = hypotheses(text);
    for (const { at, text: words, final } of heard) events.push({ at: begun + at, turn, speaker, text: words, partial: !final });
    begun += heard.at(-1).at + PAUSE;
  });
  return events;
}

/**
 * Plays `turns`: `onTurn(event)` as each is heard, `onEnd()` after the last. `speed()` is asked before every event.
 * Returns `stop()`.
 */
export function play({ turns, speed, onTurn, onEnd, wait = setTimeout }) {
  const events = script(turns);
  let timer = null;
  let stopped = false;
  function next(n, before) {
    if (stopped) return;
    if (n === events.length) {
      onEnd();
      return;
    }
    timer = wait(() => {
      if (stopped) return;
      onTurn(events[n]);
      next(n + 1, events[n].at);
    }, (events[n].at - before) / speed());
  }
  next(0, 0);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
