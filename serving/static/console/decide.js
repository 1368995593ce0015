// Sending a decision until the service has it. The endpoint is idempotent, so a doubtful answer is simply asked again.

const WAITS = [500, 1000, 2000, 4000, 8000];
const AGAIN = new Set([0, 401, 408, 425, 429, 500, 502, 503, 504]);
const REFUSALS = { 404: "服务没有这一路来电的建议", 409: "这一路已经有另一个决定", 422: "服务不接受这个决定" };

/**
 * The body of `POST /v1/calls/{id}/decision` for what is decided. Consent counts only where it was wanted; where it was
 * refused the service keeps the matter with the line, so the suggestion is not overridden by it.
 */
export function decisionBody(call, way, note) {
  const body = {
    suggestion_id: call.suggestion.suggestion_id,
    destination: way.passedOn ?? way.destination,
    urgency: way.urgency,
    consent: way.consent.required ? call.consent : "not_asked",
  };
  if (way.category) body.category = way.category;
  if (note.trim()) body.note = note.trim();
  if (call.reason) body.reason = call.reason;
  return body;
}

/**
 * Sends `body` for the call until it is taken or refused. `onState({state, message, data})` hears `sending`, `waiting`
 * (will be tried again), `sent` or `refused`. Returns a function that stops trying.
 */
export function sendDecision({ id, body, request, onState, wait = setTimeout }) {
  let tries = 0;
  let stopped = false;
  let timer = null;
  async function attempt() {
    if (tries === 0) onState({ state: "sending", message: "" });
    const answer = await request(`/v1/calls/${encodeURIComponent(id)}/decision`, { method: "POST", body });
    if (stopped) return;
    if (answer.ok) onState({ state: "sent", message: "", data: answer.data });
    else if (AGAIN.has(answer.status)) {
      onState({ state: "waiting", message: answer.message });
      tries += 1;
      timer = wait(attempt, WAITS[Math.min(tries - 1, WAITS.length - 1)]);
    } else onState({ state: "refused", message: refusal(answer), field: answer.data?.errors?.[0]?.field ?? "" });
  }
  attempt();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function refusal({ status, message, data }) {
  return REFUSALS[status] ? `${REFUSALS[status]}${data?.detail ? `（${data.detail}）` : ""}` : message;
}
