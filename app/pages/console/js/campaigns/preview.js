// A content as somebody would get it, asked for while it is being written; what is wrong is said where it is.

import { fill, h } from "../dom.js";
import { field } from "../forms.js";
import { personName, plain } from "../format.js";
import { ask } from "../graph.js";
import { GraphError } from "../wire.js";
import { code } from "../settings/texts.js";
import { ANYBODY, PREVIEW, SAMPLE } from "./documents.js";
import { letter, rewrite } from "./letter.js";

const THINKING_MS = 400;
const PLACES = { body: "Body", plain: "Plain text", subject: "Subject", preheader: "Preheader", layout: "Layout", from_address: "From", reply_to: "Reply to" };

/** A customer as the graph wants them named, by whatever somebody typed. */
export function customerOf(text) {
  const name = text.trim();
  if (!name) return null;
  if (name.startsWith("cust_")) return { id: name };
  if (/^\+\d{6,}$/.test(name)) return { phone: name };
  return name.includes("@") ? { email: name } : { externalId: name };
}

const nameOf = ({ id, email, externalId }) => email ?? externalId ?? id;

export class Preview {
  #turn = 0;
  #timer = null;

  /** `read()` gives {contentId, draft}; `wrong(issues)` shows what is wrong at the fields and gives what has no place. */
  constructor(page, campaign, read, wrong) {
    Object.assign(this, { page, campaign, read, wrong });
    const people = h("datalist", { id: "preview-people" });
    this.people = people;
    this.who = field({ name: "as", label: "As", list: "preview-people", autocomplete: "off", spellcheck: "false", placeholder: "E-mail, external id or id",
      hint: "Somebody of your customers, or nobody in particular.", oninput: () => this.later() });
    this.head = h("div", { class: "letter-head", dir: "auto" });
    this.plain = h("pre", { dir: "auto" });
    const isCalled = ["TRIGGERED", "TRANSACTIONAL"].includes(campaign.kind);
    this.called = isCalled ? code({ name: "trigger", label: "Called with", value: "{}", lines: 3, hint: "JSON: what {{ trigger }} is.", oninput: () => this.later() }) : null;
    this.shown = h("div", { class: "stack" });
    this.noted = h("div", { class: "stack", role: "status" });
    this.element = h("section", { class: "card stack preview", "aria-label": "Preview" }, h("h2", null, "Preview"), this.who, people, this.called, this.shown, this.noted);
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  get customer() {
    return this.who.querySelector("input").value;
  }

  /** What the campaign is said to be called with; null for nothing, and for what is no JSON. */
  get data() {
    try {
      return JSON.parse(this.called?.querySelector("textarea").value || "null");
    } catch {
      return null;
    }
  }

  async load() {
    const { audience } = this.campaign;
    let sample;
    try {
      sample = audience ? (await ask(SAMPLE, { rule: audience }, this.page)).previewSegment.sample : [];
      if (!sample.length) sample = (await ask(ANYBODY, {}, this.page)).customers.nodes;
    } catch (failure) {
      if (!(failure instanceof GraphError)) throw failure;
      sample = [];
    }
    fill(this.people, sample.map((customer) => h("option", { value: nameOf(customer) }, personName(customer))));
    if (sample.length) this.who.querySelector("input").value = nameOf(sample[0]);
    await this.look();
  }

  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), THINKING_MS);
  }

  /** Asks how it looks. An answer that comes after a later question is dropped. */
  async look() {
    const turn = (this.#turn += 1);
    const { contentId, draft } = this.read();
    try {
      const { previewContent: found } = await ask(PREVIEW, { id: contentId, draft, customer: customerOf(this.customer), data: this.data }, this.page);
      if (turn === this.#turn) this.#show(draft.channel, found);
    } catch (error) {
      if (this.page.signal.aborted || turn !== this.#turn) return;
      if (!(error instanceof GraphError)) throw error;
      const others = this.wrong(error.issues);
      const said = others.length ? others.map(({ message }) => message) : error.issues.length ? ["It cannot be written yet: see the marked field."] : [error.message];
      fill(this.noted, said.map((text) => h("p", { class: "callout bad" }, text)));
    }
  }

  #show(channel, { message, warnings, missing, links }) {
    this.wrong([]);
    if (channel === "EMAIL") this.#mail(message);
    else fill(this.shown, short(channel, message));
    fill(this.noted,
      warnings.map(({ path, line, message: text }) => h("p", { class: "callout warn small" }, `${PLACES[path] ?? path}${line ? `, line ${line}` : ""}: ${text}`)),
      missing.length > 0 && h("p", { class: "callout warn small" }, `They have no ${missing.join(", ")}.`),
      links.length > 0 && h("details", null, h("summary", null, links.length === 1 ? "1 link is counted" : `${links.length} links are counted`),
        h("ul", { class: "small" }, links.map((link) => h("li", null, h("code", null, link))))));
  }

  /** The frame stays where it is from one look to the next: moved, it would load again. */
  #mail(message) {
    fill(this.head, h("strong", null, message.subject || "No subject"), message.preheader && h("span", { class: "quiet small" }, message.preheader),
      h("span", { class: "small faint" }, `From ${message.fromAddress || "nobody yet"}`));
    fill(this.plain, message.plain);
    if (this.frame) {
      rewrite(this.frame, message.body);
      return;
    }
    this.frame = letter(message.body, "How it looks");
    fill(this.shown, this.head, h("div", null, this.frame), h("details", null, h("summary", null, "Plain text"), this.plain));
  }
}

/** Messages that are no letters: as they come up on a phone or in the chat. */
function short(channel, { subject, body, fields }) {
  const more = Object.entries(fields ?? {}).filter(([name, value]) => value && name !== "title");
  return h("div", { class: "phone" }, h("div", { class: "bubble", dir: "auto" }, (fields?.title || (channel === "PUSH" && subject)) && h("strong", null, fields?.title || subject),
    h("p", null, body || "Nothing yet")), more.length > 0 && h("dl", { class: "pairs small" }, more.map(([name, value]) => [h("dt", null, name), h("dd", null, plain(value))])));
}
