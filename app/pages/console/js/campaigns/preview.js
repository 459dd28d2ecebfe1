// A content as somebody would get it, asked for while it is being written; what is wrong is said where it is.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { field } from "../forms.js";
import { personName, plain } from "../format.js";
import { ask } from "../graph.js";
import { GraphError } from "../wire.js";
import { code } from "../settings/texts.js";
import { ANYBODY, LAST_CALL, PEOPLE, PERSON_BY, PREVIEW, SAMPLE } from "./documents.js";
import { letter, rewrite } from "./letter.js";
import { languageWords } from "./words.js";

const THINKING_MS = 400;
const FEWEST_LETTERS = 2;
const PLACES = { body: "Body", plain: "Plain text", subject: "Subject", preheader: "Preheader", layout: "Layout", from_address: "From", reply_to: "Answers go to" };
const UNSHOWN = new Set(["title", "cc", "bcc", "attachments", "amp"]);
const [DRAFT, THEIRS] = ["draft", "theirs"];
const isPhone = (name) => /^\+\d{6,}$/.test(name);

/** A customer as the graph wants them named, by whatever somebody typed. */
export function customerOf(text) {
  const name = text.trim();
  if (!name) return null;
  if (name.startsWith("cust_")) return { id: name };
  if (isPhone(name)) return { phone: name };
  return name.includes("@") ? { email: name } : { externalId: name };
}

const nameOf = ({ id, email, externalId }) => email ?? externalId ?? id;

/** The content that somebody of a locale gets: of pt-BR, else of pt, else what everybody else gets. */
export function contentFor(contents, locale) {
  const byLanguage = new Map(contents.map((one) => [one.language.toLowerCase(), one]));
  for (let tag = (locale ?? "").replaceAll("_", "-").toLowerCase(); tag; tag = tag.slice(0, Math.max(0, tag.lastIndexOf("-")))) {
    if (byLanguage.has(tag)) return byLanguage.get(tag);
  }
  return byLanguage.get("") ?? null;
}

export class Preview {
  #turn = 0;
  #timer = null;
  #asked = "";

  /** `read()` gives {contentId, draft} of what is being written; `wrong(issues)` shows what is wrong at the fields and gives what has no place. */
  constructor(page, campaign, content, contents, read, wrong) {
    Object.assign(this, { page, campaign, content, read, wrong });
    this.others = contents.filter(({ channel, testGroup, id }) => channel === content.channel && testGroup === content.testGroup && id !== content.id);
    this.people = h("datalist", { id: "preview-people" });
    this.who = field({ name: "customer", label: "As", list: "preview-people", autocomplete: "off", spellcheck: "false", placeholder: "Name, e-mail, external id or id", value: page.query.get("as"),
      hint: "Somebody of your customers, or nobody in particular.", oninput: () => this.later() });
    this.language = this.others.length > 0 && field({ name: "shown", label: "Language", value: DRAFT, onchange: () => this.look(), options: [[DRAFT, `${languageWords(content.language)} (being written)`],
      [THEIRS, "The language they get"], ...this.others.map(({ id, language }) => [id, languageWords(language)])] });
    this.person = h("p", { class: "small quiet" });
    this.head = h("div", { class: "letter-head", dir: "auto" });
    this.plain = h("pre", { dir: "auto" });
    const isCalled = ["TRIGGERED", "TRANSACTIONAL"].includes(campaign.kind);
    this.called = isCalled ? code({ name: "data", label: "Called with", value: "{}", lines: 3, hint: "JSON: what {{ trigger }} is.", oninput: () => this.later() }) : null;
    this.shown = h("div", { class: "stack shown" }, h("p", { class: "quiet" }, "Being written…"));
    this.noted = h("div", { class: "stack", role: "status" });
    this.element = h("section", { class: "card stack preview", "aria-label": "Preview" }, h("h2", null, "Preview"), this.who, this.language, this.people, this.person,
      this.called, this.shown, this.noted);
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  get customer() {
    return this.who.querySelector("input").value;
  }

  /** What the campaign is said to be called with; null for nothing. Throws for what is no object. */
  get data() {
    const said = this.called?.querySelector("textarea").value.trim() || "{}";
    try {
      const data = JSON.parse(said);
      if (data && typeof data === "object" && !Array.isArray(data)) return data;
    } catch {
      // Said below.
    }
    const message = "This is no JSON object.";
    throw new GraphError(message, { issues: [{ field: "data", message }] });
  }

  async load() {
    await this.#remember();
    if (may("customers:read") && !this.customer) {
      const sample = await this.#sample();
      this.#suggest(sample);
      if (sample.length) this.who.querySelector("input").value = nameOf(sample[0]);
    }
    await this.look();
  }

  /** Begins with what it was called with last. */
  async #remember() {
    if (!this.called || !may("deliveries:read")) return;
    const { campaign: { runs, deliveries } } = await ask(LAST_CALL, { id: this.campaign.id }, this.page);
    const data = { ...runs.nodes[0]?.data, ...deliveries.nodes[0]?.data?.data };
    if (Object.keys(data).length) this.called.querySelector("textarea").value = JSON.stringify(data, null, 1);
  }

