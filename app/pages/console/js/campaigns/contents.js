// What a campaign says: its contents by channel, test group and language, each with an editor and how it will look.

import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { button, fill, h, icon } from "../dom.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { code } from "../settings/texts.js";
import { GraphError } from "../wire.js";
import { CONTENTS, DELETE_CONTENT, SEND_TEST, SET_CONTENT } from "./documents.js";
import { contentWords, groupWords } from "./places.js";
import { Preview, customerOf } from "./preview.js";
import { channelWords, languageWords } from "./words.js";

const SUGGESTED = ["en", "de", "fr", "es", "ar", "it", "pt-BR", "nl", "pl", "ja"];
const PARTS = ["fromAddress", "replyTo", "subject", "preheader", "body"];
const FIELDS = { PUSH: [["title", "Title"], ["link", "Address it opens"], ["image_url", "Picture"]], WEBHOOK: [["url", "Address"], ["method", "Method"]] };
const HTML = "<p>Hello {{ customer.first_name | default: \"there\" }},</p>\n<p>…</p>\n<p><a href=\"{% unsubscribe_url %}\">Unsubscribe</a></p>";
const placeOf = ({ channel, testGroup, language }) => [channel, testGroup, language].join("/");

export class Contents {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.tabs = h("div", { class: "stack" });
    this.editor = h("div");
  }

  async load() {
    await this.#read();
    const wanted = this.page.query.get("at");
    const first = this.contents.find((one) => placeOf(one) === wanted) ?? this.contents[0] ?? this.#empty(this.campaign.channels[0], 0, "");
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

  #empty(channel, testGroup, language) {
    const model = this.contents.find((one) => one.channel === channel);
    const copied = model && { fromAddress: model.fromAddress, replyTo: model.replyTo, sender: model.sender, layout: model.layout, subject: model.subject,
      preheader: model.preheader, body: model.body, plain: model.plain, fields: model.fields };
    return { id: null, channel, testGroup, language, name: "", fromAddress: "", replyTo: "", subject: "", preheader: "", body: channel === "EMAIL" ? HTML : "", plain: null,
      fields: {}, sender: this.senders[0] ?? null, layout: null, ...copied };
  }

  async #open(content) {
    this.content = content;
    this.page.note({ at: placeOf(content) });
    this.#drawTabs();
    const editor = new Editor(this.page, this.campaign, content, this, async () => {
      await this.#read();
      await this.changed();
      await this.#open(this.contents.find((one) => placeOf(one) === placeOf(content)) ?? this.contents[0] ?? this.#empty(content.channel, 0, ""));
    });
    fill(this.editor, editor.element);
    editor.preview.load().catch((failure) => this.page.signal.aborted || announce(failure.message));
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
    fill(this.tabs, rows, add && h("div", null, add));
  }

  #tab(channel, testGroup, language, languages) {
    const known = this.contents.find((one) => placeOf(one) === placeOf({ channel, testGroup, language }));
    const isOpen = placeOf(this.content) === placeOf({ channel, testGroup, language });
    return button([languages.length > 1 ? languageWords(language) : "Everybody", !known && h("span", { class: "small faint" }, " not written")], () => this.#open(known ?? this.#empty(channel, testGroup, language)),
      "slight", { "aria-pressed": String(isOpen) });
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
        const tag = canonical(language);
        await this.#open(this.#empty(this.content.channel, this.content.testGroup, tag));
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

