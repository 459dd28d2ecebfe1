// What a campaign says: its contents by channel, test group and language, each with an editor and how it will look.

import { may } from "../account.js";
import { formDialog } from "../dialogs.js";
import { button, fill, h, icon } from "../dom.js";
import { field } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { GraphError } from "../wire.js";
import { CONTENTS } from "./documents.js";
import { Editor, hasDraft } from "./editor.js";
import { groupWords } from "./places.js";
import { channelWords, languageWords } from "./words.js";

const SUGGESTED = ["en", "de", "fr", "es", "ar", "it", "pt-BR", "nl", "pl", "ja"];
const HTML = "<p>Hello {{ customer.first_name | default: \"there\" }},</p>\n<p>…</p>\n<p><a href=\"{% unsubscribe_url %}\">Unsubscribe</a></p>";
const COPIED = ["fromAddress", "replyTo", "sender", "layout", "subject", "preheader", "body", "plain", "headers", "fields"];
const placeOf = ({ channel, testGroup, language }) => [channel, testGroup, language].join("/");
const isAt = (one) => (other) => placeOf(one) === placeOf(other);

export class Contents {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.tabs = h("div", { class: "stack" });
    this.editor = h("div");
    page.signal.addEventListener("abort", () => this.open?.keep());
    addEventListener("beforeunload", (event) => this.open?.isChanged && event.preventDefault(), { signal: page.signal });
  }

  async load() {
    await this.#read();
    const wanted = this.page.query.get("at");
    const first = this.contents.find((one) => placeOf(one) === wanted) ?? this.contents[0] ?? this.empty(this.campaign.channels[0], 0, "");
    await this.#open(first);
    return h("div", { class: "stack" }, this.tabs, this.editor);
  }

  renew(campaign) {
    this.campaign = campaign;
  }

  async #read() {
    const { campaign, senders, layouts } = await ask(CONTENTS, { id: this.campaign.id }, this.page);
    Object.assign(this, { contents: campaign.contents, senders, layouts });
  }

  /** What stands at a content's place now; null for nothing. */
  async fresh(content) {
    await this.#read();
    return this.contents.find(isAt(content)) ?? null;
  }

  /** Reads again what is saved; the editor stays as it is. */
  async refresh() {
    await this.#read();
    this.content = this.contents.find(isAt(this.content)) ?? this.content;
    this.#drawTabs();
    await this.changed();
  }

  /** What is not written yet. It begins with what another one of its channel says. */
  empty(channel, testGroup, language) {
    const model = this.contents.find((one) => one.channel === channel);
    const copied = model && Object.fromEntries(COPIED.map((name) => [name, model[name]]));
    return { id: null, version: 0, channel, testGroup, language, name: "", fromAddress: "", replyTo: "", subject: "", preheader: "", body: channel === "EMAIL" ? HTML : "",
      plain: null, headers: [], fields: {}, sender: this.senders[0] ?? null, layout: null, ...copied };
  }

  async #open(content) {
    this.open?.keep();
    this.content = content;
    this.page.note({ at: placeOf(content) });
    this.#drawTabs();
    this.open = new Editor(this.page, this.campaign, content, this, async () => {
      await this.#read();
      await this.changed();
      await this.#open(this.contents.find(isAt(content)) ?? this.contents[0] ?? this.empty(content.channel, 0, ""));
      this.editor.querySelector("button[type=submit]")?.focus();
    });
    fill(this.editor, this.open.element);
    this.open.preview.load().catch((failure) => this.page.signal.aborted || announce(failure.message));
  }

  #drawTabs() {
    const { campaign } = this;
    const groups = Math.max(campaign.experiment?.groups.length ?? 1, 1 + Math.max(0, ...this.contents.map(({ testGroup }) => testGroup)));
    const languages = [...new Set(["", ...this.contents.map(({ language }) => language), this.content.language])];
    const rows = campaign.channels.flatMap((channel) => Array.from({ length: groups }, (_, group) => {
      const title = [campaign.channels.length > 1 && channelWords(channel), groupWords(campaign, group)].filter(Boolean).join(" · ");
      return h("div", { class: "tabs", role: "group", "aria-label": title || "Languages" }, title && h("span", { class: "strong small tab-head" }, title),
        languages.map((language) => this.#tab(channel, group, language, languages)));
    }));
    const add = may("campaigns:write") && button([icon("plus"), "Add language"], () => this.#addLanguage(), "slight bare");
    if (add) rows.at(-1).append(add);
    fill(this.tabs, rows);
  }

  #tab(channel, testGroup, language, languages) {
    const place = { channel, testGroup, language };
    const known = this.contents.find(isAt(place));
    return button([languages.length > 1 ? languageWords(language) : "Everybody", hasDraft(this.campaign, place) ? h("span", { class: "small faint" }, " not saved") : !known && h("span", { class: "small faint" }, " not written")],
      () => this.#open(known ?? this.empty(channel, testGroup, language)), "slight", { "aria-pressed": String(isAt(place)(this.content)) });
  }

  #addLanguage() {
    const id = "content-languages";
    formDialog({
      title: "Add a language",
      text: "People get it whose own language it is, or begins with it. Everybody else gets what is written for everybody else.",
      submit: "Add",
      fields: [field({ name: "language", label: "Language", list: id, autofocus: true, autocomplete: "off", placeholder: "de, fr, pt-BR…" }),
        h("datalist", { id }, SUGGESTED.map((tag) => h("option", { value: tag }, languageWords(tag))))],
      action: async ({ language }) => {
        const place = { ...this.content, language: canonical(language) };
        await this.#open(this.contents.find(isAt(place)) ?? this.empty(place.channel, place.testGroup, place.language));
      },
    });
  }
}

function canonical(text) {
  try {
    return Intl.getCanonicalLocales(text.trim())[0] ?? refuse();
  } catch {
    return refuse();
  }
}

function refuse() {
  const message = "This is no language tag such as de or pt-BR.";
  throw new GraphError(message, { issues: [{ field: "language", message }] });
}