  async #sample() {
    const { audience } = this.campaign;
    try {
      const sample = audience ? (await ask(SAMPLE, { rule: audience }, this.page)).previewSegment.sample : [];
      return sample.length ? sample : (await ask(ANYBODY, {}, this.page)).customers.nodes;
    } catch (failure) {
      if (!(failure instanceof GraphError)) throw failure;
      return [];
    }
  }

  #suggest(people) {
    fill(this.people, people.map((customer) => h("option", { value: nameOf(customer) }, personName(customer))));
  }

  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), THINKING_MS);
  }

  /** Asks how it looks. An answer that comes after a later question is dropped. */
  async look() {
    const turn = (this.#turn += 1);
    this.shown.setAttribute("aria-busy", "true");
    try {
      const person = await this.#find();
      if (turn !== this.#turn) return;
      const [what, content] = this.#what(person);
      const ref = person ? { id: person.id } : customerOf(this.customer);
      const { previewContent: found } = await ask(PREVIEW, { ...what, customer: ref, data: this.data }, this.page);
      if (turn !== this.#turn) return;
      this.page.note({ as: this.customer.trim() });
      this.#tell(person, content);
      this.#show(content.channel, found);
    } catch (error) {
      if (this.page.signal.aborted || turn !== this.#turn) return;
      if (!(error instanceof GraphError)) throw error;
      if (!this.frame) fill(this.shown);
      const others = this.wrong(error.issues.map(({ field: path, message }) => ({ field: path.replace(/^customer\..*/, "customer"), message })));
      const said = others.length ? others.map(({ message }) => message) : error.issues.length ? ["It cannot be shown yet: see the marked field."] : [error.message];
      fill(this.noted, said.map((text) => h("p", { class: "callout bad" }, text)));
    } finally {
      if (turn === this.#turn) this.shown.removeAttribute("aria-busy");
    }
  }

  /** The customer who is meant, and others whose names are alike as suggestions; null where we may not know, and for nobody. */
  async #find() {
    const name = this.customer.trim();
    if (!name || !may("customers:read")) return null;
    if (name !== this.#asked) {
      const ref = customerOf(name);
      this.found = "phone" in ref ? null : (await ask(PERSON_BY, ref, this.page)).customer;
      if (!this.found && name.length >= FEWEST_LETTERS) {
        const alike = (await ask(PEOPLE, { search: name }, this.page)).customers.nodes;
        this.#suggest(alike);
        if (alike.length === 1) [this.found] = alike;
      }
      this.#asked = name;
    }
    return this.found;
  }

  /** What is to be shown: the one being written, or one that is saved. */
  #what(person) {
    const wanted = this.language ? this.language.querySelector("select").value : DRAFT;
    const content = wanted === DRAFT ? this.content : wanted === THEIRS ? contentFor([this.content, ...this.others], person?.locale) : this.others.find(({ id }) => id === wanted);
    if (!content || content === this.content) {
      const { contentId, draft } = this.read();
      return [{ id: contentId, draft }, this.content];
    }
    return [{ id: content.id, draft: null }, content];
  }

  /** Who they are, and which language they would get. */
  #tell(person, content) {
    if (!person) {
      fill(this.person);
      return;
    }
    const theirs = contentFor([this.content, ...this.others], person.locale);
    const language = person.locale ? `speaks ${languageWords(person.locale.replaceAll("_", "-"))}` : "has said no language";
    const gets = theirs && theirs !== content && this.others.length > 0 && `, so they get “${languageWords(theirs.language)}”, not this`;
    fill(this.person, h("a", { href: `#/customers/${person.id}` }, personName(person)), ` ${language}${gets || ""}.`);
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
    const line = (name, value) => value && h("span", { class: "small faint" }, `${name} ${value}`);
    const { cc, bcc } = message.fields ?? {};
    fill(this.head, h("strong", null, message.subject || "No subject"), message.preheader && h("span", { class: "quiet small" }, message.preheader),
      line("From", message.fromAddress || "nobody yet"), line("Answers go to", message.replyTo), line("Cc", cc), line("Bcc", bcc),
      message.headers.map(({ name, value }) => line(`${name}:`, value || "(empty)")));
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
  const more = Object.entries(fields ?? {}).filter(([name, value]) => value && !UNSHOWN.has(name));
  return h("div", { class: "phone" }, h("div", { class: "bubble", dir: "auto" }, (fields?.title || (channel === "PUSH" && subject)) && h("strong", null, fields?.title || subject),
    h("p", null, body || "Nothing yet")), more.length > 0 && h("dl", { class: "pairs small" }, more.map(([name, value]) => [h("dt", null, name), h("dd", null, plain(value))])));
}
