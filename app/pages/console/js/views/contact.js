// What was sent to a customer and why not, which topics they want, and whether they could be sent something now.

import { may } from "../account.js";
import { button, fill, h } from "../dom.js";
import { field } from "../forms.js";
import { moment, number, personName } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { deliveriesTable, deliveryFilters } from "../campaigns/deliveries.js";
import { gateList } from "../campaigns/gates.js";
import { CHANNELS, deliveryBadge, reasonWords } from "../campaigns/words.js";
import { wayBack } from "./ways.js";

const LATEST = `query Latest($id: ID!) {
  deliveries(filter: { customerId: $id }, first: 6) {
    totalCount nodes { id channel state reason error subject createdAt sentAt }
  }
}`;
const PREFERENCES = `query Preferences($customer: CustomerRefInput!) {
  subscriptionPreferences(customer: $customer) { topic { id name } isSubscribed said }
}`;
const SET = "mutation SetTopic($input: SetTopicConsentInput!) { setTopicConsent(input: $input) { preferences { topic { id name } isSubscribed said } } }";
const CAN = `query CanContact($id: ID!, $channel: MessageChannel!, $topic: ID) {
  canContact(customerId: $id, channel: $channel, topicId: $topic) { verdict detail until gates { gate verdict value detail } }
}`;
const NAME = "query Name($id: ID!) { customer(id: $id) { id email externalId phone attributes } }";
const ANSWERS = { PASS: ["Yes, now", "good"], HOLD: ["Later", "warn"], STOP: ["No", "bad"] };

/** The panels on a customer's page. */
export class Contact {
  constructor(page) {
    this.page = page;
    this.id = page.params.id;
    const panel = (title, wanted) => {
      const body = h("div", { class: "stack" });
      return { body, element: wanted && h("section", { class: "card", "aria-label": title }, h("h2", null, title), body) };
    };
    this.messages = panel("Messages", may("deliveries:read"));
    this.topics = panel("Topics", may("campaigns:read"));
    this.can = panel("Could they be sent something?", may("deliveries:read"));
    this.element = h("div", { class: "stack" }, this.messages.element, this.topics.element, this.can.element);
  }

  async load() {
    await Promise.all([this.messages.element && this.#tell(), this.topics.element && this.#prefer()]);
    if (this.can.element) this.#ask();
  }

  async #tell() {
    const { deliveries } = await ask(LATEST, { id: this.id }, this.page);
    const rows = deliveries.nodes.map(({ id, state, reason, error, subject, channel, createdAt, sentAt }) => h("li", null,
      h("div", null, h("a", { href: `#/deliveries/${id}`, dir: "auto" }, subject || CHANNELS[channel]), h("br"),
        h("span", { class: "small faint" }, moment(sentAt ?? createdAt)), (error || reason) && h("span", { class: "small quiet" }, ` · ${error ?? reasonWords(reason)}`)),
      deliveryBadge(state)));
    fill(this.messages.body, rows.length ? h("ul", { class: "rows" }, rows) : h("p", { class: "quiet small" }, "Nothing was sent to them."),
      deliveries.totalCount > rows.length && h("a", { class: "small", href: `#/customers/${this.id}/messages` }, `All ${number(deliveries.totalCount)} messages`));
  }

  async #prefer() {
    const { subscriptionPreferences: found } = await ask(PREFERENCES, { customer: { id: this.id } }, this.page);
    this.#showTopics(found);
  }

  #showTopics(preferences) {
    this.preferences = preferences;
    fill(this.topics.body, preferences.length ? h("ul", { class: "rows" }, preferences.map(({ topic, isSubscribed, said }) => h("li", null,
      h("div", null, topic.name, h("br"), h("span", { class: "small faint" }, said ? "They said so" : "Unless they say otherwise")),
      h("div", { class: "actions" }, h("span", { class: `badge ${isSubscribed ? "good" : ""}` }, isSubscribed ? "Subscribed" : "Not subscribed"),
        may("customers:write") && button(isSubscribed ? "Unsubscribe" : "Subscribe", () => this.#set(topic, !isSubscribed), "slight",
          { "aria-label": `${isSubscribed ? "Unsubscribe from" : "Subscribe to"} ${topic.name}` }))))) : h("p", { class: "quiet small" }, "There are no topics."));
  }

  async #set(topic, wants) {
    try {
      const { setTopicConsent: done } = await ask(SET, { input: { customer: { id: this.id }, topicId: topic.id, status: wants ? "SUBSCRIBED" : "UNSUBSCRIBED" } });
      this.#showTopics(done.preferences);
      announce(`${topic.name}: ${wants ? "subscribed" : "unsubscribed"}.`);
      this.topics.body.querySelector(`[aria-label$="${CSS.escape(topic.name)}"]`)?.focus();
    } catch (failure) {
      announce(failure.message);
    }
  }

  #ask() {
    const answer = h("div", { class: "stack", role: "status" });
    const look = async () => {
      const value = (name) => this.can.body.querySelector(`[name="${name}"]`)?.value || null;
      try {
        const { canContact: found } = await ask(CAN, { id: this.id, channel: value("channel"), topic: value("topic") }, this.page);
        const [words, tone] = ANSWERS[found.verdict];
        fill(answer, h("p", { class: `callout ${tone}` }, h("span", null, h("strong", null, words), found.detail && `: ${found.detail}`, found.until && [" ", moment(found.until)])), gateList(found.gates));
      } catch (failure) {
        if (!this.page.signal.aborted) announce(failure.message);
      }
    };
    const topics = [["", "None"], ...(this.preferences ?? []).map(({ topic }) => [topic.id, topic.name])];
    fill(this.can.body, h("div", { class: "pair" }, field({ name: "channel", label: "Over", options: Object.entries(CHANNELS), value: "EMAIL" }), field({ name: "topic", label: "About", options: topics, value: "" })),
      h("div", null, button("Ask the gates", look, "slight")), answer);
  }
}

/** Every message to a customer, page by page. */
export async function messages(page) {
  const { customer } = await ask(NAME, { id: page.params.id }, page);
  if (!customer) return [wayBack("/customers", "Customers"), head("There is no such customer")];
  const table = await deliveriesTable(page, { customerId: customer.id }, { people: false });
  return [wayBack(`/customers/${customer.id}`, personName(customer)), head(`Messages to ${personName(customer)}`, "What was sent, and what was not and why."),
    h("div", { class: "filters" }, deliveryFilters(page, table)), table.element];
}
