// One call's line to the service: a WebSocket that comes back by itself and says how it stands.

const PROTOCOL = "yidiantong.v1";
const WAITS = [300, 700, 1500, 3000, 5000];
const AWAY_AFTER = 3;
/** Close codes after which trying again is no use: `[code, sentence]`. */
const FINAL = { 4401: "密钥无效或已撤销", 4403: "这个密钥没有权限", 4409: "这一路来电已在别处打开", 4413: "来电内容超出上限", 1008: "没有这一路来电" };

/**
 * Opens `/v1/calls/{id}/live` and keeps it open until `close()`. `protocol()` says each time for whom, null where that cannot
 * be said now; `start()` says city and line of a call nothing is known of.
 * `onMessage(message)` gets every message, `onLink(state, sentence)` `connecting`, `open`, `lost`, `away` or `refused`.
 */
export function openLine({ id, protocol, start, onMessage, onLink, Socket = WebSocket, wait = setTimeout }) {
  let socket = null;
  let failed = 0;
  let timer = null;
  let opening = false;
  let done = false;
  let answered = false;
  let said = 0;
  let ending = false;

  async function connect() {
    if (opening) return;
    clearTimeout(timer);
    answered = false;
    opening = true;
    const who = await protocol();
    opening = false;
    if (done) return;
    if (who === null) return lost({ code: 0, reason: "" });
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new Socket(`${scheme}//${location.host}/v1/calls/${encodeURIComponent(id)}/live`, [PROTOCOL, who]);
    socket.onmessage = (event) => receive(JSON.parse(event.data));
    socket.onclose = (event) => lost(event);
  }

  function receive(message) {
    if (done) return;
    if (message.type === "ready") {
      if (!message.turns.length) socket.send(JSON.stringify({ type: "start", ...start() }));
      answered = true;
      failed = 0;
      onLink("open", "");
    }
    onMessage(message);
  }

  function lost(event) {
    if (done || (ending && event.code === 1000)) {
      done = true;
      return;
    }
    if (FINAL[event.code]) {
      done = true;
      onLink("refused", FINAL[event.code]);
      return;
    }
    failed = answered ? 1 : failed + 1;
    onLink(failed > AWAY_AFTER ? "away" : "lost", event.reason || "");
    timer = wait(connect, WAITS[Math.min(failed - 1, WAITS.length - 1)]);
  }

  connect();
  return {
    /** Says one turn; false when the line is not open, then it is said again after the next `ready`. */
    say(turn) {
      if (socket?.readyState !== 1 || !answered) return false;
      socket.send(JSON.stringify(turn));
      said += 1;
      return true;
    },
    /** How many turns went out: a suggestion of that `revision` knows them all. */
    said: () => said,
    /** The caller has hung up: the last suggestion still comes, then the service closes. */
    end() {
      ending = true;
      if (socket?.readyState === 1) socket.send(JSON.stringify({ type: "end" }));
    },
    retryNow() { if (!done && (socket?.readyState ?? 3) > 1) connect(); },
    close() {
      done = true;
      clearTimeout(timer);
      socket?.close(1000);
    },
  };
}