/** One content: the form, and the preview beside it. */
class Editor {
  constructor(page, campaign, content, { senders, layouts }, saved) {
    Object.assign(this, { page, campaign, content, saved });
    const isMail = content.channel === "EMAIL";
    const write = may("campaigns:write");
    this.form = form({
      submit: content.id ? "Save content" : "Write content",
      fields: [h("section", { class: "card fields", "aria-label": contentWords(campaign, content) }, h("h2", null, contentWords(campaign, content)),
        isMail ? this.#mail(senders, layouts) : this.#short(senders))],
      extra: [write && content.id && button("Delete", () => this.#delete(), "danger"), content.id && may("campaigns:send") && button("Send a test…", () => this.#test())].filter(Boolean),
      action: (values) => this.#save(values),
    });
    if (!write) this.form.querySelectorAll("button[type=submit]").forEach((one) => one.remove());
    this.preview = new Preview(page, campaign, () => ({ contentId: content.id, draft: { ...this.#texts(), channel: content.channel } }), (issues) => this.#wrong(issues));
    this.form.addEventListener("input", () => this.preview.later());
    this.element = h("div", { class: "columns drafting" }, this.form, this.preview.element);
  }

  #mail(senders, layouts) {
    const { content } = this;
    const own = senders.filter(({ kind }) => kind === "EMAIL").map(({ id, name, address }) => [id, name ? `${name} <${address}>` : address]);
    return [
      h("div", { class: "pair" },
        field({ name: "senderId", label: "From", options: [["", "Nobody chosen"], ...own], value: content.sender?.id ?? "" }),
        field({ name: "layoutId", label: "Layout", options: [["", "None"], ...layouts.map(({ id, name }) => [id, name])], value: content.layout?.id ?? "" })),
      field({ name: "subject", label: "Subject", value: content.subject, autocomplete: "off", dir: "auto" }),
      field({ name: "preheader", label: "Preheader", value: content.preheader, autocomplete: "off", dir: "auto", hint: "Mailboxes show it beside the subject." }),
      code({ name: "body", label: "Body", value: content.body, lines: 16, dir: "auto", hint: "HTML in Liquid: {{ customer.first_name }}, {{ snippets.footer }}, {% unsubscribe_url %}." }),
      h("details", { open: Boolean(content.plain || content.fromAddress || content.replyTo) }, h("summary", null, "More"), h("div", { class: "fields more" },
        h("div", { class: "pair" }, field({ name: "fromAddress", label: "Another address it comes from", value: content.fromAddress, autocomplete: "off", spellcheck: "false" }),
          field({ name: "replyTo", label: "Answers go to", value: content.replyTo, autocomplete: "off", spellcheck: "false" })),
        code({ name: "plain", label: "Plain text", value: content.plain ?? "", lines: 6, dir: "auto", hint: "Left empty, it is made from the HTML." }))),
    ];
  }

  #short(senders) {
    const { content } = this;
    const own = senders.filter(({ kind }) => kind === "PHONE").map(({ id, name, address }) => [id, name || address]);
    return [
      ["SMS", "WHATSAPP"].includes(content.channel) && field({ name: "senderId", label: "From", options: [["", "The integration's own"], ...own], value: content.sender?.id ?? "" }),
      (FIELDS[content.channel] ?? []).map(([name, label]) => field({ name: `fields.${name}`, label, value: content.fields?.[name] ?? "", autocomplete: "off", dir: "auto" })),
      code({ name: "body", label: "Text", value: content.body, lines: 6, dir: "auto", hint: "In Liquid." }),
    ];
  }

  /** The texts as they stand in the form. */
  #texts() {
    const values = Object.fromEntries(new FormData(this.form));
    const texts = Object.fromEntries(PARTS.filter((name) => name in values).map((name) => [name, values[name]]));
    if ("senderId" in values) texts.senderId = values.senderId || null;
    if ("layoutId" in values) texts.layoutId = values.layoutId || null;
    if ("plain" in values) texts.plain = values.plain.trim() ? values.plain : null;
    const own = Object.entries(values).filter(([name]) => name.startsWith("fields."));
    if (own.length) texts.fields = { ...this.content.fields, ...Object.fromEntries(own.map(([name, value]) => [name.slice("fields.".length), value])) };
    return texts;
  }

  async #save() {
    const { channel, testGroup, language } = this.content;
    await ask(SET_CONTENT, { input: { campaignId: this.campaign.id, channel, testGroup, language, ...this.#texts() } });
    announce("The content is saved.");
    await this.saved();
  }

  /** Shows what is wrong while it is written. The focus stays where it is. */
  #wrong(issues) {
    this.form.querySelectorAll(".wrong.soft").forEach((note) => note.remove());
    return issues.filter(({ field: path, message }) => {
      const holder = this.form.querySelector(`[data-field="${CSS.escape(path.replace(/^draft\./, ""))}"]`);
      holder?.append(h("p", { class: "wrong soft", role: "status" }, message));
      return !holder;
    });
  }

  #delete() {
    confirmDialog({
      title: "Delete this content?",
      text: "People who would get it get the one for everybody else.",
      submit: "Delete",
      action: async () => {
        await ask(DELETE_CONTENT, { input: { contentId: this.content.id } });
        await this.saved();
      },
    });
  }

  #test() {
    const { channel } = this.content;
    formDialog({
      title: "Send a test",
      text: "It goes out before all campaigns, as it is saved, and is counted nowhere.",
      submit: "Send test",
      fields: [field({ name: "to", label: channel === "EMAIL" ? "To which address" : "To", autofocus: true, autocomplete: "off", hint: "Left empty: to the customer's own." }),
        field({ name: "customer", label: "Written as for", value: this.preview.customer, list: "preview-people", autocomplete: "off", spellcheck: "false" })],
      action: async ({ to, customer }) => {
        await ask(SEND_TEST, { input: { contentId: this.content.id, to: to.trim(), data: this.preview.data, customer: customerOf(customer) ?? { id: "" } } });
        announce("The test is on its way.");
      },
    });
  }
}
