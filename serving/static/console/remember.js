// What was open in this tab, so that a reload goes on with it. Of calls only names are kept, for what was said comes from
// the service again; of decisions that it does not have yet, all. Each operator has his own.

const NAME = "console.";

/** Notes for the operator `by` the calls that are worth coming back to, and what is still to be sent. */
export function remember(by, { calls, unsent }) {
  const kept = calls.filter(({ source, decision }) => source !== "replay" && decision?.state !== "sent")
    .map(({ id, source, title, city, channel, begun, ended }) => ({ id, source, title, city, channel, begun, ended }));
  const text = JSON.stringify({ calls: kept, unsent });
  if (sessionStorage.getItem(NAME + by) !== text) sessionStorage.setItem(NAME + by, text);
}

/** What was noted for `by`; nothing when there is nothing sensible. */
export function remembered(by) {
  const sensible = (items) => (Array.isArray(items) ? items.filter((item) => typeof item?.id === "string") : []);
  try {
    const found = JSON.parse(sessionStorage.getItem(NAME + by));
    return { calls: sensible(found?.calls), unsent: sensible(found?.unsent) };
  } catch {
    return { calls: [], unsent: [] };
  }
}
