// The inbox: views and queue, the conversation that is open, and who one is talking with; all of it live.
//
// The list is loaded with the inbox's place in its feed, and followed from that very place. What the server cannot
// replay any more (a gap) makes everything load again. What is written while there is no connection waits here.

import { may } from "../account.js";
import { fill, h, icon } from "../dom.js";
import { announce } from "../notices.js";
import { Live } from "../live.js";
import { BulkBar } from "../inbox/bulk.js";
import { Desk } from "../inbox/desk.js";
import { INBOX, PRESENCE } from "../inbox/documents.js";
import { listen, showKeys } from "../inbox/keys.js";
import { Outgoing } from "../inbox/outgoing.js";
import { Places } from "../inbox/places.js";
import { Queue } from "../inbox/queue.js";
import { Talk } from "../inbox/talk.js";
import { viewOf } from "../inbox/views.js";
import { Work } from "../inbox/work.js";
import { head } from "../router.js";

const TYPING_MS = 250;
const RETRY_MS = 3_000;

export async function inbox(page) {
  if (!may("conversations:read")) return head("Inbox", "You may not see conversations.");
  const whole = new Inbox(page);
  await whole.load();
  return whole.element;
}

class Inbox {
  #live = null;
  #loading = null;
  #typing = null;

  constructor(page) {
    this.page = page;
    this.desk = new Desk(page);
    this.outgoing = new Outgoing(page.signal);
    this.work = new Work(this.desk, (rows) => this.#learn(rows));
    this.queue = new Queue(page, this.desk, { onOpen: (id) => this.open(id), onPicked: (ids) => this.bulk.show(ids) });
    this.bulk = new BulkBar({ work: this.work, onNone: () => this.queue.pickNone(), onAll: () => this.queue.pickAll() });
    this.places = new Places({ desk: this.desk, work: this.work, onChoose: (key) => this.choose(key), onKeys: showKeys, filter: () => this.queue.view.filter });
    this.talk = new Talk({ page, desk: this.desk, outgoing: this.outgoing, live: () => this.#live, work: this.work,
      onLearn: (row) => this.queue.hear(row), onBack: () => this.#back(), onOpen: (id) => this.open(id), onPanel: () => this.#togglePanel() });
    this.element = this.#layout();
    page.signal.addEventListener("abort", () => {
      clearTimeout(this.#typing);
      this.#live?.close();
    });
    this.#keys();
  }

  async load() {
    await this.desk.load();
    await Promise.all([this.#list(), this.desk.count()]);
    const open = this.page.query.get("c");
    if (open) await this.open(open, { asStep: false });
    this.outgoing.flush();
  }

  /** Shows another view. */
  async choose(key) {
    this.search.value = "";
    this.page.note({ view: key, q: null });
    this.element.classList.remove("choosing");
    this.queue.pickNone();
    await this.#refresh();
  }

  /** Opens a conversation. */
  async open(id, { asStep = true } = {}) {
    this.page.note({ c: id }, { asStep: asStep && !this.page.query.get("c") });
    this.queue.opened(id);
    this.element.dataset.open = "talk";
    try {
      if (!(await this.talk.open(id))) return;
      if (asStep && matchMedia("(min-width: 52.01rem)").matches) this.talk.composer.element.isConnected || this.queue.focus(id);
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #layout() {
    this.title = h("h2", { class: "view-title" });
    this.state = h("span", { class: "live", role: "status", "data-state": "connecting" }, "Connecting…");
    this.search = h("input", { type: "search", class: "input", placeholder: "Search", "aria-label": "Search conversations", autocomplete: "off", "aria-keyshortcuts": "/",
      value: this.page.query.get("q"), oninput: () => this.#searchLater() });
    this.banner = h("p", { class: "banner", role: "status", hidden: true });
    const views = h("button", { type: "button", class: "button slight to-places", "aria-expanded": "false", onclick: ({ currentTarget }) =>
      currentTarget.setAttribute("aria-expanded", String(this.element.classList.toggle("choosing"))) }, icon("menu"), h("span", { class: "unseen" }, "Views"));
    const list = h("section", { class: "queue", "aria-label": "Queue" },
      h("div", { class: "head-line" }, views, this.title, this.state),
      h("form", { class: "queue-search", role: "search", onsubmit: (event) => event.preventDefault() }, icon("search"), this.search, h("kbd", { "aria-hidden": "true" }, "/")),
      this.bulk.element, this.queue.element);
    return h("div", { class: "inbox", "data-open": "list" }, this.banner, this.places.element, list, this.talk.element, this.talk.person.element);
  }

  async #list() {
    const view = viewOf(this.page.query.get("view"), this.desk);
    this.places.chosen(view.key);
    fill(this.title, view.label);
    const cursor = await this.queue.load(view, this.page.query.get("q") ?? "");
    if (cursor && !this.#live) this.#follow(cursor);
  }

  /** Loads the list again and says where that does not work. */
  async #refresh() {
    try {
      await this.#list();
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #follow(cursor) {
    this.#live = new Live((state) => this.#state(state));
    this.#live.follow(INBOX, {}, cursor, (item) => this.#hear(item), (error) => announce(error.message));
    this.#live.follow(PRESENCE, {}, null, (item) => this.desk.hearPresence(item), () => {}, () => this.desk.forgetPresence());
  }

  #hear(item) {
    if (item.__typename === "FeedGap") {
      announce("Something was missed; the inbox is loaded again.");
      this.#reload();
      return;
    }
    if (item.conversation) this.#learn([item.conversation], { told: true });
    this.desk.countLater();
  }

  #learn(rows, { told = false } = {}) {
    for (const row of rows) {
      row.tags.forEach(({ name }) => this.work.tagsSeen.add(name));
      this.queue.hear(row);
      if (!told) this.talk.learn(row);
    }
    if (!told) this.desk.countLater();
  }

  /** Loads everything again, until that works. What follows is told by a new connection. */
  #reload() {
    this.#loading ??= (async () => {
      this.#live?.close();
      this.#live = null;
      while (!this.page.signal.aborted && !this.#live) {
        try {
          await this.desk.load();
          await Promise.all([this.#list(), this.desk.count()]);
          await this.talk.reload();
        } catch {
          await new Promise((resume) => setTimeout(resume, RETRY_MS));
        }
      }
    })().finally(() => (this.#loading = null));
    return this.#loading;
  }

  #state(state) {
    const words = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…", refused: "Not live" };
    const was = this.state.dataset.state;
    if (was !== state) {
      this.state.dataset.state = state;
      fill(this.state, words[state]);
    }
    const lost = state === "waiting";
    this.banner.hidden = !lost;
    if (lost && was !== state) fill(this.banner, icon("bolt"), "There is no connection. You can go on writing: it is sent as soon as the connection is back.");
    if (state === "live") {
      if (was === "waiting") this.desk.countLater();
      this.outgoing.flush();
    }
  }

  #searchLater() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => {
      this.page.note({ q: this.search.value.trim() });
      this.#refresh();
    }, TYPING_MS);
  }

  #back() {
    const { id } = this.talk.detail ?? {};
    this.page.note({ c: null });
    this.element.dataset.open = "list";
    this.element.classList.remove("detailed");
    this.talk.close();
    this.queue.opened(null);
    if (!this.queue.focus(id)) this.queue.move(0);
  }

  #togglePanel() {
    this.element.classList.toggle("detailed");
  }

  #keys() {
    const act = (name) => () => this.talk.detail && this.talk.bar.act(name);
    const write = (mode) => () => this.talk.detail && this.work.allowed && this.talk.composer.write(mode);
    listen({
      j: () => this.queue.move(1),
      k: () => this.queue.move(-1),
      x: () => this.queue.togglePick(),
      r: write("text"),
      n: write("note"),
      e: act("close"),
      a: act("assign"),
      s: act("snooze"),
      t: act("tag"),
      p: act("priority"),
      u: () => this.#back(),
      "/": () => this.search.focus(),
      "?": showKeys,
      Escape: () => (this.talk.detail && this.queue.focus(this.talk.detail.id)) || document.activeElement?.blur(),
    }, this.page.signal);
  }
}
