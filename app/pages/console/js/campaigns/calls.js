// Calling a campaign that is sent when it is called: for whom, with what; and what came of the calls so far.

import { may } from "../account.js";
import { openDialog } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { field, form, tick } from "../forms.js";
import { moment, number } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { go } from "../router.js";
import { code } from "../settings/texts.js";
import { GraphError } from "../wire.js";
import { Choice, knownSegments } from "./audience.js";
import { ESTIMATE, RUNS, SEND_TRANSACTIONAL, TRIGGER } from "./documents.js";
import { estimated, reached } from "./estimate.js";
import { customerOf } from "./preview.js";
import { CHANNELS, runBadge } from "./words.js";

const NAMELESS = /^(call )?[0-9a-f]{32}$/;
const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const MOST_PROBLEMS = 20;
const SHORT = 60;
const WHO = [["own", "Its own audience"], ["people", "People by name"], ["segment", "A segment"], ["rule", "Whoever this rule is true of"], ["everybody", "Everybody"], ["file", "People in a file on the web"]];
const OFF = { DRAFT: "It can be called once it is switched on.", PAUSED: "It is paused: it can be called again once it is resumed.", CANCELLED: "It was cancelled: it cannot be called any more.",
  ARCHIVED: "It was put away: it cannot be called any more." };

