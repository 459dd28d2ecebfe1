// What people let themselves be told about, and the addresses to which nothing is sent.

import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { button, h, icon } from "../dom.js";
import { field, tick } from "../forms.js";
import { moment, words } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { CHANNELS, channelWords } from "../campaigns/words.js";
import { Shelf } from "./shelf.js";

const TOPICS = "query Topics { subscriptionTopics { id name description subscribedByDefault position } }";
const CREATE = "mutation CreateTopic($input: CreateSubscriptionTopicInput!) { createSubscriptionTopic(input: $input) { topic { id } } }";
const UPDATE = "mutation UpdateTopic($input: UpdateSubscriptionTopicInput!) { updateSubscriptionTopic(input: $input) { topic { id } } }";
const DELETE = "mutation DeleteTopic($input: DeleteSubscriptionTopicInput!) { deleteSubscriptionTopic(input: $input) { topicId } }";
const SUPPRESSED = `query Suppressed($channel: MessageChannel, $reason: SuppressionReason, $search: String, $first: Int, $after: String, $last: Int, $before: String) {
  suppressions(channel: $channel, reason: $reason, search: $search, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id channel address reason detail createdAt }
  }
}`;
const SUPPRESS = "mutation Suppress($input: SuppressAddressInput!) { suppressAddress(input: $input) { suppression { id } } }";
const ALLOW = "mutation Allow($input: UnsuppressAddressInput!) { unsuppressAddress(input: $input) { suppressionId } }";
const REASONS = { HARD_BOUNCE: ["No such address", "bad"], SOFT_BOUNCES: ["Refused too often", "warn"], COMPLAINT: ["Called it spam", "bad"], MANUAL: ["By hand", ""] };
const TYPING_MS = 250;

export const topics = (page) => new Shelf(page, {
  title: "Topics",
  sentence: "What people can subscribe to, as their preference page shows it.",
  scope: "campaigns:write",
  add: "Add topic",
  empty: "No topic yet. People can only unsubscribe from everything.",
  called: ({ name }) => name,
  load: async () => (await ask(TOPICS, {}, page)).subscriptionTopics,
  columns: [
    { label: "Topic", cell: ({ name, description }) => h("div", { class: "entry" }, h("div", null, h("span", { class: "strong" }, name),
      description && h("span", { class: "small quiet" }, description))) },
    { label: "Who said nothing", cell: ({ subscribedByDefault }) => h("span", { class: `badge ${subscribedByDefault ? "good" : ""}` }, subscribedByDefault ? "Is told" : "Is not told") },
  ],
  fields: (topic) => [
    field({ name: "name", label: "Name", value: topic?.name, autofocus: true, autocomplete: "off" }),
    field({ name: "description", label: "Description", value: topic?.description, autocomplete: "off" }),
    tick({ name: "subscribedByDefault", label: "Whoever has said nothing is told about it", checked: topic?.subscribedByDefault ?? true }),
  ],
  save: ({ name, description, subscribedByDefault }, topic) => {
    const input = { name, description, subscribedByDefault: subscribedByDefault === "on" };
    return topic ? [UPDATE, { input: { topicId: topic.id, ...input } }] : [CREATE, { input }];
  },
  remove: ({ id }) => [DELETE, { input: { topicId: id } }],
  loss: "What people said about it is forgotten.",
});

/** The addresses to which nothing is sent any more, with a way back for each. */
export class Suppressions {
  constructor(page) {
    this.page = page;
  }

  async load() {
    const { page } = this;
    const mayChange = may("customers:write");
    const table = await pagedTable({
      page,
      caption: "Suppressed addresses",
      noun: (count) => (count === 1 ? "address" : "addresses"),
      load: async (slice) => (await ask(SUPPRESSED, { ...slice, ...wanted(page.query) }, page)).suppressions,
      empty: () => [h("strong", null, "No suppressed address"), h("p", null, "Addresses that do not exist, and whose owners complain, come here by themselves.")],
      columns: [
        { label: "Address", head: true, cell: ({ address, detail }) => h("div", { class: "entry" }, h("div", null, h("span", { class: "strong" }, address),
          detail && h("span", { class: "small quiet" }, detail))) },
        { label: "Channel", look: "wide", cell: ({ channel }) => channelWords(channel) },
        { label: "Why", cell: ({ reason }) => h("span", { class: `badge ${REASONS[reason]?.[1] ?? ""}` }, REASONS[reason]?.[0] ?? words(reason)) },
        { label: "Since", cell: ({ createdAt }) => moment(createdAt) },
        { label: "Actions", hidden: true, look: "end", cell: (one) => mayChange && button("Allow", () => allow(one, table), "slight", { "aria-label": `Allow ${one.address}` }) },
      ],
    });
    const add = mayChange && button([icon("plus"), "Suppress address"], () => suppress(table), "primary");
    this.element = h("div", null, h("div", { class: "filters" }, this.#filters(table), add), table.element);
    return this;
  }

  #filters(table) {
    const { page } = this;
    let typing;
    const later = ({ target }) => {
      clearTimeout(typing);
      typing = setTimeout(() => table.refilter({ search: target.value.trim() }), TYPING_MS);
    };
    page.signal.addEventListener("abort", () => clearTimeout(typing));
    const search = field({ name: "search", label: "Address", type: "search", value: page.query.get("search"), autocomplete: "off", oninput: later });
    search.classList.add("search");
    const choice = (name, label, options) => field({ name, label, options: [["", "All"], ...options], value: page.query.get(name) ?? "",
      onchange: ({ target }) => table.refilter({ [name]: target.value }) });
    return [search, choice("channel", "Channel", Object.entries(CHANNELS)),
      choice("reason", "Why", Object.entries(REASONS).map(([key, [label]]) => [key, label]))];
  }
}

function wanted(query) {
  return Object.fromEntries(["search", "channel", "reason"].map((name) => [name, query.get(name) || null]));
}

function suppress(table) {
  formDialog({
    title: "Suppress an address",
    text: "Nothing is sent to it any more, whatever its owner says.",
    submit: "Suppress",
    fields: [
      field({ name: "channel", label: "Channel", options: [["EMAIL", "E-mail"], ["SMS", "SMS"], ["WHATSAPP", "WhatsApp"]], value: "EMAIL" }),
      field({ name: "address", label: "Address", autofocus: true, autocomplete: "off", spellcheck: "false" }),
      field({ name: "detail", label: "Why", autocomplete: "off" }),
    ],
    action: async (input) => {
      await ask(SUPPRESS, { input });
      announce(`Nothing is sent to ${input.address} any more.`);
      await table.reload();
    },
  });
}

function allow({ id, address }, table) {
  confirmDialog({
    title: `Allow messages to ${address} again?`,
    text: "If the address does not exist, sending to it harms how mailboxes see you.",
    submit: "Allow",
    action: async () => {
      await ask(ALLOW, { input: { suppressionId: id } });
      await table.reload();
    },
  });
}
