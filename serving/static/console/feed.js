// Where calls of a telephone system come in: its page or extension in this browser, of the same origin, says on a
// BroadcastChannel what its recogniser hears.

const NAME = "yidiantong.calls";
const ID = /^[\w.:-]{1,64}$/;
const LONGEST = 20_000;

/**
 * Listens for `{type: "call", call_id, title?, city?, channel?}`, `{type: "turn", call_id, speaker, text, turn?, partial?}`
 * and `{type: "end", call_id}`; a turn of an unknown call opens it. What is none of these is dropped.
 */
export function listen({ desk, known, home, Channel = BroadcastChannel }) {
  const channel = new Channel(NAME);
  channel.onmessage = ({ data }) => {
    if (typeof data !== "object" || data === null || !ID.test(String(data.call_id))) return;
    const id = String(data.call_id);
    if (data.type === "end") desk.hangUp(id);
    if (!["call", "turn"].includes(data.type)) return;
    if (data.type === "turn" && !isTurn(data)) return;
    if (!known(id)) desk.open({ id, source: "phone", ...home(data.city), ...given(data) });
    if (data.type === "turn") desk.hear(id, { turn: data.turn ?? nextTurn(known(id), data), speaker: data.speaker, text: data.text, partial: data.partial === true });
  };
  return () => channel.close();
}

function isTurn({ speaker, text, turn }) {
  const counted = turn === undefined || (Number.isInteger(turn) && turn >= 0 && turn < 400);
  return counted && ["caller", "operator"].includes(speaker) && typeof text === "string" && text.length <= LONGEST;
}

function given({ title, channel }) {
  return {
    title: typeof title === "string" ? title.slice(0, 40) : "",
    ...(["110", "12345"].includes(channel) ? { channel } : {}),
  };
}

/** A hypothesis goes on with the last turn while that is one and of the same speaker. */
function nextTurn(call, { speaker }) {
  const last = call?.turns.at(-1);
  return last?.partial && last.speaker === speaker ? call.turns.length - 1 : (call?.turns.length ?? 0);
}