/** The calls of a triggered campaign, or the sendings of a recurring one; and calling it. */
export class Runs {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.holder = h("div");
  }

  async load() {
    const { campaign } = this;
    if (campaign.kind === "TRANSACTIONAL") {
      this.#draw();
      return this.holder;
    }
    const [table, segments] = await Promise.all([runsTable(this.page, campaign), knownSegments(this.page)]);
    Object.assign(this, { table, segments });
    this.#draw();
    return h("div", { class: "stack" }, this.holder, table.element);
  }

  /** What came of the calls changes while one looks; what is being written for the next one stays. */
  async renew(campaign, isOther) {
    this.campaign = campaign;
    if (isOther) this.#draw();
    if (!this.table || this.table.element.contains(document.activeElement)) return;
    const [kept, parts] = [new Map(), () => this.table.element.querySelectorAll("details[data-key]")];
    for (const one of parts()) kept.set(one.dataset.key, one.open);
    await this.table.reload();
    for (const one of parts()) one.open = kept.get(one.dataset.key) ?? one.open;
  }

  #draw() {
    const { campaign } = this;
    if (campaign.kind === "RECURRING" || !may("campaigns:send")) {
      fill(this.holder);
      return;
    }
    if (campaign.status !== "SENDING") {
      fill(this.holder, h("p", { class: "callout warn" }, OFF[campaign.status] ?? "It cannot be called now."));
      return;
    }
    fill(this.holder, campaign.kind === "TRANSACTIONAL" ? sendForm(this.page, campaign) : this.#callForm());
  }

  #callForm() {
    const { campaign } = this;
    const people = code({ name: "people", label: "Names", lines: 4, placeholder: "ada@example.com\ncust-17 {\"coffee\": \"Huila\"}",
      hint: "One a line: e-mail, phone, external id or id. Behind a name, as JSON, what is said for this one alone." });
    const file = field({ name: "dataFileUrl", label: "Its address", type: "url", placeholder: "https://", autocomplete: "off", hint: "JSON Lines of objects with id or email, and data; perhaps gzip." });
    const missing = tick({ name: "ignoresMissing", label: "Go on without those who cannot be found", hint: "Else nobody gets it, and the call says whom it did not find." });
    const pairs = this.segments.map(({ id, name }) => [id, name]);
    const who = new Choice("recipients", null, this.segments, pairs, campaign.audience ? WHO : WHO.slice(1), { own: null, people: [people, missing], file: [file, missing] });
    const element = form({
      submit: "Call it…",
      fields: [h("section", { class: "card fields", "aria-label": "Call" }, h("div", null, h("h2", null, "Call it"), h("p", { class: "quiet small" }, "It goes out at once. Before it does, you see how many people it is about.")),
        who.element, dataField(), field({ name: "idempotencyKey", label: "Key", autocomplete: "off", spellcheck: "false", hint: "With the same key the same call is made once. May be left empty." }))],
      action: async (values) => {
        const input = this.#input(who, values);
        try {
          await this.#confirm(who.chosen, input);
        } catch (error) {
          if (!(error instanceof GraphError)) throw error;
          throw new GraphError(error.message, { code: error.code, issues: who.show(error.issues) });
        }
      },
    });
    return element;
  }

  #input(who, values) {
    const issues = [];
    const rule = who.read(issues);
    const input = { campaignId: this.campaign.id, data: object(values.data, "data"), idempotencyKey: values.idempotencyKey.trim() || null };
    if (issues.length) throw new GraphError("A rule is not complete yet: see the marked conditions.", { issues: who.show(issues) });
    if (who.chosen === "people") Object.assign(input, { people: peopleOf(values.people), ignoresMissing: values.ignoresMissing === "on" });
    else if (who.chosen === "file") Object.assign(input, { dataFileUrl: values.dataFileUrl.trim(), ignoresMissing: values.ignoresMissing === "on" });
    else if (who.chosen !== "own" && !rule) refuse("recipients.segment", "Choose one.");
    else input.recipients = rule;
    return input;
  }

  /** Says how many it is about, before anybody gets anything. */
  async #confirm(chosen, input) {
    const { campaign } = this;
    const isRule = !["people", "file"].includes(chosen);
    const estimate = isRule && (await ask(ESTIMATE, { id: campaign.id, recipients: input.recipients ?? null }, this.page)).estimateAudience;
    const count = isRule ? reached(estimate) : input.people?.length;
    const people = `${number(count ?? 0)} ${count === 1 ? "person" : "people"}`;
    const key = input.idempotencyKey ?? freshKey();
    const send = form({
      fields: [],
      submit: isRule ? `Send to ${people}` : "Send",
      extra: [button("Not yet", () => close(), "", { "data-autofocus": true })],
      action: async () => {
        try {
          const { triggerCampaign: made } = await ask(TRIGGER, { input: { ...input, idempotencyKey: key } });
          close();
          announce(`Call no. ${made.run.number} has begun.`);
        } finally {
          await this.table.reload();
        }
      },
    });
    const close = openDialog({ title: `Call ${campaign.name}`, broad: true, body: [
      h("p", { class: "callout" }, isRule ? h("span", null, h("strong", null, people), count === 1 ? " gets it." : " get it.") : h("span", null, chosen === "file" ? "Everybody in the file gets it." : ["It is for ", h("strong", null, people), "."])),
      estimate && estimated(estimate), send] });
  }
}

/** One message to one person. */
function sendForm(page, campaign) {
  const channels = campaign.channels.map((channel) => [channel, CHANNELS[channel]]);
  return form({
    submit: "Send it",
    fields: [h("section", { class: "card fields", "aria-label": "Send" }, h("div", null, h("h2", null, "Send it to somebody"), h("p", { class: "quiet small" }, "As your own systems do when something happens. It goes out at once.")),
      h("div", { class: "pair" }, field({ name: "customer", label: "To whom", autocomplete: "off", spellcheck: "false", placeholder: "E-mail, phone, external id or id", hint: "Somebody who is not known yet becomes a customer." }),
        field({ name: "to", label: "Another address", autocomplete: "off", spellcheck: "false", hint: "Left empty: their own." }),
        channels.length > 1 && field({ name: "channel", label: "Over", options: channels, value: channels[0][0] })), dataField())],
    action: async ({ customer, to, channel = campaign.channels[0], data }) => {
      const ref = customerOf(customer);
      if (!ref && !to.trim()) refuse("customer", "Say to whom.");
      const { sendTransactional: sent } = await ask(SEND_TRANSACTIONAL, { input: { campaignId: campaign.id, channel, customer: ref, to: to.trim(), data: object(data, "data"), idempotencyKey: freshKey() } }, page);
      announce("It is on its way.");
      go(`/deliveries/${sent.deliveryId}`);
    },
  });
}

