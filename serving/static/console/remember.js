// Which calls were open in this tab, so that a reload goes on with them: what was said comes from the service again.
// Only names of calls are kept, nothing that was said.

const STORED = "console.calls";

/** Notes the calls that are worth coming back to. */
export function remember(calls) {
  const kept = calls.filter((call) => call.source !== "replay" && !call.ended && !call.decision)
    .map(({ id, source, title, city, channel, begun }) => ({ id, source, title, city, channel, begun }));
  const text = JSON.stringify(kept);
  if (sessionStorage.getItem(STORED) !== text) sessionStorage.setItem(STORED, text);
}

/** The calls noted before; none when there is nothing sensible. */
export function remembered() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    return Array.isArray(found) ? found.filter(({ id }) => typeof id === "string") : [];
  } catch {
    return [];
  }
}
