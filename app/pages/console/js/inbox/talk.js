// One conversation that is open: loaded with its place in its feed and followed from there, so that nothing is missed;
// answered, marked as read, and told who is writing.

import { fill, h } from "../dom.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { Bar } from "./bar.js";
import { Composer, mayWrite } from "./composer.js";
import { CONVERSATION, DELETE, EDIT, OLDER, OPEN, PEOPLE, READ, SET_TYPING, TYPING } from "./documents.js";
import { Person } from "./person.js";
import { Thread } from "./thread.js";

const READ_MS = 500;
const RETRY_MS = 3_000;
const TYPING_LASTS_MS = 12_000;

/** `live()` gives the connection; `onLearn(row)` hears how the conversation is now; `work` changes conversations. */
export class Talk {
  #turn = 0;
  #ends = [];
  #older = null;
  #reading = null;
  #writing = new Map();

  constructor({ page, desk, outgoing, live, work, onLearn, onBack, onOpen, onPanel }) {
    Object.assign(this, { page, desk, outgoing, live, work, onLearn, detail: null });
    this.thread = new Thread({ desk, older: () => this.#showOlder(), acts: {
      edit: (line) => this.#edit(line), remove: (line) => this.#remove(line),
      again: ({ clientId }) => outgoing.again(clientId), discard: ({ clientId }) => outgoing.drop(clientId),
    } });
    this.composer = new Composer({ signal: page.signal, onSend: (said) => this.#say(said), onTyping: (typing) => this.#tellTyping(typing) });
    this.bar = new Bar({ desk, work, onBack, onPanel });
    this.person = new Person({ desk, work, onOpen });
    this.nobody = h("div", { class: "nobody" });
    this.element = h("section", { class: "talk-pane", "aria-label": "Conversation" });
    const reader = h("p", { class: "callout reader" }, "You may read this conversation, but not answer it.");
    this.parts = [this.bar.element, this.thread.element, mayWrite() ? this.composer.element : reader];
    outgoing.addEventListener("changed", () => this.#showWaiting());
    outgoing.addEventListener("sent", ({ detail }) => detail.entry.conversationId === this.detail?.id && this.#take(detail.message));
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.#showWaiting(), { signal: page.signal });
    document.addEventListener("visibilitychange", () => this.#readLater(), { signal: page.signal });
    desk.addEventListener("people", () => this.#redraw());
    page.signal.addEventListener("abort", () => this.#leave());
    this.close();
  }

  /** Opens a conversation. False if there is no such, or another was opened meanwhile. */
  async open(id) {
    const turn = (this.#turn += 1);
    this.element.setAttribute("aria-busy", "true");
    try {
      const { conversation } = await ask(OPEN, { id }, this.page);
      if (turn !== this.#turn) return false;
      if (!conversation) {
        announce("There is no such conversation.");
        this.close();
        return false;
      }
      this.#show(conversation);
      return true;
    } finally {
      if (turn === this.#turn) this.element.removeAttribute("aria-busy");
    }
  }

  /** Loads again what is open, until that works. */
  async reload() {
    const { id } = this.detail ?? {};
    while (id && this.detail?.id === id && !this.page.signal.aborted) {
      try {
        await this.open(id);
        return;
      } catch {
        await new Promise((resume) => setTimeout(resume, RETRY_MS));
      }
    }
  }

  close(words = null) {
    this.#turn += 1;
    this.#leave();
    this.composer.leave();
    this.detail = null;
    this.person.clear();
    fill(this.nobody, words ?? h("p", { class: "quiet" }, "Choose a conversation to read it."));
    fill(this.element, this.nobody);
  }

  #show(conversation) {
    this.#leave();
    const { messages, snapshotCursor, ...detail } = conversation;
    this.detail = detail;
    if (this.nobody.parentNode === this.element) fill(this.element, this.parts);
    this.thread.begin(conversation, this.outgoing.of(detail.id));
    this.#older = messages.pageInfo.endCursor;
    this.composer.turnTo(detail);
    this.person.show(conversation);
    this.#redraw();
    this.onLearn(detail);
    this.#follow(detail.id, snapshotCursor);
    this.#readLater();
  }

  #follow(id, cursor) {
    const refused = (error) => announce(error.message);
    this.#ends = [
      this.live().follow(CONVERSATION, { conversationId: id }, cursor, (item) => this.#hear(item), refused),
      this.live().follow(TYPING, { conversationId: id }, null, (item) => this.#hearTyping(item), () => {}, () => this.#forgetTyping()),
    ];
  }

  #leave() {
    this.#ends.forEach((end) => end());
    this.#ends = [];
    clearTimeout(this.#reading);
    this.#reading = null;
    this.#forgetTyping();
  }

  #hear(item) {
    if (item.__typename === "FeedGap" || !item.conversation) {
      this.reload();
      return;
    }
    this.#learn(item.conversation);
    if (item.message) this.#take(item.message);
    if (item.change === "IDENTIFIED" || item.conversation.customer?.id !== this.person.customerId) this.#meet();
  }

  #learn(conversation) {
    if (conversation.id !== this.detail?.id) return;
    Object.assign(this.detail, conversation);
    this.thread.learn(this.detail);
    this.#redraw();
    this.onLearn(this.detail);
  }

  /** A mutation's answer is taken as what the feed tells. */
  learn(conversation) {
    this.#learn(conversation);
  }

  #take(line) {
    const whole = this.thread.take(line);
    if (line.clientId && line.senderKind === "AGENT") this.outgoing.drop(line.clientId);
    if (line.senderKind === "VISITOR") this.#readLater();
    if (!whole) this.reload();
  }

  #redraw() {
    if (!this.detail) return;
    this.bar.show(this.detail);
    this.person.learn(this.detail);
  }

  #showWaiting() {
    if (this.detail) this.thread.setWaiting(this.outgoing.of(this.detail.id));
  }

  async #meet() {
    try {
      const { conversation } = await ask(PEOPLE, { id: this.detail.id }, this.page);
      if (conversation?.id !== this.detail?.id) return;
      this.person.show({ ...this.detail, ...conversation });
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  async #showOlder() {
    const { id } = this.detail;
    try {
      const { conversation } = await ask(OLDER, { id, after: this.#older }, this.page);
      if (this.detail?.id !== id) return;
      this.#older = conversation.messages.pageInfo.endCursor;
      this.thread.setMore(conversation.messages.pageInfo.hasNextPage);
      this.thread.addOlder(conversation.messages.nodes);
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #say({ kind, text, files }) {
    this.outgoing.add({ conversationId: this.detail.id, kind, text, files });
    this.thread.toEnd();
  }

  /** Marks as read what somebody has before their eyes. */
  #readLater() {
    if (!this.detail || !mayWrite() || this.#reading !== null) return;
    this.#reading = setTimeout(() => {
      this.#reading = null;
      this.#read().catch(() => {});
    }, READ_MS);
  }

  async #read() {
    const seq = this.thread.latestOfVisitor;
    if (!this.detail || document.hidden || seq <= this.detail.agentsReadTo) return;
    const { id } = this.detail;
    const { markConversationRead: done } = await ask(READ, { input: { conversationId: id, seq } }, this.page);
    if (this.detail?.id === id) this.#learn({ ...this.detail, ...done.conversation });
  }

  async #tellTyping(typing) {
    // What is true for a moment only: if it cannot be told now, nobody needs to know later.
    await ask(SET_TYPING, { input: typing }, this.page).catch(() => {});
  }

  #hearTyping({ kind, name, typing }) {
    const who = name || (kind === "VISITOR" ? this.bar.name : "A colleague");
    if (kind === "AGENT" && name === this.desk.myself?.user.name) return;
    clearTimeout(this.#writing.get(who));
    this.#writing.delete(who);
    if (typing) this.#writing.set(who, setTimeout(() => this.#hearTyping({ kind, name, typing: false }), TYPING_LASTS_MS));
    this.thread.tellTyping([...this.#writing.keys()]);
  }

  #forgetTyping() {
    this.#writing.forEach((timer) => clearTimeout(timer));
    this.#writing.clear();
    this.thread.tellTyping([]);
  }

  #edit({ id, text }) {
    const area = field({ name: "text", label: "Text", value: "", autofocus: true });
    const input = h("textarea", { class: "input tall", name: "text", id: area.querySelector("input").id, "data-autofocus": true });
    input.value = text;
    area.querySelector("input").replaceWith(input);
    formDialog({ title: "Edit message", text: "Everybody sees that it was edited; colleagues can see what it said before.", fields: [area], submit: "Save",
      action: async (values) => {
        const { editMessage } = await ask(EDIT, { input: { messageId: id, text: values.text } });
        this.#take(editMessage.message);
      } });
  }

  #remove({ id }) {
    confirmDialog({ title: "Delete this message?", text: "The visitor sees that a message was deleted, and no longer what it said.", submit: "Delete",
      action: async () => {
        const { deleteMessage } = await ask(DELETE, { input: { messageId: id } });
        this.#take(deleteMessage.message);
      } });
  }
}
