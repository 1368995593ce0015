// Sending a decision until the service has it. The endpoint is idempotent, so a doubtful answer is simply asked again.

const WAITS = [500, 1000, 2000, 4000, 8000];
const AGAIN = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
const REFUSALS = { 404: "服务没有这一路来电的建议", 409: "这一路已经有另一个决定", 422: "服务不接受这个决定" };

/** The body of `POST /v1/calls/{id}/decision` for what is decided. */
export function decisionBody(call, way, note) {
  const body = {
    suggestion_id: call.suggestion.suggestion_id,
    destination: way.destination,
    urgency: way.urgency,
    consent: call.consent,
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
      timer = wait(attempt, WAITS[Math.min(tries, WAITS.length - 1)]);
      tries += 1;
    } else onState({ state: "refused", message: refusal(answer), status: answer.status });
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
