// Where answers and notes are written: drafts are kept for each conversation, files are sent ahead, `/` finds answers
// that are ready.

import { account, may } from "../account.js";
import { button, fill, h, icon, newId } from "../dom.js";
import { announce } from "../notices.js";
import { CannedAnswers } from "./canned.js";
import { upload } from "./files.js";
import { sizeOf } from "./words.js";

const TYPING_EVERY_MS = 4_000;
const STILL_MS = 6_000;
const MANY_FILES = 10;
const LONGEST = 10_000;

/** `onSend({kind, text, files})` is called with what is to be said, `onTyping({conversationId,
 * typing, note})` while somebody writes. */
export class Composer {
  #files = [];
  #conversation = null;
  #mode = "text";
  #toldAt = 0;
  #told = null;
  #still = null;
  #leaving = new AbortController();

  constructor({ onSend, onTyping, signal }) {
    Object.assign(this, { onSend, onTyping, signal });
    this.text = h("textarea", { class: "writing", rows: "2", maxlength: LONGEST, "aria-label": "Reply", id: newId("writing"), "aria-keyshortcuts": "R",
      oninput: () => this.#written(), onkeydown: (event) => this.#pressed(event), onblur: () => this.#stopTyping(),
      onpaste: ({ clipboardData }) => this.#attach(clipboardData.files) });
    this.canned = new CannedAnswers(this.text, () => this.#conversation, () => this.#written());
    this.chips = h("ul", { class: "chips", "aria-label": "Files to send" });
    this.picker = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-label": "Files", onchange: () => {
      this.#attach(this.picker.files);
      this.picker.value = "";
    } });
    this.modes = ["text", "note"].map((mode) => h("button", { type: "button", class: "mode", "data-mode": mode, onclick: () => this.write(mode) },
      mode === "text" ? "Reply" : [icon("note"), "Note"], h("kbd", { "aria-hidden": "true" }, mode === "text" ? "R" : "N")));
    this.send = button([icon("send"), h("span", null, "Send")], () => this.#send(), "primary slight");
    const attach = button(icon("clip"), () => this.picker.click(), "bare slight", { "aria-label": "Attach files", title: "Attach files" });
    const ready = button("/", () => this.canned.begin(), "bare slight slash", { "aria-label": "Insert a ready answer", title: "Ready answers" });
    const hint = h("p", { class: "hint wide" }, "**bold**  *italic*  `code`  - list");
    this.element = h("section", { class: "composer", "aria-label": "Write", ondragover: (event) => this.#drag(event, true),
      ondragleave: (event) => this.#drag(event, false), ondrop: (event) => this.#drop(event) },
      h("div", { class: "modes", role: "group", "aria-label": "What to write" }, this.modes),
      this.canned.element, this.text, this.chips,
      h("div", { class: "tools" }, attach, this.picker, ready, hint, h("span", { class: "grow" }), h("kbd", { class: "wide", "aria-hidden": "true" }, "Enter"), this.send));
    this.#show("text");
  }

  /** Turns to a conversation, with the draft that was left in it. */
  turnTo(conversation) {
    const same = this.#conversation?.id === conversation.id;
    this.#conversation = conversation;
    if (same) return;
    this.#leave();
    this.#files = [];
    this.#chips();
    this.#show("text");
  }

  leave() {
    this.#leave();
    this.#conversation = null;
  }

  /** Takes the focus to write an answer (`text`) or a note. */
  write(mode = this.#mode) {
    if (mode !== this.#mode) this.#show(mode);
    this.text.focus();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
  }

  #leave() {
    this.#stopTyping();
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.canned.close();
  }

  #show(mode) {
    if (mode !== this.#mode) this.#stopTyping();
    this.#mode = mode;
    this.element.dataset.mode = mode;
    for (const one of this.modes) one.setAttribute("aria-pressed", String(one.dataset.mode === mode));
    const note = mode === "note";
    this.text.setAttribute("aria-label", note ? "Note" : "Reply");
    this.text.placeholder = note ? "Write a note that only your colleagues see…" : "Write an answer… or / for ready ones";
    fill(this.send.lastChild, note ? "Add note" : "Send");
    this.text.value = this.#draft();
  }

  #written() {
    const key = this.#key();
    if (this.text.value) localStorage.setItem(key, this.text.value);
    else localStorage.removeItem(key);
    this.canned.look();
    if (this.text.value.trim()) this.#tellTyping();
    else this.#stopTyping();
  }

  #draft() {
    return this.#conversation ? localStorage.getItem(this.#key()) ?? "" : "";
  }

  #key() {
    return `rapport.draft.${account.member?.id ?? account.label}.${this.#conversation?.id}.${this.#mode}`;
  }

  #pressed(event) {
    if (this.canned.hears(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
    }
  }

  #send() {
    const text = this.text.value.trim();
    if (this.#files.some(({ done, problem }) => !done && !problem)) {
      announce("A file is still on its way.");
      return;
    }
    const files = this.#files.filter(({ done }) => done).map(({ done }) => done);
    if (!text && !files.length) {
      this.text.focus();
      return;
    }
    const kind = this.#mode;
    this.text.value = "";
    this.#written();
    this.#files = [];
    this.#chips();
    this.onSend({ kind, text, files });
    this.text.focus();
  }

  #tellTyping() {
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.#stopTyping(), STILL_MS);
    if (Date.now() - this.#toldAt < TYPING_EVERY_MS) return;
    this.#toldAt = Date.now();
    this.#told = { conversationId: this.#conversation.id, note: this.#mode === "note" };
    this.onTyping({ ...this.#told, typing: true });
  }

  #stopTyping() {
    clearTimeout(this.#still);
    if (!this.#toldAt) return;
    this.#toldAt = 0;
    this.onTyping({ ...this.#told, typing: false });
  }

  #drag(event, over) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.element.classList.toggle("dropping", over);
  }

  #drop(event) {
    this.#drag(event, false);
    this.#attach(event.dataTransfer.files);
  }

  #attach(files) {
    for (const file of [...(files ?? [])].slice(0, MANY_FILES - this.#files.length)) {
      const one = { file, progress: 0, done: null, problem: null };
      this.#files.push(one);
      this.#upload(one);
    }
    this.#chips();
  }

  async #upload(one) {
    const { signal } = this.#leaving;
    one.problem = null;
    try {
      one.done = await upload(one.file, { signal, onProgress: (part) => this.#progress(one, part) });
    } catch (failure) {
      one.problem = failure.message;
    }
    if (!signal.aborted) this.#chips();
  }

  #progress(one, part) {
    one.progress = part;
    if (one.bar) one.bar.value = part;
  }

  #chips() {
    fill(this.chips, this.#files.map((one) => {
      one.bar = one.done || one.problem ? null : h("progress", { max: "1", value: one.progress, "aria-label": `Sending ${one.file.name}` });
      return h("li", { class: one.problem ? "bad" : one.done ? "done" : "" }, icon("file"),
        h("span", null, h("span", { class: "strong" }, one.file.name), h("small", null, one.problem ?? sizeOf(one.file.size))), one.bar,
        one.problem && button("Try again", () => {
          this.#upload(one);
          this.#chips();
        }, "bare slight"),
        button("×", () => {
          this.#files = this.#files.filter((other) => other !== one);
          this.#chips();
          this.text.focus();
        }, "bare slight", { "aria-label": `Remove ${one.file.name}` }));
    }));
  }
}

/** Whether the one who is signed in may say anything. */
export const mayWrite = () => may("conversations:write");
