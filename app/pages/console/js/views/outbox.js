// The outbox: messages that were kept instead of sent.

import { may } from "../account.js";
import { MESSAGE as SAID, messageCard } from "../campaigns/message.js";
import { h } from "../dom.js";
import { field } from "../forms.js";
import { moment, pairs, words } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { head } from "../router.js";
import { wayBack } from "./ways.js";

const OUTBOX = `query Outbox($recipient: String, $first: Int, $after: String, $last: Int, $before: String) {
  outbox(recipient: $recipient, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id channel purpose recipient subject createdAt }
  }
}`;
const MESSAGE = `query Message($id: ID!, $deliveries: Boolean!, $campaigns: Boolean!) {
  node(id: $id) {
    ... on OutboxMessage {
      id channel purpose recipient subject body createdAt
      delivery @include(if: $deliveries) { id campaign @include(if: $campaigns) { id name } message { ...Said } }
    }
  }
} ${SAID}`;
const PURPOSES = { delivery: "Message", transcript: "Transcript", verify: "Confirmation", reset: "Password reset", invite: "Invitation" };
const LINK = /https?:\/\/[^\s<>"]+/g;
const TYPING_MS = 350;

export async function outbox(page) {
  const table = await pagedTable({
    page,
    caption: "Messages",
    noun: (count) => (count === 1 ? "message" : "messages"),
    load: async (slice) => (await ask(OUTBOX, { ...slice, recipient: page.query.get("to") || null }, page)).outbox,
    empty: () => [h("strong", null, "No messages"), h("p", null, "Whatever would be mailed is kept here.")],
    columns: [
      { label: "Subject", head: true, cell: ({ id, subject }) => h("div", { class: "entry" }, h("a", { href: `#/outbox/${id}`, dir: "auto" }, subject || "No subject")) },
      { label: "To", cell: ({ recipient }) => recipient },
      { label: "Purpose", look: "wide", cell: ({ purpose }) => h("span", { class: "badge" }, purposeOf(purpose)) },
      { label: "Written", cell: ({ createdAt }) => moment(createdAt) },
    ],
  });
  let typing;
  const oninput = ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => table.refilter({ to: target.value.trim().toLowerCase() }), TYPING_MS);
  };
  page.signal.addEventListener("abort", () => clearTimeout(typing));
  const to = field({ name: "to", label: "Recipient", type: "search", placeholder: "The whole address", autocomplete: "off",
    value: page.query.get("to"), oninput });
  to.classList.add("search");
  return [
    head("Outbox", "Messages that are kept here instead of being sent, so that you can read them."),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, to),
    table.element,
  ];
}

export async function message(page) {
  const { node: found } = await ask(MESSAGE, { id: page.params.id, deliveries: may("deliveries:read"), campaigns: may("campaigns:read") }, page);
  if (!found?.id) return [wayBack("/outbox", "Outbox"), head("There is no such message")];
  const { delivery } = found;
  return [
    wayBack("/outbox", "Outbox"),
    head(found.subject || `${words(found.channel)} to ${found.recipient}`, null, delivery ? [h("a", { class: "button", href: `#/deliveries/${delivery.id}` }, "See what became of it")] : []),
    h("div", { class: "stack" }, h("section", { class: "card stack" },
      pairs([["To", found.recipient], ["Purpose", purposeOf(found.purpose)], ["Channel", words(found.channel)],
        ["Campaign", delivery?.campaign && h("a", { href: `#/campaigns/${delivery.campaign.id}` }, delivery.campaign.name)], ["Written", moment(found.createdAt)]]),
      !delivery && h("div", { class: "letter" }, withLinks(found.body))),
    delivery?.message ? messageCard(found.channel, delivery.message) : delivery && h("p", { class: "callout" }, "What it said was not kept.")),
  ];
}

const purposeOf = (purpose) => PURPOSES[purpose] ?? words(purpose);

/** The text with its web addresses as links; everything else stays text. */
function withLinks(text) {
  const parts = [];
  let end = 0;
  for (const { 0: address, index } of text.matchAll(LINK)) {
    parts.push(text.slice(end, index), h("a", { href: address, rel: "noreferrer" }, address));
    end = index + address.length;
  }
  return [...parts, text.slice(end)];
}
