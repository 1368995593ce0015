// What happens at the desk: calls open, turns are heard, suggestions come, decisions go out. No drawing here.

import { protocol, request } from "../common.js";
import { decisionBody, sendDecision } from "./decide.js";
import { openLine } from "./live.js";
import { draftNote } from "./note.js";
import { play } from "./replay.js";
import { effective, lowersDanger } from "./routing.js";
import { heard, inDanger, isDecided, newCall, resumed, suggested } from "./state.js";

const MOST_CALLS = 9;

/** The desk over `store`; `tables()` are the codes, `onDanger()` hears of a danger that was not there before. */
export function makeDesk({ store, tables, onDanger, openSocket = openLine }) {
  const lines = new Map();
  const players = new Map();

  function open({ source, title, city, channel, id = newId(), begun = Date.now(), ended = null }) {
    if (store.get().calls.length >= MOST_CALLS) return null;
    store.add({ ...newCall({ id, source, title, city, channel, begun }), ended });
    lines.set(id, openSocket({
      id, protocol, start: () => { const call = store.call(id); return { city: call.city, channel: call.channel }; },
      onMessage: (message) => receive(id, message),
      onLink: (link, sentence) => store.change(id, (call) => ({ ...call, link: call.ended && link !== "open" ? "ended" : link, problem: link === "refused" ? sentence : "" })),
    }));
    return id;
  }

  function receive(id, message) {
    const before = store.call(id);
    if (!before) return;
    if (message.type === "ready") {
      const [next, missing] = resumed(before, message);
      store.change(id, () => next);
      for (const turn of missing) lines.get(id).say({ ...next.turns[turn], turn });
      if (next.ended) lines.get(id).end();
      if (next.ended && !next.turns.length) reread(id);
    } else if (message.type === "suggestion") {
      store.change(id, (call) => suggested(call, message));
      if (before.decision?.state === "waiting" && !before.decision.body) submit(id);
    } else if (message.type === "problem") {
      store.change(id, (call) => ({ ...call, problem: `最后一句没有被接受：${message.title}` }));
    }
    if (!inDanger(before) && inDanger(store.call(id) ?? before)) onDanger(id);
  }

  /** Takes what is written down of a call that the service no longer has on line. */
  async function reread(id) {
    const answer = await request(`/v1/calls/${encodeURIComponent(id)}`);
    if (answer.ok && answer.data.turns) store.change(id, (call) => resumed(call, answer.data)[0]);
  }

  function hear(id, turn) {
    const call = store.call(id);
    if (!call || call.ended) return;
    store.change(id, (now) => heard(now, turn));
    lines.get(id)?.say(turn);
  }

  function hangUp(id) {
    if (!store.call(id)) return;
    store.change(id, (call) => ({ ...call, ended: call.ended ?? Date.now(), link: "ended" }));
    lines.get(id)?.end();
  }

  /**
   * Sends what is decided now. Without any suggestion it waits for the first one, which names what was decided on; a
   * danger in it was not known then.
   */
  function submit(id) {
    const call = store.call(id);
    const way = effective(call, tables());
    const decision = { to: way.unit ?? way.destinationName, urgency: way.urgency, known: call.decision?.state !== "waiting" && inDanger(call), state: "waiting", message: "" };
    if (!call.suggestion) {
      store.change(id, (now) => ({ ...now, decision: { ...decision, message: "服务恢复后自动送出" } }));
      return;
    }
    const body = decisionBody(call, way, call.note ?? draftNote(call, way));
    send({ id, ...decision, body });
  }

  /** Sends a decision until it is taken or refused; until then it is among the unsent, whether its call is open or not. */
  function send({ id, ...decision }) {
    const onState = (state) => {
      const next = { ...decision, ...state };
      const others = store.get().unsent.filter((item) => item.id !== id);
      store.set({ unsent: next.state === "sending" || next.state === "waiting" ? [...others, { id, ...decision }] : others });
      store.change(id, (call) => ({ ...call, decision: next }));
    };
    sendDecision({ id, body: decision.body, request, onState });
  }

  /** Accepts what stands there: `{done}`, `{say}` what is missing first, or `{reason}` the words to ask a reason with. */
  function accept(id) {
    const call = store.call(id);
    const way = effective(call, tables());
    if (!way) return { say: "还没有建议，可按 G 人工选择" };
    if (isDecided(call)) return { say: "这一路已经决定" };
    const danger = way.urgency === "emergency";
    if (call.suggestion?.settled === false && !call.draft && !danger) return { say: "说得还不够，再听一句；要先定，按 1、2、3 或 G" };
    if (call.suggestion && !call.suggestion.confident && !call.draft && !danger) return { say: "把握不足：先按 1、2、3 或 G 选定" };
    if (way.consent.required && call.consent === "not_asked") return { say: "请先征询：Y 同意，N 不同意" };
    const unsaid = !call.reason && (lowersDanger(call.suggestion, way) || call.decision?.field === "reason");
    if (unsaid) {
      return { reason: `系统判断为危险，您要改为：${way.categoryName}，${tables().urgencies[way.urgency]}，${way.unit ?? way.destinationName}` };
    }
    submit(id);
    return { done: true };
  }

  function close(id) {
    players.get(id)?.();
    lines.get(id)?.end();
    lines.get(id)?.close();
    players.delete(id);
    lines.delete(id);
    store.remove(id);
  }

  function playSample(sample, { home, speed }) {
    const id = open({ source: "replay", title: sample.title, ...home(sample.city), channel: sample.channel });
    if (!id) return null;
    const onTurn = ({ turn, speaker, text, partial }) => hear(id, { turn, speaker, text, partial });
    players.set(id, play({ turns: sample.turns, speed, onTurn, onEnd: () => hangUp(id) }));
    return id;
  }

  return {
    open, hear, hangUp, accept, send, close, playSample,
    /** The choice of the operator, laid over what was chosen before; consent is asked anew. */
    choose: (id, part) => store.change(id, (call) => (isDecided(call) ? call : { ...call, draft: { ...call.draft, ...part }, consent: "not_asked", reason: "" })),
    undo: (id) => store.change(id, (call) => (isDecided(call) ? call : { ...call, draft: null, consent: "not_asked", reason: "" })),
    consent: (id, answer) => store.change(id, (call) => (isDecided(call) ? call : { ...call, consent: answer })),
    reason: (id, reason) => store.change(id, (call) => ({ ...call, reason })),
    note: (id, note) => store.change(id, (call) => ({ ...call, note })),
    retryNow: () => lines.forEach((line) => line.retryNow()),
    line: (id) => lines.get(id),
  };
}

/** 128 random bits; `crypto.randomUUID` wants HTTPS, a duty room's server may not have it. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
