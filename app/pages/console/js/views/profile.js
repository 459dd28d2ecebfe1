// What is known about one customer, in panels. A panel is drawn again only when what it shows has changed.

import { may } from "../account.js";
import { button, fill, h } from "../dom.js";
import { avatar, moment, pairs, personName, plain, words } from "../format.js";
import { badges } from "./customers.js";

export const PROFILE = `fragment Profile on Customer {
  id status externalId email phone attributes timezone locale suppressed suppressedAt createdAt updatedAt
  identities { id kind value isPrimary source }
  devices { id token platform lastUsedAt }
  consents { channel status source changedAt }
  mergedInto { id externalId email phone attributes }
  merges { id mergedAt loser { id externalId email phone attributes } }
}`;

const LONGEST_TOKEN = 22;

/** The panels beside the timeline. `unmerge(merge)` is called by the buttons of the merge list. */
export class Profile {
  constructor(unmerge) {
    this.unmerge = unmerge;
    this.heading = h("div", { class: "person" });
    this.state = h("div", { class: "stack" });
    this.element = h("div", { class: "stack" });
    this.panels = [
      ["About", about], ["Attributes", attributes], ["Identities", identities], ["Consents", consents],
      ["Devices", devices], ["Merged customers", (customer) => this.#merges(customer)],
    ].map(([title, draw]) => {
      const body = h("div");
      this.element.append(h("section", { class: "card", "aria-label": title }, h("h2", null, title), body));
      return { draw, body };
    });
  }

  show(customer) {
    this.#redraw(this.heading, heading(customer));
    this.#redraw(this.state, state(customer));
    for (const { draw, body } of this.panels) this.#redraw(body, draw(customer));
  }

  #redraw(holder, content) {
    const fresh = fill(holder.cloneNode(false), content);
    if (!holder.isEqualNode(fresh)) fill(holder, ...fresh.childNodes);
  }

  #merges({ merges }) {
    if (!merges.length) return nothing("Nobody was merged into this customer.");
    return h("ul", { class: "rows" }, merges.map((merge) => {
      const name = personName(merge.loser);
      return h("li", null,
        h("div", null, h("a", { href: `#/customers/${merge.loser.id}` }, name), " ",
          h("span", { class: "small faint" }, moment(merge.mergedAt))),
        may("customers:write") && button("Unmerge", () => this.unmerge(merge), "slight", { "aria-label": `Unmerge ${name}` }));
    }));
  }
}

function heading(customer) {
  const name = personName(customer);
  const second = [customer.email, customer.externalId].filter((text) => text && text !== name).join(" · ");
  return [avatar(name, customer.id, true),
    h("div", null, h("h1", null, name),
      h("div", { class: "badges" }, second && h("span", { class: "quiet" }, second), badges(customer)))];
}

function state({ status, mergedInto, suppressed, suppressedAt }) {
  return [
    mergedInto && h("p", { class: "callout warn" }, h("span", null, "This customer became part of ",
      h("a", { href: `#/customers/${mergedInto.id}` }, personName(mergedInto)), ".")),
    status === "DELETED" && h("p", { class: "callout bad" }, "This customer was deleted. The names are free again."),
    suppressed && h("p", { class: "callout bad" }, h("span", null, "Nothing may be sent to this customer, since ",
      moment(suppressedAt, "date"), ".")),
  ];
}

function about({ id, createdAt, updatedAt, timezone, locale }) {
  return pairs([["Known since", moment(createdAt, "date")], ["Last changed", moment(updatedAt)],
    ["Timezone", timezone], ["Language", locale], ["Id", h("code", null, id)]]);
}

function attributes({ attributes: known }) {
  const entries = Object.entries(known);
  return entries.length ? pairs(entries.map(([name, value]) => [name, plain(value)])) : nothing("Nothing is known yet.");
}

function identities({ identities: names }) {
  if (!names.length) return nothing("They have no names any more.");
  return h("ul", { class: "rows" }, names.map(({ kind, value, isPrimary, source }) => h("li", null,
    h("div", null, h("span", { class: "small quiet" }, words(kind)), h("br"), value),
    h("span", { class: "badges" }, isPrimary && h("span", { class: "badge good" }, "Main"),
      h("span", { class: "badge", title: "The door through which it came" }, source)))));
}

function consents({ consents: given }) {
  if (!given.length) return nothing("They have said nothing about any channel.");
  return h("ul", { class: "rows" }, given.map(({ channel, status, changedAt }) => h("li", null,
    h("div", null, words(channel), " ", h("span", { class: "small faint" }, moment(changedAt))),
    h("span", { class: `badge ${status === "SUBSCRIBED" ? "good" : "bad"}` }, words(status)))));
}

function devices({ devices: known }) {
  if (!known.length) return nothing("No devices.");
  return h("ul", { class: "rows" }, known.map(({ token, platform, lastUsedAt }) => h("li", null,
    h("div", null, h("span", { class: "strong" }, platform), h("br"),
      h("code", { title: token }, token.length > LONGEST_TOKEN ? `${token.slice(0, LONGEST_TOKEN)}…` : token)),
    lastUsedAt && h("span", { class: "small faint" }, "used ", moment(lastUsedAt)))));
}

function nothing(sentence) {
  return h("p", { class: "quiet small" }, sentence);
}
