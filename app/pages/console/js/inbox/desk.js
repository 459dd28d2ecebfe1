// What is around the conversations: colleagues, teams, who is there, saved views and the numbers beside the views.

import { account } from "../account.js";
import { ask } from "../graph.js";
import { COUNTS, DESK } from "./documents.js";
import { COUNTED_FILTERS } from "./views.js";

const RECOUNT_MS = 700;
const LEAST_MS = 2_000;

/** Tells `people` when colleagues, what they have taken, or presence have changed, `counts` when the numbers have, `views` for saved views. */
export class Desk extends EventTarget {
  #timer = null;
  #countedAt = 0;
  #present = new Map();

  constructor(page) {
    super();
    Object.assign(this, { page, me: null, agents: [], teams: [], savedViews: [], counts: {} });
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  async load() {
    const { agents, teams, savedViews } = await ask(DESK, {}, this.page);
    Object.assign(this, { agents, teams, savedViews });
    this.me = this.agents.find(({ user }) => user.email === account.member?.email)?.user.id ?? null;
    for (const name of ["people", "views"]) this.#tell(name);
  }

  get myself() {
    return this.agents.find(({ user }) => user.id === this.me) ?? null;
  }

  agent(id) {
    return this.agents.find(({ user }) => user.id === id) ?? null;
  }

  /** Whether a user or a visitor is known to be there now. */
  isThere(id) {
    return Boolean(id && this.#present.get(id));
  }

  /** How a colleague can be reached: online (there, and takes conversations), away, or offline. */
  stateOf({ user, availability }) {
    if (!this.isThere(user.id) || availability === "OFFLINE") return "offline";
    return availability === "AWAY" ? "away" : "online";
  }

  /** Presence is told anew by each connection. */
  forgetPresence() {
    this.#present.clear();
    this.#tell("people");
  }

  hearPresence({ id, present }) {
    if (this.isThere(id) === present) return;
    if (present) this.#present.set(id, true);
    else this.#present.delete(id);
    this.#tell("people");
  }

  learn(agent) {
    const known = this.agent(agent.user.id);
    if (known) Object.assign(known, agent, { user: known.user });
    this.#tell("people");
  }

  learnViews(change) {
    this.savedViews = change(this.savedViews);
    this.#tell("views");
  }

  /** Counts soon, and not too often: many changes at once are counted once. */
  countLater() {
    const wait = Math.max(RECOUNT_MS, this.#countedAt + LEAST_MS - Date.now());
    this.#timer ??= setTimeout(() => this.count().catch(() => {}), wait);
  }

  async count() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#countedAt = Date.now();
    const { teams, agents, ...counts } = await ask(COUNTS, COUNTED_FILTERS, this.page);
    Object.assign(this, { teams, agents });
    this.counts = Object.fromEntries(Object.entries(counts).map(([key, { totalCount }]) => [key, totalCount]));
    for (const { id, waitingCount } of teams) this.counts[`team:${id}`] = waitingCount;
    this.#tell("counts");
    this.#tell("people");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
