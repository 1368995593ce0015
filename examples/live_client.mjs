// Sends a call's turns (JSON lines on standard input) as a live call and prints the suggestions; survives lost connections.
//
//   node examples/live_client.mjs ws://127.0.0.1:8110 CALL_ID KEY < turns.jsonl
//
// A line is {"speaker": "caller", "text": "…", "turn": 0, "partial": true}. Node 22, or Node 20 with --experimental-websocket;
// in a browser everything but reading the input is the same.
import { createInterface } from "node:readline";

const [server, callId, key] = process.argv.slice(2);
const LASTING = new Set([1000, 1008, 4401, 4403, 4409, 4413]);  // connecting again would not help
const turns = [];
let socket = null;
let sent = null;  // what the server knows, by turn; null until it has said so

function state(turn) { return JSON.stringify([turn.type, turn.speaker, turn.text, turn.partial]); }

/** Sends what the server does not know yet. */
function flush() {
  if (sent === null) return;
  turns.forEach((turn, number) => {
    if (sent.get(number) === state(turn)) return;
    socket.send(JSON.stringify(turn));
    sent.set(number, state(turn));
  });
}

function open() {
  const mine = socket = new WebSocket(`${server}/v1/calls/${callId}/live`, ["yidiantong.v1", `bearer.${key}`]);
  socket.onmessage = ({ data }) => {
    console.log(data);
    const message = JSON.parse(data);
    if (message.type !== "ready") return;
    sent = new Map(message.turns.map((turn) => [turn.turn, state(turn)]));
    flush();
  };
  socket.onclose = ({ code }) => lost(mine, code);
  socket.onerror = () => lost(mine, 1006);  // Node 20 does not say "close" when it could not connect
}

function lost(which, code) {
  if (which !== socket) return;  // known already
  socket = sent = null;
  if (LASTING.has(code)) process.exit(code === 1000 ? 0 : 1);
  setTimeout(open, 500);
}

open();
for await (const line of createInterface({ input: process.stdin })) {
  const message = { turn: turns.length, partial: false, ...JSON.parse(line) };
  turns[message.turn] = message;
  flush();
}
turns.push({ type: "end" });
flush();
