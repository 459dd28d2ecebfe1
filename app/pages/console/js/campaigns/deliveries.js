// Messages to people: which there are, how far each has come, and why somebody did not get one.

import { may } from "../account.js";
import { formDialog } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { field } from "../forms.js";
import { avatar, moment, number, personName } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { WhyNot } from "./asking.js";
import { REASON_CHOICES, STATE_CHOICES, channelWords, deliveryBadge, reasonWords } from "./words.js";

const DELIVERIES = `query Deliveries($filter: DeliveryFilter, $people: Boolean!, $campaigns: Boolean!, $first: Int, $after: String, $last: Int, $before: String) {
  deliveries(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      id channel state reason error recipient subject isTest dueAt createdAt sentAt humanOpenedAt humanClickedAt
      customer @include(if: $people) { id email externalId phone attributes }
      campaign @include(if: $campaigns) { id name }
    }
  }
}`;
const RETRY = "mutation RetryFailed($input: RetryFailedDeliveriesInput!) { retryFailedDeliveries(input: $input) { count } }";
const SETTLE = "mutation Settle($input: SettleDeliveriesInDoubtInput!) { settleDeliveriesInDoubt(input: $input) { count } }";
const VERDICTS = [["SENT", "They were sent"], ["RESEND", "Send them again"], ["FAILED", "They were not sent, and are not to be"]];

/** A table of deliveries. `filter` is what is always asked for; state and reason come from the page's address. */
export function deliveriesTable(page, filter, { people = true } = {}) {
  const mayName = people && may("customers:read");
  return pagedTable({
    page,
    caption: "Deliveries",
    noun: (count) => (count === 1 ? "message" : "messages"),
    load: async (slice) => {
      const [state, reason] = [page.query.get("state"), page.query.get("reason")];
      const wanted = { ...filter, states: state ? [state] : null, reason: reason || null };
      return (await ask(DELIVERIES, { filter: wanted, people: mayName, campaigns: !people && may("campaigns:read"), ...slice }, page)).deliveries;
    },
    empty: () => [h("strong", null, "No messages"), h("p", null, page.query.get("state") || page.query.get("reason") ? "None of them is like that." : people ? "They are made when the campaign goes." : "Nothing was sent to them yet.")],
    columns: [
      people ? { label: "To", head: true, cell: who } : { label: "Message", head: true, cell: what },
      { label: "State", cell: ({ state, reason, error, dueAt }) => [deliveryBadge(state), why(state, reason, error, dueAt)] },
      { label: "Channel", look: "wide", cell: ({ channel }) => channelWords(channel) },
      { label: "Since", look: "wide", cell: since },
      { label: "Actions", hidden: true, look: "end wide", cell: ({ id, state, recipient }) => h("a", { class: "button slight", href: `#/deliveries/${id}`,
        "aria-label": `${state === "SKIPPED" ? "Why not?" : "See"} ${recipient}` }, state === "SKIPPED" ? "Why not?" : "See") },
    ],
  });
}

function who({ id, customer, recipient }) {
  const name = customer ? personName(customer) : recipient;
  const address = recipient || customer?.email;
  return h("div", { class: "entry" }, customer && avatar(name, customer.id), h("div", null,
    h("a", { href: `#/deliveries/${id}` }, name || "Somebody"),
    address && address !== name && h("span", { class: "small quiet" }, address)));
}

function what({ id, subject, campaign, isTest }) {
  return h("div", { class: "entry" }, h("div", null, h("a", { href: `#/deliveries/${id}`, dir: "auto" }, subject || campaign?.name || "Message"),
    h("span", { class: "small quiet" }, isTest ? "A test" : campaign ? campaign.name : "On its own")));
}

/** In a few words, why it is where it is. */
function why(state, reason, error, dueAt) {
  if (state === "QUEUED" && dueAt) return h("span", { class: "small quiet reason" }, reason ? `${reasonWords(reason)}, due ` : "Due ", moment(dueAt));
  if (state === "QUEUED") return h("span", { class: "small quiet reason" }, "Until its campaign goes on");
  const text = error ?? (reason && reasonWords(reason));
  return text && h("span", { class: "small quiet reason" }, text);
}

function since({ humanClickedAt, humanOpenedAt, sentAt, createdAt }) {
  if (humanClickedAt) return ["Clicked ", moment(humanClickedAt)];
  if (humanOpenedAt) return ["Opened ", moment(humanOpenedAt)];
  return sentAt ? ["Sent ", moment(sentAt)] : ["Made ", moment(createdAt)];
}

/** The filters above such a table. */
export function deliveryFilters(page, table) {
  const choice = (name, label, options) => field({ name, label, options, value: page.query.get(name) ?? "", onchange: ({ target }) => table.refilter({ [name]: target.value }) });
  return [choice("state", "State", [["", "All"], ...STATE_CHOICES]), choice("reason", "Why", [["", "Any"], ...REASON_CHOICES])];
}

/** The deliveries of a campaign, with what can be done about those that went wrong. */
export class Deliveries {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.acts = h("div", { class: "actions push" });
  }

  async load() {
    this.table = await deliveriesTable(this.page, { campaignId: this.campaign.id, isTest: false });
    await this.#offer();
    const list = h("div", null, h("div", { class: "filters" }, deliveryFilters(this.page, this.table), this.acts), this.table.element);
    return may("customers:read") ? h("div", { class: "stack" }, new WhyNot(this.page, this.campaign).element, list) : list;
  }

  async renew(campaign) {
    this.campaign = campaign;
    if (!this.table.element.contains(document.activeElement)) await this.table.reload();
    await this.#offer();
  }

  /** What went wrong can be put right: only then it is offered. */
  async #offer() {
    if (!may("campaigns:send")) return;
    const [failed, doubtful] = await Promise.all(["FAILED", "IN_DOUBT"].map(async (state) =>
      (await ask(COUNT, { filter: { campaignId: this.campaign.id, states: [state] } }, this.page)).deliveries.totalCount));
    fill(this.acts, failed > 0 && button(`Retry ${number(failed)} failed`, () => this.#retry()), doubtful > 0 && button(`Settle ${number(doubtful)} in doubt…`, () => this.#settle()));
  }

  async #retry() {
    try {
      const { retryFailedDeliveries: done } = await ask(RETRY, { input: { campaignId: this.campaign.id } });
      announce(`${number(done.count)} are tried again.`);
      await this.changed();
    } catch (failure) {
      announce(failure.message);
    }
  }

  #settle() {
    formDialog({
      title: "Settle what is in doubt",
      text: "Whoever was sending these was lost while doing so. Look at your provider's own list, then say what became of them.",
      submit: "Settle",
      fields: [field({ name: "verdict", label: "What became of them", options: VERDICTS, value: "SENT", autofocus: true })],
      action: async ({ verdict }) => {
        await ask(SETTLE, { input: { campaignId: this.campaign.id, verdict } });
        announce("They are settled.");
        await this.changed();
      },
    });
  }
}

const COUNT = "query CountDeliveries($filter: DeliveryFilter) { deliveries(filter: $filter, first: 0) { totalCount } }";
