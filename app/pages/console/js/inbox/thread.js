// The lines of one conversation in the order in which they were said, each once; with what waits to be sent at the end.

import { account, may } from "../account.js";
import { button, fill, h } from "../dom.js";
import { dayOf } from "../format.js";
import { continues, lineItem, pendingItem, reachOf } from "./lines.js";
import { whoOf, whoseId } from "./words.js";

const NEAR_PX = 90;

/** `older()` loads what was said before; `acts` are {edit(line), remove(line), again(entry), discard(entry)}. */
export class Thread {
  #lines = new Map();
  #drawn = new Map();
  #unreadFrom = null;

  constructor({ desk, older, acts }) {
    Object.assign(this, { desk, acts, conversation: null, waiting: [] });
    this.list = h("ol", { class: "lines", "aria-label": "Messages" });
    this.more = button("Show earlier messages", older, "slight");
    this.spoken = h("p", { class: "unseen", "aria-live": "polite" });
    this.typing = h("p", { class: "typing", role: "status" });
    this.element = h("div", { class: "thread", tabindex: "0", role: "region", "aria-label": "What was said" },
      h("div", { class: "earlier" }, this.more), this.list, this.typing, this.spoken);
    // Pictures that have come, a longer draft, a turned telephone: what was at the end stays there.
    const sizes = new ResizeObserver(() => this.#stick && this.toEnd());
    for (const one of [this.element, this.list]) sizes.observe(one);
    this.element.addEventListener("scroll", () => (this.#stick = this.nearEnd), { passive: true });
  }

  #stick = true;

  /** Shows a conversation from its latest page on. */
  begin(conversation, waiting) {
    const same = this.conversation?.id === conversation.id;
    Object.assign(this, { conversation, waiting });
    if (!same) {
      this.#lines.clear();
      this.#unreadFrom = conversation.agentsUnread > 0 ? conversation.agentsReadTo : null;
      this.tellTyping([]);
    }
    for (const line of conversation.messages.nodes) this.#lines.set(line.seq, line);
    this.setMore(conversation.messages.pageInfo.hasNextPage);
    this.draw();
    if (!same) this.toEnd();
  }

  /** The number of the latest line that is here. */
  get head() {
    return Math.max(0, ...this.#lines.keys());
  }

  get latestOfVisitor() {
    return Math.max(0, ...[...this.#lines.values()].filter(({ senderKind }) => senderKind === "VISITOR").map(({ seq }) => seq));
  }

  get nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  toEnd() {
    this.#stick = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  setMore(there) {
    this.more.parentElement.hidden = !there;
  }

  /** Adds what was said before, and keeps in view what is in view. */
  addOlder(lines) {
    const { scrollHeight, scrollTop } = this.element;
    for (const line of lines) this.#lines.set(line.seq, line);
    this.draw();
    this.element.scrollTop = scrollTop + this.element.scrollHeight - scrollHeight;
  }

  /** Takes a line as it is now. False if lines before it are missing. */
  take(line) {
    const whole = line.seq <= this.head + 1 || this.#lines.size === 0;
    const fresh = !this.#lines.has(line.seq);
    this.#lines.set(line.seq, line);
    const stick = this.#stick || line.senderKind === "AGENT" && line.senderName === account.member?.name;
    this.draw();
    if (fresh && stick) this.toEnd();
    if (fresh && line.senderKind === "VISITOR") fill(this.spoken, `${line.senderName || whoOf(this.conversation)}: ${line.text}`);
    return whole;
  }

  /** Takes the conversation as it is now: marks, names. */
  learn(conversation) {
    this.conversation = { ...this.conversation, ...conversation };
    this.draw();
  }

  setWaiting(entries) {
    const grown = entries.length > this.waiting.length;
    this.waiting = entries;
    this.draw();
    if (grown) this.toEnd();
  }

  tellTyping(names) {
    fill(this.typing, names.length > 0 && [h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`]);
    if (names.length && this.#stick) this.toEnd();
  }

  draw() {
    const wanted = [...this.#wanted()];
    const kept = new Map();
    const elements = wanted.map(({ key, signature, make }) => {
      const known = this.#drawn.get(key);
      const item = known?.signature === signature ? known : { signature, element: make() };
      kept.set(key, item);
      return item.element;
    });
    this.#drawn = kept;
    const wantedSet = new Set(elements);
    for (const child of [...this.list.children]) if (!wantedSet.has(child)) child.remove();
    elements.forEach((element, place) => {
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
  }

  *#wanted() {
    const lines = [...this.#lines.values()].sort((a, b) => a.seq - b.seq);
    const lastOurs = lines.findLast((line) => line.senderKind === "AGENT" && line.kind === "TEXT" && !line.deletedAt)?.seq;
    let before = null;
    let divided = this.#unreadFrom === null;
    for (const line of lines) {
      const day = new Date(line.createdAt).toDateString();
      if (!before || day !== new Date(before.createdAt).toDateString()) {
        yield { key: `day ${day}`, signature: day, make: () => separator(dayName(line.createdAt), "day") };
        before = null;
      }
      if (!divided && line.seq > this.#unreadFrom && line.senderKind === "VISITOR") {
        divided = true;
        yield { key: "new", signature: "new", make: () => separator("New", "new") };
        before = null;
      }
      yield this.#line(line, before, lastOurs);
      before = line;
    }
    yield* this.#pending(before);
  }

  #line(line, before, lastOurs) {
    const follows = continues(line, before);
    const ours = line.senderKind === "AGENT" && line.kind === "TEXT";
    const reach = ours && { state: reachOf(line.seq, this.conversation), last: line.seq === lastOurs };
    const who = whoOf(this.conversation);
    const acts = this.#mayChange(line) ? this.acts : null;
    const signature = JSON.stringify([line, follows, reach, line.senderKind === "VISITOR" && who, Boolean(acts)]);
    const make = () => lineItem(line, { follows, who, whoId: whoseId(this.conversation), reach, acts });
    return { key: `seq ${line.seq}`, signature, make };
  }

  *#pending(before) {
    const name = account.member?.name || account.label;
    const told = new Set([...this.#lines.values()].map(({ clientId }) => clientId).filter(Boolean));
    for (const entry of this.waiting) {
      if (told.has(entry.clientId)) continue;
      const signature = JSON.stringify([entry, navigator.onLine]);
      const again = () => this.acts.again(entry);
      const discard = () => this.acts.discard(entry);
      yield { key: `out ${entry.clientId}`, signature, make: () => pendingItem(entry, { name, id: this.desk.me ?? name, again, discard, follows: false }) };
    }
    return before;
  }

  #mayChange({ senderKind, sender, kind }) {
    if (senderKind !== "AGENT" || kind === "SYSTEM" || !may("conversations:write")) return false;
    return sender?.id === this.desk.me || ["OWNER", "ADMIN"].includes(account.role);
  }
}

function separator(text, look) {
  return h("li", { class: `separator ${look}` }, h("span", null, text));
}

function dayName(iso) {
  const day = new Date(iso).toDateString();
  const now = new Date();
  if (day === now.toDateString()) return "Today";
  now.setDate(now.getDate() - 1);
  return day === now.toDateString() ? "Yesterday" : dayOf(iso);
}
