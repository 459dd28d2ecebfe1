// One content: the form in which it is written, and the preview beside it.

import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { button, h } from "../dom.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { session } from "../session.js";
import { code } from "../settings/texts.js";
import { DELETE_CONTENT, SEND_TEST, SET_CONTENT } from "./documents.js";
import { changesOf, sameValue, saveOver } from "./merging.js";
import { Attachments, Headers } from "./parcels.js";
import { contentWords } from "./places.js";
import { Preview, customerOf } from "./preview.js";

const FIELDS = { PUSH: [["title", "Title"], ["link", "Address it opens"], ["image_url", "Picture"]], WEBHOOK: [["url", "Address"], ["method", "Method"]] };
const IDS = ["senderId", "layoutId"];
const IN_FIELDS = "fields.";
/** What somebody has begun to write and not saved, by campaign and place: it is there when they come back. */
const drafts = new Map();
session.addEventListener("ended", () => drafts.clear());
const keyOf = ({ id }, { channel, testGroup, language }) => [id, channel, testGroup, language].join("/");

/** Whether somebody has begun to write this content and not saved it. */
export const hasDraft = (campaign, content) => drafts.has(keyOf(campaign, content));
const LISTED = { headers: (all) => all.map(({ name, value }) => `${name}: ${value}`).join("\n"), "fields.attachments": (all) => Object.keys(all ?? {}).join("\n") };

export class Editor {
  /** `contents` are those it is one of; `saved()` is called when it was saved or deleted. */
  constructor(page, campaign, stored, contents, saved, { isFresh = false } = {}) {
    const draft = isFresh ? null : drafts.get(keyOf(campaign, stored));
    const content = draft ? overlaid(stored, draft.values) : stored;
    Object.assign(this, { page, campaign, stored, content, contents, saved, version: draft?.version ?? stored.version });
    const write = may("campaigns:write");
    this.form = form({
      submit: content.id ? "Save content" : "Write content",
      fields: [draft && this.#unsaved(), h("section", { class: "card fields", "aria-label": contentWords(campaign, content) }, h("h2", null, contentWords(campaign, content)),
        content.channel === "EMAIL" ? this.#mail() : this.#short())],
      extra: [write && content.id && campaign.status === "DRAFT" && button("Delete", () => this.#delete(), "danger"),
        content.id && may("campaigns:send") && button("Send a test…", () => this.#test())].filter(Boolean),
      action: () => this.#save(),
    });
    if (!write) this.form.querySelectorAll("button[type=submit]").forEach((one) => one.remove());
    this.before = draft?.before ?? this.read();
    this.preview = new Preview(page, campaign, content, contents.contents, () => this.#draft(), (issues) => this.#wrong(issues));
    this.form.addEventListener("input", () => this.preview.later());
    this.element = h("div", { class: "columns drafting" }, this.form, this.preview.element);
  }

  /** Whether the form says something else than when it was opened. */
  get isChanged() {
    return !this.isDone && Object.keys(changesOf(this.before, this.read())).length > 0;
  }

  /** Notes what is not saved, for when somebody comes back. */
  keep() {
    if (this.isDone) return;
    const key = keyOf(this.campaign, this.content);
    if (this.isChanged && may("campaigns:write")) drafts.set(key, { values: this.read(), before: this.before, version: this.version });
    else drafts.delete(key);
  }

  #unsaved() {
    const discard = button("Discard", () => {
      this.#forget();
      this.saved();
    }, "slight");
    return h("p", { class: "callout warn" }, h("span", null, "You had begun to change this and have not saved it yet."), discard);
  }

  #mail() {
    const { content, contents: { senders, layouts } } = this;
    const own = senders.filter(({ kind }) => kind === "EMAIL").map(({ id, name, address }) => [id, name ? `${name} <${address}>` : address]);
    this.headers = new Headers(content.headers ?? []);
    this.attachments = new Attachments(content.fields?.attachments ?? {});
    const address = (name, label, value, hint = null) => field({ name, label, value, hint, autocomplete: "off", spellcheck: "false", dir: "auto" });
    const { cc, bcc } = content.fields ?? {};
    const hasMore = content.plain || content.fromAddress || cc || bcc || content.headers?.length || Object.keys(this.attachments.files).length;
    return [
      field({ name: "senderId", label: "From", options: [["", "Nobody chosen"], ...own], value: content.sender?.id ?? "" }),
      h("div", { class: "pair" },
        address("replyTo", "Answers go to", content.replyTo),
        field({ name: "layoutId", label: "Layout", options: [["", "None"], ...layouts.map(({ id, name }) => [id, name])], value: content.layout?.id ?? "" })),
      field({ name: "subject", label: "Subject", value: content.subject, autocomplete: "off", dir: "auto" }),
      field({ name: "preheader", label: "Preheader", value: content.preheader, autocomplete: "off", dir: "auto", hint: "Mailboxes show it beside the subject." }),
      code({ name: "body", label: "Body", value: content.body, lines: 16, dir: "auto", hint: "HTML in Liquid: {{ customer.first_name }}, {{ snippets.footer }}, {% unsubscribe_url %}." }),
      h("details", { open: Boolean(hasMore) }, h("summary", null, "Copies, attachments, headers, plain text"), h("div", { class: "fields more" },
        h("div", { class: "pair" }, address("fields.cc", "Copies to (Cc)", cc, "Addresses with commas between them."), address("fields.bcc", "Hidden copies to (Bcc)", bcc),
          address("fromAddress", "Another address it comes from", content.fromAddress, "Instead of the sender's.")),
        this.attachments.element, this.headers.element,
        code({ name: "plain", label: "Plain text", value: content.plain ?? "", lines: 6, dir: "auto", hint: "Left empty, it is made from the HTML." }))),
    ];
  }

  #short() {
    const { content, contents: { senders } } = this;
    const own = senders.filter(({ kind }) => kind === "PHONE").map(({ id, name, address }) => [id, name || address]);
    return [
      ["SMS", "WHATSAPP"].includes(content.channel) && field({ name: "senderId", label: "From", options: [["", "The integration's own"], ...own], value: content.sender?.id ?? "" }),
      (FIELDS[content.channel] ?? []).map(([name, label]) => field({ name: `${IN_FIELDS}${name}`, label, value: content.fields?.[name] ?? "", autocomplete: "off", dir: "auto" })),
      code({ name: "body", label: "Text", value: content.body, lines: 6, dir: "auto", hint: "In Liquid." }),
    ];
  }

  /** What the form says, by the names of its fields. */
  read() {
    const said = Object.fromEntries([...new FormData(this.form)].filter(([name]) => name !== "file" && !name.startsWith("header.")));
    for (const name of IDS) if (name in said) said[name] ||= null;
    if ("plain" in said) said.plain = said.plain.trim() ? said.plain : null;
    if (this.headers) Object.assign(said, { headers: this.headers.read(), "fields.attachments": this.attachments.read() });
    return said;
  }

  /** As the graph takes them. All fields of the channel go together; `kept` are those that the form does not show. */
  #input(said, kept = this.content.fields ?? {}) {
    const own = Object.entries(said).filter(([name]) => name.startsWith(IN_FIELDS));
    const input = Object.fromEntries(Object.entries(said).filter(([name]) => !name.startsWith(IN_FIELDS)));
    if (!own.length) return input;
    const fields = { ...kept };
    for (const [name, value] of own) {
      if (value) fields[name.slice(IN_FIELDS.length)] = value;
      else delete fields[name.slice(IN_FIELDS.length)];
    }
    return { ...input, fields };
  }

  /** What the preview shows. Attachments stay here: they look the same to everybody. */
  #draft() {
    const { "fields.attachments": _, ...said } = this.read();
    const { attachments, ...kept } = this.content.fields ?? {};
    return { contentId: this.content.id, draft: { ...this.#input(said, kept), channel: this.content.channel } };
  }

  async #save() {
    const { campaign, content } = this;
    const { channel, testGroup, language } = content;
    const said = this.read();
    let { stored } = this;
    let made = null;
    const saved = await saveOver({
      before: { values: content.id ? this.before : {}, stamp: this.version },
      values: said,
      save: async (changes, expectedVersion) => {
        const input = { campaignId: campaign.id, channel, testGroup, language, expectedVersion, ...this.#input(changes, stored.fields ?? {}) };
        made = (await ask(SET_CONTENT, { input })).setContent.content;
      },
      read: async () => {
        stored = await this.contents.fresh(content) ?? { ...content, id: null, fields: {} };
        if (!stored.id) return { values: {}, stamp: 0 };
        return { values: new Editor(this.page, campaign, stored, this.contents, () => {}, { isFresh: true }).before, stamp: stored.version };
      },
      label: (name) => this.form.querySelector(`[data-field="${CSS.escape(name)}"] :is(label, legend)`)?.textContent ?? name,
      shown: (name, value) => LISTED[name]?.(value) ?? this.#said(name, value),
    });
    announce("The content is saved.");
    await this.#goOn(said, saved, made);
  }

  /** What somebody writes while it is being saved is not touched: only what others have changed draws the form anew. */
  async #goOn(said, saved, { version, fields }) {
    if (this.content.id && sameValue(said, saved)) {
      Object.assign(this, { before: saved, version, stored: { ...this.stored, version, fields } });
      this.keep();
      this.form.querySelector(".callout.warn")?.remove();
      await this.contents.refresh();
      return;
    }
    const typed = changesOf(said, this.read());
    this.#forget();
    if (Object.keys(typed).length) drafts.set(keyOf(this.campaign, this.content), { values: { ...saved, ...typed }, before: saved, version });
    await this.saved();
  }

  #said(name, value) {
    if (!IDS.includes(name)) return value ?? "";
    const choice = [...this.form.querySelectorAll(`[name="${name}"] option`)].find((one) => one.value === (value ?? ""));
    return choice?.textContent ?? value;
  }

