// What was written and is not acknowledged yet. It is kept in this browser until the server has it, whatever becomes of
// the connection or the page; the client's own id of each message makes sure that sending again does not say it twice.

import { account } from "../account.js";
import { ask } from "../graph.js";
import { NOTE, SEND } from "./documents.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;
const PASSING = new Set(["NETWORK", "RATE_LIMITED", "OVERLOADED", "INTERNAL", "UNAUTHENTICATED"]);

/** Tells `changed` when an entry comes, goes or is refused, and `sent` ({entry, message}) when the server has one. */
export class Outgoing extends EventTarget {
  #sending = false;
  #failures = 0;
  #timer = null;
  #signal;

  constructor(signal) {
    super();
    this.#signal = signal;
    this.key = `rapport.outgoing.${account.member?.id ?? account.label}`;
    window.addEventListener("online", () => this.flush(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** What waits in one conversation, oldest first. */
  of(conversationId) {
    return this.#read().filter((entry) => entry.conversationId === conversationId);
  }

  get count() {
    return this.#read().length;
  }

  /** Keeps a message (`kind`: text or note) and sends it as soon as that is possible. */
  add({ conversationId, kind, text, files = [] }) {
    const entry = { clientId: crypto.randomUUID(), conversationId, kind, text, files, problem: null };
    this.#write([...this.#read(), entry]);
    this.flush();
  }

  again(clientId) {
    this.#write(this.#read().map((entry) => (entry.clientId === clientId ? { ...entry, problem: null } : entry)));
    this.flush();
  }

  /** Forgets an entry: the server has it, or nobody wants it any more. */
  drop(clientId) {
    const entries = this.#read();
    if (entries.some((entry) => entry.clientId === clientId)) this.#write(entries.filter((entry) => entry.clientId !== clientId));
  }

  /** Sends what waits, one after the other, in the order in which it was written. */
  async flush() {
    clearTimeout(this.#timer);
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let entry; (entry = this.#next()) && !this.#signal.aborted; ) await this.#send(entry);
      this.#failures = 0;
    } catch {
      this.#failures += 1;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
      if (!this.#signal.aborted) this.#timer = setTimeout(() => this.flush(), wait);
    } finally {
      this.#sending = false;
    }
  }

  #next() {
    return this.#read().find(({ problem }) => !problem);
  }

  async #send(entry) {
    const { conversationId, text, clientId, files } = entry;
    const input = { conversationId, text, clientId, fileIds: files.map(({ id }) => id) };
    try {
      const [{ message }] = Object.values(await ask(entry.kind === "note" ? NOTE : SEND, { input }));
      this.dispatchEvent(new CustomEvent("sent", { detail: { entry, message } }));
      this.drop(clientId);
    } catch (failure) {
      if (PASSING.has(failure.code) || failure.code === undefined) throw failure;
      this.#write(this.#read().map((one) => (one.clientId === clientId ? { ...one, problem: failure.message } : one)));
    }
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? [];
    } catch {
      return [];
    }
  }

  #write(entries) {
    if (entries.length) localStorage.setItem(this.key, JSON.stringify(entries));
    else localStorage.removeItem(this.key);
    this.dispatchEvent(new Event("changed"));
  }
}
