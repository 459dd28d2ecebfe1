// Subscriptions over one websocket (graphql-transport-ws), each resumed after its last cursor: whatever becomes of the
// connection, every item is handed on once and in order. The server says what it could not replay; that is handed on too.

import { session } from "./session.js";
import { refusal, socketAddress } from "./wire.js";

const PROTOCOL = "graphql-transport-ws";
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const PING_MS = 20_000;
const PONG_MS = 8_000;
const FORBIDDEN = 4403;

/** Follows subscriptions until `close()`. `onState` hears connecting, live, waiting or refused. */
export class Live {
  #followed = new Map();
  #onState;
  #socket = null;
  #acknowledged = false;
  #failures = 0;
  #closed = false;
  #lastId = 0;
  #retry = null;
  #pinging = null;
  #deadline = null;
  #listening = new AbortController();

  constructor(onState) {
    this.#onState = onState;
    const { signal } = this.#listening;
    window.addEventListener("online", () => this.#again(0), { signal });
    window.addEventListener("offline", () => this.#lose(), { signal });
    session.addEventListener("renewed", () => this.#tellToken(), { signal });
  }

  /** Follows one subscription whose payloads have a cursor, from `after` on.
   *
   * `onItem` gets each payload; `onRefused` a GraphError when the server will not tell (any more). What has no cursor
   * (presence, typing) is told anew on each connection: `onBegin` is called before. Gives a function that ends it. */
  follow(document, variables, after, onItem, onRefused, onBegin = () => {}) {
    const one = { document, variables, cursor: after, onItem, onRefused, onBegin };
    this.#followed.set(this.#newId(), one);
    if (this.#acknowledged) this.#subscribeAll();
    else if (!this.#socket && this.#retry === null) this.#open();
    return () => this.#leave(one);
  }

  #leave(one) {
    for (const [id, other] of this.#followed) {
      if (other !== one) continue;
      this.#followed.delete(id);
      if (one.socket === this.#socket) this.#say({ id, type: "complete" });
    }
  }

  /** Ends everything. Nothing is handed on after this. */
  close() {
    this.#closed = true;
    this.#listening.abort();
    clearTimeout(this.#retry);
    this.#followed.clear();
    this.#drop();
  }

  async #open() {
    if (this.#closed) return;
    this.#retry = null;
    this.#onState(this.#failures ? "waiting" : "connecting");
    let token;
    try {
      token = await session.token();
    } catch {
      token = null;
    }
    if (this.#closed || this.#socket) return;
    if (token === null) {
      if (session.signedIn) this.#again();
      return;
    }
    const socket = new WebSocket(socketAddress(), PROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#say({ type: "connection_init", payload: { Authorization: `Bearer ${token}` } });
    socket.onmessage = ({ data }) => this.#socket === socket && this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.#socket === socket && this.#closedBy(code, token);
  }

  #hear(message) {
    clearTimeout(this.#deadline);
    if (message.type === "next" || message.type === "pong") this.#failures = 0;
    const one = this.#followed.get(message.id);
    if (message.type === "connection_ack") this.#begin();
    else if (message.type === "ping") this.#say({ type: "pong" });
    else if (message.type === "next" && one) this.#take(message.id, one, message.payload);
    else if (message.type === "error" && one) this.#refuse(message.id, one, message.payload);
    else if (message.type === "complete" && one) this.#lose();
  }

  #begin() {
    this.#acknowledged = true;
    this.#pinging = setInterval(() => this.#ping({ type: "ping" }), PING_MS);
    this.#subscribeAll();
    this.#onState("live");
  }

  /** Subscribes to what this connection does not follow yet. Ids are never used twice, so no late answer is taken for
   * another's. */
  #subscribeAll() {
    for (const [id, one] of [...this.#followed]) {
      if (one.socket === this.#socket) continue;
      one.socket = this.#socket;
      this.#followed.delete(id);
      const fresh = this.#newId();
      this.#followed.set(fresh, one);
      const variables = { ...one.variables, after: one.cursor };
      one.onBegin();
      this.#say({ id: fresh, type: "subscribe", payload: { query: one.document, variables } });
    }
  }

  #take(id, one, { data, errors }) {
    if (errors?.length || !data) {
      this.#refuse(id, one, errors ?? [{ message: "The server gave no data." }]);
      return;
    }
    const [item] = Object.values(data);
    one.cursor = item.cursor;
    one.onItem(item);
  }

  #refuse(id, one, errors) {
    const error = refusal(errors);
    if (["RATE_LIMITED", "OVERLOADED", "INTERNAL", "UNAUTHENTICATED"].includes(error.code)) {
      this.#lose(error.retryAfter ? error.retryAfter * 1000 : undefined);
      return;
    }
    this.#followed.delete(id);
    this.#onState("refused");
    one.onRefused(error);
  }

  async #closedBy(code, token) {
    this.#drop();
    if (code === FORBIDDEN && this.#failures < 2) await session.renew(token).catch(() => {});
    if (session.signedIn) this.#again();
  }

  /** Gives the connection up and tries again: at once the first time, then ever later. */
  #lose(ms) {
    this.#drop();
    this.#again(ms);
  }

  #again(ms) {
    if (this.#closed || this.#acknowledged || !this.#followed.size) return;
    clearTimeout(this.#retry);
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#drop();
    this.#onState("waiting");
    this.#retry = setTimeout(() => this.#open(), ms ?? wait);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#acknowledged = false;
    clearInterval(this.#pinging);
    clearTimeout(this.#deadline);
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket?.close();
  }

  #ping(message) {
    this.#say(message);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lose(), PONG_MS);
  }

  /** A new access token renews an open connection without a break. */
  async #tellToken() {
    if (!this.#acknowledged) return;
    const token = await session.token().catch(() => null);
    if (token && this.#acknowledged) this.#ping({ type: "ping", payload: { Authorization: `Bearer ${token}` } });
  }

  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #newId() {
    this.#lastId += 1;
    return String(this.#lastId);
  }
}
