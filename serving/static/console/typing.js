// Fields on the desk: what an operator types for the caller, and the hand-over note.

import { $ } from "../common/dom.js";

const QUIET = 250; // ms without a key until what is typed counts as a hypothesis

export function makeTyping({ store, desk, home, say, drawNow }) {
  let timer = null;

  /** The number of the turn that is being typed now. */
  function turnNumber(call) {
    const last = call.turns.length - 1;
    return last >= 0 && call.turns[last].partial ? last : last + 1;
  }

  function speak(speaker, partial) {
    clearTimeout(timer);
    const call = store.active();
    const text = $("said").value.trim();
    if (!call || call.source !== "typed" || !text) return;
    desk.hear(call.id, { turn: turnNumber(call), speaker, text, partial });
    if (!partial) $("said").value = "";
  }

  $("said").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => speak("caller", true), QUIET);
  });
  $("said").addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") speak(event.shiftKey ? "operator" : "caller", false);
    else if (event.key === "Escape") $("said").blur();
    else return;
    event.preventDefault();
  });
  $("typing").addEventListener("submit", (event) => event.preventDefault());

  const note = $("note");
  note.addEventListener("input", () => { if (store.active()) desk.note(store.active().id, note.value); });
  note.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Escape") return;
    event.preventDefault();
    note.blur();
  });
  note.addEventListener("blur", () => { note.readOnly = true; });

  return {
    /** Goes on typing in the call in front if that is a typed one, otherwise opens one. */
    begin() {
      const call = store.active();
      if (call?.source !== "typed" || call.ended) {
        const id = desk.open({ source: "typed", title: "", ...home() });
        if (!id) {
          say("同时最多九路来电，请先关闭一路");
          return;
        }
        $("said").value = "";
        store.set({ active: id });
      }
      drawNow(); // the next key may come before the page would be drawn
      $("said").focus();
    },
    editNote() {
      note.readOnly = false;
      note.focus();
    },
  };
}
