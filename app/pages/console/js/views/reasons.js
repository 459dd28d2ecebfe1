// Why somebody is a member of a segment, or is not: each condition, what came of it, and what made it so.

import { fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { moment, number, personName, plain } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { causeWords, flatten, groupOf, sentence } from "../rules/words.js";
import { GraphError } from "../wire.js";

const FIND = `query Find($id: ID, $externalId: String, $email: String) {
  customer(id: $id, externalId: $externalId, email: $email) { id }
}`;
const WHY = `query Why($segment: ID!, $customer: ID!) {
  customer(id: $customer) { id email externalId phone attributes }
  segment(id: $segment) { rule }
  explainMembership(segmentId: $segment, customerId: $customer) {
    isMember enteredAt cause verdicts { depth holds because flipsAt }
  }
}`;

export class Reasons {
  constructor({ id }, segmentName, page) {
    Object.assign(this, { id, segmentName, page });
    this.answer = h("div", { class: "stack", role: "status", tabindex: "-1" });
    const who = field({ name: "customer", label: "Customer", placeholder: "E-mail, external id or id", autocomplete: "off" });
    this.element = h("section", { class: "card stack", "aria-label": "Why" }, h("h2", null, "Why is somebody in it?"),
      form({ fields: [who], submit: "Explain", look: "", action: (values) => this.#find(values.customer.trim()) }), this.answer);
  }

  /** Explains one customer, by id; the answer takes the focus. */
  async explain(customer) {
    try {
      await this.#load(customer);
      this.answer.focus();
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  async #find(name) {
    const kind = name.startsWith("cust_") ? "id" : name.includes("@") ? "email" : "externalId";
    const { customer } = await ask(FIND, { [kind]: name }, this.page);
    if (!customer) {
      const message = "Nobody is known by this name.";
      throw new GraphError(message, { issues: [{ field: "customer", message }] });
    }
    await this.#load(customer.id);
  }

  async #load(customer) {
    const found = await ask(WHY, { segment: this.id, customer }, this.page);
    const { isMember, enteredAt, cause, verdicts } = found.explainMembership;
    const name = personName(found.customer);
    const verdict = h("p", { class: `callout ${isMember ? "good" : "warn"}` },
      h("span", null, h("strong", null, name), isMember ? " is a member" : " is not a member", enteredAt && [", since ", moment(enteredAt)]));
    const rules = found.segment.rule ? flatten(found.segment.rule) : [];
    fill(this.answer, verdict, isMember && h("p", { class: "small quiet" }, `Cause: ${causeWords(cause, this.segmentName)}`),
      verdicts.length > 0 && h("ol", { class: "verdicts" }, this.#tree(verdicts, rules, { at: 0 })));
  }

  /** The conditions of one depth, each with what is below it. `place.at` goes over the list once. */
  #tree(verdicts, rules, place) {
    const { depth } = verdicts[place.at];
    const items = [];
    while (place.at < verdicts.length && verdicts[place.at].depth === depth) {
      const [verdict, rule] = [verdicts[place.at], rules[place.at]];
      place.at += 1;
      const hasBelow = verdicts[place.at]?.depth > depth;
      const below = hasBelow && h("ol", null, this.#tree(verdicts, rules, place));
      items.push(h("li", { "data-holds": String(verdict.holds) }, this.#line(verdict, rule), below));
    }
    return items;
  }

  #line({ holds, because, flipsAt }, rule) {
    const told = groupOf(rule)?.words ?? sentence(rule, this.segmentName);
    return h("div", { class: "verdict" },
      h("span", { class: "sign", "aria-hidden": "true" }, holds ? "✓" : "✗"),
      h("div", null, h("span", null, told), h("span", { class: "unseen" }, holds ? " – true" : " – false"),
        h("span", { class: "small quiet" }, evidence(because)),
        flipsAt && h("span", { class: "small faint" }, "May change ", moment(flipsAt))));
  }
}

function evidence(because) {
  if ("measured" in because) {
    const { measured, events = [], conversations = [] } = because;
    const last = events[0] ? [", last ", moment(events[0].occurredAt)] : conversations[0] && `, last ${conversations[0].status}`;
    return ["Found: ", typeof measured === "number" ? number(measured) : plain(measured ?? "nothing"), last];
  }
  if ("value" in because) return `Found: ${plain(because.value)}`;
  if (because.values) return because.values.length ? `Found: ${because.values.join(", ")}` : "Found: nothing";
  if (because.devices) return because.devices.length ? `Found: ${because.devices.map(({ platform }) => platform).join(", ")}` : "Found: nothing";
  return null;
}