  /** What the form says is of no further interest. */
  #forget() {
    drafts.delete(keyOf(this.campaign, this.content));
    this.isDone = true;
  }

  /** Shows what is wrong while it is written, and gives what has no place. The focus stays where it is. */
  #wrong(issues) {
    this.element.querySelectorAll(".wrong.soft").forEach((note) => note.remove());
    return issues.filter(({ field: path, message }) => {
      const name = path.replace(/^draft\./, "");
      const holder = [...this.element.querySelectorAll("[data-field]")].find(({ dataset }) => name === dataset.field || name.startsWith(`${dataset.field}.`));
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
        this.#forget();
        await this.saved();
      },
    });
  }

  #test() {
    const { channel } = this.content;
    formDialog({
      title: "Send a test",
      text: `It goes out before all campaigns, as it is saved, and is counted nowhere.${this.isChanged ? " What you have changed since is not in it." : ""}`,
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

/** A content with what somebody has begun to write over it. */
function overlaid(content, { senderId, layoutId, ...values }) {
  const own = Object.entries(values).filter(([name]) => name.startsWith(IN_FIELDS)).map(([name, value]) => [name.slice(IN_FIELDS.length), value]);
  const texts = Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith(IN_FIELDS)));
  return { ...content, ...texts, sender: senderId ? { id: senderId } : null, layout: layoutId ? { id: layoutId } : null, fields: { ...content.fields, ...Object.fromEntries(own) } };
}
