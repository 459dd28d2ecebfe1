// Subscriptions over one websocket (graphql-transport-ws). The main one is resumed after its last cursor, so that
// whatever becomes of the connection every item is handed on once and in order.

import { listen, tell } from "./bus.js";
import { socketAddress } from "./graph.js";
import { session } from "./session.js";

const PROTOCOL = "graphql-transport-ws";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const CALM_MS = 10_000;
const PING_MS = 25_000;
const PONG_MS = 8_000;
const HIDDEN_MS = 10 * 60e3;

const followed = new Map();
let socket = null;
let acknowledged = false;
let paused = true;
let failures = 0;
let lastId = 0;
let retry = null;
let pinging = null;
let deadline = null;
let calm = null;
let hiding = null;

/** Whether what is shown is what is so. */
export function isLive() {
  return acknowledged;
}

/** Follows a subscription until the returned function is called. `heard` gets each payload; a `cursor` in it is where
 * the next connection goes on. `refused` is told when the server will not (any more). */
export function follow(query, variables, { after, heard, refused }) {
  const one = { query, variables, cursor: after, heard, refused, socket: null, id: null };
  followed.set(one, one);
  if (acknowledged) subscribe(one);
  return () => {
    followed.delete(one);
    if (acknowledged && one.socket === socket) put({ id: one.id, type: "complete" });
  };
}

/** Connects, and stays connected until `disconnect`. */
export function connect() {
  paused = false;
  if (!socket && retry === null) open();
}

export function disconnect() {
  paused = true;
  clearTimeout(retry);
  retry = null;
  drop();
}

function open() {
  retry = null;
  if (paused || socket || !session.token) return;
  const opening = new WebSocket(socketAddress(), PROTOCOL);
  const { token } = session;
  socket = opening;
  opening.onopen = () => put({ type: "connection_init", payload: { Authorization: `Bearer ${token}` } });
  opening.onmessage = ({ data }) => socket === opening && hear(JSON.parse(data));
  opening.onclose = ({ code }) => {
    if (socket !== opening) return;
    if (code === 4403) tell("unauthenticated");
    lose();
  };
  deadline = setTimeout(lose, PONG_MS * 2);
}

function hear({ type, id, payload }) {
  clearTimeout(deadline);
  const one = [...followed.values()].find((other) => other.id === id && other.socket === socket);
  if (type === "connection_ack") begin();
  else if (type === "ping") put({ type: "pong" });
  else if (type === "next" && one) take(one, payload);
  else if (type === "error" && one) refuse(one, payload);
  else if (type === "complete" && one) one.cursor === undefined ? followed.delete(one) : lose();
}

function begin() {
  acknowledged = true;
  calm = setTimeout(() => {
    failures = 0;
  }, CALM_MS);
  pinging = setInterval(() => ping({ type: "ping" }), PING_MS);
  for (const one of followed.values()) subscribe(one);
  tell("live");
}

function subscribe(one) {
  lastId += 1;
  one.id = String(lastId);
  one.socket = socket;
  const variables = one.cursor === undefined ? one.variables : { ...one.variables, after: one.cursor };
  put({ id: one.id, type: "subscribe", payload: { query: one.query, variables } });
}

function take(one, { data, errors }) {
  if (!data || (errors && errors.length)) {
    refuse(one, errors || [{ message: "no data" }]);
    return;
  }
  const [item] = Object.values(data);
  if (one.cursor !== undefined) one.cursor = item.cursor;
  one.heard(item);
}

function refuse(one, [{ extensions = {} }]) {
  if (["RATE_LIMITED", "OVERLOADED", "INTERNAL", "UNAUTHENTICATED"].includes(extensions.code)) {
    if (extensions.code === "UNAUTHENTICATED") tell("unauthenticated");
    lose((extensions.retryAfter || 0) * 1000);
    return;
  }
  followed.delete(one);
  if (one.refused) one.refused(extensions.code);
}

/** Gives the connection up and comes back: soon the first time, then ever later, never all browsers at once. */
function lose(least = 0) {
  drop();
  if (paused) return;
  const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
  failures += 1;
  clearTimeout(retry);
  retry = setTimeout(open, Math.max(least, longest * (0.5 + Math.random() / 2)));
}

function drop() {
  const old = socket;
  const was = acknowledged;
  socket = null;
  acknowledged = false;
  [deadline, calm].forEach(clearTimeout);
  clearInterval(pinging);
  if (old) {
    if (old.readyState === WebSocket.CONNECTING) old.onopen = () => old.close();
    else old.close();
  }
  if (was) tell("live");
}

function ping(message) {
  put(message);
  clearTimeout(deadline);
  deadline = setTimeout(lose, PONG_MS);
}

function put(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function hurry() {
  if (paused || acknowledged || (socket && socket.readyState === WebSocket.OPEN)) return;
  clearTimeout(retry);
  failures = 0;
  drop();
  open();
}

window.addEventListener("online", hurry);
window.addEventListener("offline", () => !paused && lose());
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => tell("long hidden"), HIDDEN_MS);
  else if (acknowledged) ping({ type: "ping" });
  else hurry();
});
window.addEventListener("pagehide", () => drop());
window.addEventListener("pageshow", ({ persisted }) => persisted && hurry());
listen("renewed", () => {
  if (acknowledged) ping({ type: "ping", payload: { Authorization: `Bearer ${session.token}` } });
  else hurry();
});
listen("forgotten", () => {
  followed.clear();
  drop();
});