const dataField = () => code({ name: "data", label: "Data", value: "{}", lines: 4, hint: "A JSON object. In the content it is {{ trigger }}: {\"coffee\": \"Huila\"} is {{ trigger.coffee }}." });

function runsTable(page, { id, kind }) {
  const isCalled = kind === "TRIGGERED";
  return pagedTable({
    page,
    caption: isCalled ? "Calls" : "Sendings",
    noun: (count) => (isCalled ? (count === 1 ? "call" : "calls") : count === 1 ? "sending" : "sendings"),
    load: async (slice) => (await ask(RUNS, { id, ...slice }, page)).campaign.runs,
    empty: () => (isCalled ? [h("strong", null, "It was never called"), h("p", null, "Here you will see each call: whom it reached, and whom it did not find.")] : h("strong", null, "It was not sent yet")),
    columns: [
      { label: isCalled ? "Call" : "Sending", head: true, cell: called },
      { label: "State", cell: ({ state, awaitsWinner }) => [runBadge(state), awaitsWinner && h("span", { class: "small quiet reason" }, "The rest awaits the experiment")] },
      { label: "People", look: "end", cell: ({ targeted, control }) => [h("span", { class: "tally" }, number(targeted)), control > 0 && h("span", { class: "small quiet rate" }, `${number(control)} in control`)] },
      { label: "Messages", look: "end", cell: ({ prepared, control }) => h("span", { class: "tally" }, number(prepared - control)) },
      { label: "Ended", look: "wide", cell: ({ finishedAt }) => (finishedAt ? moment(finishedAt) : "Not yet") },
    ],
  });
}

function called({ number: place, occurrence, dueAt, data, problems, state }) {
  const named = !NAMELESS.test(occurrence) && !/^\d{4}-/.test(occurrence) && occurrence;
  return h("div", { class: "entry" }, h("div", null, h("span", null, h("span", { class: "strong" }, `No. ${number(place)}`), " ", moment(dueAt)), named && h("code", { class: "small quiet" }, named),
    dataShown(place, data),
    problems.length > 0 && h("details", { open: state === "FAILED", "data-key": `problems ${place}` }, h("summary", { class: "wrong" }, problems.length === 1 ? "1 problem" : `${number(problems.length)} problems`),
      h("ul", { class: "small" }, problems.slice(0, MOST_PROBLEMS).map(({ kind, value, detail }) => h("li", null, h("code", null, value), ` (${kind}): ${detail}`)),
        problems.length > MOST_PROBLEMS && h("li", null, `and ${number(problems.length - MOST_PROBLEMS)} more`)))));
}

/** What the call brought along: on one line where that is short. */
function dataShown(place, data) {
  if (!Object.keys(data ?? {}).length) return null;
  const line = JSON.stringify(data);
  return line.length <= SHORT ? h("code", { class: "small quiet", dir: "auto" }, line) : h("details", { "data-key": `data ${place}` }, h("summary", null, "Data"), h("pre", { dir: "auto" }, JSON.stringify(data, null, 1)));
}

/** The people in the lines: a name each, and perhaps what is said for them alone. */
function peopleOf(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.length) refuse("people", "Say to whom.");
  return lines.map((line, place) => {
    const [, name, data] = line.match(/^(.*?)\s*(\{.*\})?$/s);
    return { customer: customerOf(name) ?? refuse("people", `Line ${place + 1} names nobody.`), data: data ? object(data, "people", `Line ${place + 1}: this is no JSON object.`) : null };
  });
}

function object(text, path, message = "This is no JSON object.") {
  try {
    const value = JSON.parse(text.trim() || "{}");
    if (value && typeof value === "object" && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  return refuse(path, message);
}

function refuse(path, message) {
  throw new GraphError(message, { issues: [{ field: path, message }] });
}
