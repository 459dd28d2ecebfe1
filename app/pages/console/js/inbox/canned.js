// Ready answers: found by `/` and the beginning of their shortcut or title, put in place of what was typed.

import { h } from "../dom.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { CANNED, RENDER } from "./documents.js";
import { Choices } from "./menus.js";

const TYPED = /(^|\s)\/([\p{L}\p{N}_-]*)$/u;
const SHOWN = 8;
const FRESH_MS = 60_000;

let known = null;

async function cannedResponses() {
  if (!known || Date.now() - known.at > FRESH_MS) {
    const { cannedResponses: answers } = await ask(CANNED);
    known = { at: Date.now(), answers };
  }
  return known.answers;
}

/** The list beneath a text field. `conversation()` is the one that is answered; `onInsert()` hears that text was put in. */
export class CannedAnswers {
  #turn = 0;

  constructor(text, conversation, onInsert) {
    Object.assign(this, { text, conversation, onInsert });
    this.choices = new Choices("Ready answers", (item) => this.#insert(item.answer));
    this.element = h("div", { class: "canned", hidden: true }, this.choices.element);
    text.setAttribute("aria-controls", this.choices.element.id);
    text.setAttribute("aria-autocomplete", "list");
    text.addEventListener("blur", () => this.close());
  }

  /** Starts the list as if `/` had been typed. */
  begin() {
    const { text } = this;
    const before = text.value.slice(0, text.selectionStart);
    text.setRangeText(/(^|\s)$/.test(before) ? "/" : " /", text.selectionStart, text.selectionEnd, "end");
    text.focus();
    text.dispatchEvent(new Event("input"));
  }

  /** Looks at what stands before the caret, and shows what begins like it. */
  async look() {
    const turn = (this.#turn += 1);
    const typed = this.#typed();
    if (typed === null) {
      this.close();
      return;
    }
    let answers;
    try {
      answers = await cannedResponses();
    } catch {
      return;
    }
    if (turn !== this.#turn) return;
    const word = typed.toLowerCase();
    const found = answers.filter(({ shortcut, title }) => shortcut.toLowerCase().startsWith(word) || word && title.toLowerCase().includes(word));
    this.choices.show(found.slice(0, SHOWN).map((answer) => ({ answer, label: answer.title || answer.shortcut, hint: excerpt(answer), key: `/${answer.shortcut}` })), this.text);
    this.element.hidden = this.choices.empty;
  }

  /** True if a key was meant for the list. */
  hears(event) {
    if (this.element.hidden) return false;
    if (event.key !== "Escape") return this.choices.hears(event);
    this.close();
    event.stopPropagation();
    return true;
  }

  close() {
    this.#turn += 1;
    this.element.hidden = true;
    this.text.removeAttribute("aria-activedescendant");
  }

  #typed() {
    const { selectionStart, selectionEnd, value } = this.text;
    return selectionStart === selectionEnd ? TYPED.exec(value.slice(0, selectionStart))?.[2] ?? null : null;
  }

  async #insert({ id }) {
    const typed = this.#typed();
    const { text } = this;
    const conversation = this.conversation();
    this.close();
    if (typed === null) return;
    const end = text.selectionStart;
    const start = end - typed.length - 1;
    try {
      const { renderCannedResponse } = await ask(RENDER, { id, conversationId: conversation.id, language: null });
      if (this.conversation()?.id !== conversation.id || text.value.slice(start, end) !== `/${typed}`) return;
      text.setRangeText(renderCannedResponse, start, end, "end");
      this.onInsert();
      text.scrollTop = text.scrollHeight;
    } catch (failure) {
      announce(failure.message);
    }
  }
}

function excerpt({ texts }) {
  const [first = ""] = Object.values(texts);
  return first.length > 70 ? `${first.slice(0, 70)}…` : first;
}
