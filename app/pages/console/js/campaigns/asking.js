// Why one person got a campaign's message, or did not: what was decided of it, and where none was made, what stands against one.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { moment, personName } from "../format.js";
import { ask } from "../graph.js";
import { GraphError } from "../wire.js";
import { PEOPLE, PERSON_BY } from "./documents.js";
import { gateList } from "./gates.js";
import { customerOf } from "./preview.js";
import { channelWords, deliveryBadge } from "./words.js";

const THEIRS = `query Theirs($filter: DeliveryFilter) {
  deliveries(filter: $filter, first: 10) { totalCount nodes { id channel state error decision sentAt createdAt } }
}`;
const IS_IN = "query IsIn($rule: RuleInput!) { previewSegment(rule: $rule, sample: 0) { count } }";
const CAN = `query MayGet($id: ID!, $channel: MessageChannel!, $topic: ID, $transactional: Boolean!) {
  canContact(customerId: $id, channel: $channel, topicId: $topic, transactional: $transactional) { gates { gate verdict value detail } }
}`;

/** A card in which one asks for a person. */
export class WhyNot {
  constructor(page, campaign) {
    Object.assign(this, { page, campaign });
    this.answer = h("div", { class: "stack", role: "status", tabindex: "-1" });
    const who = field({ name: "person", label: "Person", placeholder: "E-mail, external id or id", autocomplete: "off", spellcheck: "false", value: page.query.get("person") });
    this.element = h("section", { class: "card stack why-not", "aria-label": "Why" }, h("h2", null, "Did somebody get it, and if not, why?"),
      form({ fields: [who], submit: "Explain", look: "", action: ({ person }) => this.#find(person.trim()) }), this.answer);
  }

  async #find(name) {
    const ref = customerOf(name);
    let person = ref && !("phone" in ref) ? (await ask(PERSON_BY, ref, this.page)).customer : null;
    if (ref && !person) {
      const alike = (await ask(PEOPLE, { search: name }, this.page)).customers.nodes;
      if (alike.length === 1) [person] = alike;
    }
    if (!person) {
      const message = "Nobody, or more than one, is known by this name.";
      throw new GraphError(message, { issues: [{ field: "person", message }] });
    }
    this.page.note({ person: name });
    const { deliveries } = await ask(THEIRS, { filter: { campaignId: this.campaign.id, customerId: person.id, isTest: false } }, this.page);
    fill(this.answer, deliveries.totalCount ? deliveries.nodes.map((one) => this.#told(person, one)) : await this.#none(person));
    this.answer.focus();
  }

  #told(person, { id, channel, state, error, decision, sentAt, createdAt }) {
    const last = decision?.at(-1);
    return h("div", { class: "record stack" },
      h("div", { class: "split" }, h("div", null, h("a", { class: "strong", href: `#/deliveries/${id}` }, personName(person)), h("span", { class: "small quiet" }, ` · ${channelWords(channel)}, `, moment(sentAt ?? createdAt))),
        deliveryBadge(state)),
      last && last.verdict !== "pass" ? gateList([last]) : error && h("p", { class: "small" }, error), h("a", { class: "small", href: `#/deliveries/${id}` }, "See the message and every gate"));
  }

  /** No message was made: either they were not meant, or they would have been stopped all the same. */
  async #none(person) {
    const { campaign } = this;
    const [isIn, isOut] = await Promise.all([this.#matches(campaign.audience, person), campaign.exclusions ? this.#matches(campaign.exclusions, person) : false]);
    const transactional = campaign.kind === "TRANSACTIONAL";
    const { canContact } = await ask(CAN, { id: person.id, channel: campaign.channels[0], topic: campaign.topic?.id ?? null, transactional }, this.page);
    const is = (value, yes, no) => value !== null && h("li", { "data-verdict": value ? "pass" : "stop" }, h("div", { class: "verdict" }, h("span", { class: "sign", "aria-hidden": "true" }, value ? "✓" : "✗"), h("div", null, h("span", null, value ? yes : no))));
    return [
      h("p", { class: "callout warn" }, h("span", null, "No message was made for ", h("a", { href: `#/customers/${person.id}` }, personName(person)), ". This is how it stands now:")),
      h("ol", { class: "verdicts" }, is(isIn, "They are in its audience", "They are not in its audience"), is(isOut === null ? null : !isOut, "They are not left out", "They are left out by its exclusions")),
      // That they are active and in no control group says nothing of this campaign.
      gateList(canContact.gates.filter(({ gate, verdict }) => verdict !== "PASS" || !["audience", "control"].includes(gate)))];
  }

  /** Whether a rule is true of somebody now; null where that cannot be asked. */
  async #matches(rule, { email, externalId }) {
    if (!rule || !may("segments:read") || !(email || externalId)) return null;
    const them = { identity: { kind: externalId ? "external_id" : "email", is: { equals: externalId ?? email } } };
    return (await ask(IS_IN, { rule: { and: [rule, them] } }, this.page)).previewSegment.count > 0;
  }
}
