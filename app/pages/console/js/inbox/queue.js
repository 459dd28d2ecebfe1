// The list of conversations of one view: loaded page by page, kept true by what the inbox tells, picked for bulk work.

import { button, fill, h, icon } from "../dom.js";
import { avatar, hue, number } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { LIST } from "./documents.js";
import { compareIn, fits } from "./views.js";
import { brief, priorityFlag, stars, statusBadge, whoOf, whoseId } from "./words.js";

const SIZE = 30;
const TICK_MS = 30_000;

/** `onOpen(id)` opens a conversation; `onPicked(ids)` hears which are picked. */
export class Queue {
  #rows = new Map();
  #items = new Map();
  #picked = new Set();
  #heard = null;
  #turn = 0;
  #end = null;
  #open = null;

  constructor(page, desk, { onOpen, onPicked }) {
    Object.assign(this, { page, desk, onOpen, onPicked, view: null, total: 0 });
    this.list = h("ul", { class: "queue-list", "aria-label": "Conversations" });
    this.more = button("Show more", () => this.#older(), "slight whole");
    this.empty = h("div", { class: "empty" });
    this.status = h("p", { class: "unseen", role: "status" });
    this.element = h("div", { class: "queue-scroll" }, this.status, this.list, this.empty, this.more);
    desk.addEventListener("people", () => this.#redrawPresence());
    const ticking = setInterval(() => this.#rows.forEach((row) => this.#redraw(row)), TICK_MS);
    page.signal.addEventListener("abort", () => clearInterval(ticking));
  }

  /** Loads a view anew and gives the place in the inbox's feed from which to follow it. */
  async load(view, search = "") {
    this.view = { ...view, filter: search ? { ...view.filter, search } : view.filter };
    const turn = (this.#turn += 1);
    this.#heard = [];
    this.element.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(LIST, this.#question(null), this.page);
      if (turn !== this.#turn) return null;
      this.#rows.clear();
      this.#pick([...this.#picked].filter((id) => answer.conversations.nodes.some((row) => row.id === id)));
      this.#take(answer.conversations);
      // What came while the question was under way may be newer than its answer.
      this.#heard.forEach((row) => this.#place(row));
      return answer.inboxSnapshotCursor;
    } finally {
      if (turn === this.#turn) {
        this.#heard = null;
        this.element.removeAttribute("aria-busy");
        this.#draw();
      }
    }
  }

  /** A conversation as it is now. */
  hear(row) {
    this.#heard?.push(row);
    this.#place(row);
    this.#draw();
  }

  row(id) {
    return this.#rows.get(id) ?? null;
  }

  get picked() {
    return [...this.#picked];
  }

  /** The ids in the order of the list. */
  get order() {
    return [...this.#rows.values()].sort(compareIn(this.view?.order)).map(({ id }) => id);
  }

  /** Marks the conversation that is open. */
  opened(id) {
    this.#open = id;
    for (const [key, { talk }] of this.#items) {
      if (key === id) talk.setAttribute("aria-current", "true");
      else talk.removeAttribute("aria-current");
    }
  }

  /** Moves the focus by `step` places from the focused or open conversation. */
  move(step) {
    const { order } = this;
    const focused = document.activeElement?.closest?.("[data-conversation]")?.dataset.conversation;
    const from = order.indexOf(focused ?? this.#open);
    const to = Math.min(order.length - 1, Math.max(0, from < 0 ? 0 : from + step));
    this.focus(order[to]);
  }

  /** Gives a row the focus. False if it is not there. */
  focus(id) {
    const item = this.#items.get(id);
    item?.talk.focus();
    item?.talk.scrollIntoView({ block: "nearest" });
    return Boolean(item);
  }

  togglePick(id = document.activeElement?.closest?.("[data-conversation]")?.dataset.conversation ?? this.#open) {
    if (!this.#rows.has(id)) return;
    const picked = new Set(this.#picked);
    if (!picked.delete(id)) picked.add(id);
    this.#pick([...picked]);
  }

  pickAll() {
    this.#pick(this.order);
  }

  pickNone() {
    this.#pick([]);
  }

  #pick(ids) {
    this.#picked = new Set(ids);
    for (const [id, { box }] of this.#items) box.checked = this.#picked.has(id);
    this.element.classList.toggle("picking", ids.length > 0);
    this.onPicked(ids);
  }

  #question(after) {
    return { filter: this.view.filter, order: this.view.order ?? "ACTIVE_NEWEST", first: SIZE, after };
  }

  #take({ nodes, pageInfo, totalCount }) {
    for (const row of nodes) this.#rows.set(row.id, row);
    this.#end = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    this.total = totalCount;
  }

  async #older() {
    const turn = this.#turn;
    try {
      const { conversations } = await ask(LIST, this.#question(this.#end), this.page);
      if (turn !== this.#turn) return;
      this.#take(conversations);
      this.#draw();
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #place(row) {
    const known = this.#rows.get(row.id);
    if (known?.updatedAt > row.updatedAt) return;
    const belongs = this.view && fits(row, this.view.filter, this.desk.me);
    if (belongs || (belongs === undefined && known)) {
      if (!known) this.total += 1;
      this.#rows.set(row.id, row);
    } else if (known) {
      this.total -= 1;
      this.#rows.delete(row.id);
      if (this.#picked.has(row.id)) this.#pick(this.picked.filter((id) => id !== row.id));
    }
  }

  #draw() {
    const focused = document.activeElement?.closest?.("[data-conversation]")?.dataset.conversation;
    const place = this.order.indexOf(focused);
    const items = this.order.map((id) => {
      if (!this.#items.has(id)) this.#items.set(id, this.#item(id));
      this.#redraw(this.#rows.get(id));
      return this.#items.get(id).element;
    });
    for (const [id, { element }] of [...this.#items]) {
      if (this.#rows.has(id)) continue;
      element.remove();
      this.#items.delete(id);
    }
    items.forEach((item, at) => {
      if (this.list.children[at] !== item) this.list.insertBefore(item, this.list.children[at] ?? null);
    });
    if (focused && document.activeElement === document.body) this.focus(place < 0 ? this.order[0] : focused);
    this.more.hidden = this.#end === null;
    this.empty.hidden = items.length > 0;
    fill(this.empty, emptiness(this.view));
    fill(this.status, `${number(this.total)} ${this.total === 1 ? "conversation" : "conversations"}`);
    this.opened(this.#open);
  }

  #item(id) {
    const box = h("input", { type: "checkbox", onchange: () => this.togglePick(id) });
    const talk = h("button", { type: "button", class: "talk", onclick: () => this.onOpen(id) });
    const element = h("li", { "data-conversation": id }, h("label", { class: "pick" }, box), talk);
    return { box, talk, element, drawn: null };
  }

  #redraw(row) {
    const item = this.#items.get(row.id);
    if (!item) return;
    const fresh = rowParts(row, this.desk);
    item.element.toggleAttribute("data-unread", row.agentsUnread > 0);
    item.box.setAttribute("aria-label", `Select ${whoOf(row)}`);
    const holder = fill(item.talk.cloneNode(false), fresh);
    if (!holder.isEqualNode(item.talk)) fill(item.talk, ...holder.childNodes);
  }

  #redrawPresence() {
    for (const row of this.#rows.values()) this.#redraw(row);
  }
}

function rowParts(row, desk) {
  const name = whoOf(row);
  const there = desk.isThere(row.visitor?.id);
  const face = h("span", { class: `face${there ? " there" : ""}` }, avatar(name, whoseId(row)));
  const waits = row.waitingSince && row.status !== "CLOSED";
  const when = row.lastMessageAt ?? row.createdAt;
  const tags = row.tags.slice(0, 2).map((tag) => h("span", { class: `tag tinted hue-${hue(tag.name)}` }, tag.name));
  const by = row.lastSenderKind === "AGENT" && h("span", { class: "faint" }, "↩ ", h("span", { class: "unseen" }, "Answered: "));
  const marks = [
    row.status !== "OPEN" && statusBadge(row), priorityFlag(row.priority),
    waits && h("span", { class: "waits", title: "The visitor waits for an answer" }, icon("waiting"), brief(row.waitingSince)),
    row.csatScore && stars(row.csatScore), tags,
    row.tags.length > 2 && h("span", { class: "faint" }, `+${row.tags.length - 2}`),
  ].flat().filter(Boolean);
  return [face, h("span", { class: "lines" },
    h("span", { class: "top" }, h("span", { class: "name" }, name), there && h("span", { class: "unseen" }, " is there now"),
      h("time", { datetime: when, class: "faint" }, brief(when))),
    row.subject && h("span", { class: "subject" }, row.subject),
    h("span", { class: "preview" }, h("span", { class: "text" }, by, row.lastText || "No messages yet"),
      row.agentsUnread > 0 && h("span", { class: "count" }, number(row.agentsUnread), h("span", { class: "unseen" }, " unread"))),
    (marks.length > 0 || row.assignee) && h("span", { class: "marks" }, marks, row.assignee && holder(row.assignee, desk)))];
}

function holder({ id, name }, desk) {
  return h("span", { class: "holder", title: `Assigned to ${id === desk.me ? "you" : name}` }, avatar(name, id),
    h("span", { class: "unseen" }, `Assigned to ${name}`));
}

function emptiness(view) {
  if (view?.filter.search) return [h("strong", null, "Nothing was found"), h("p", null, "Try fewer or other words.")];
  return [h("span", { class: "calm" }, icon("check")), h("strong", null, "All done here"),
    h("p", null, "What belongs here appears by itself.")];
}
