// The first page: how many there are, what happened last, and what is still to do.

import { account, may } from "../account.js";
import { button, h } from "../dom.js";
import { avatar, moment, number, personName } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { eventMark, summary } from "./timeline.js";

const OVERVIEW = `query Overview($week: DateTime!, $day: DateTime!) {
  customers(first: 0) { totalCount }
  newcomers: customers(first: 0, filter: { createdSince: $week }) { totalCount }
  week: events(first: 0, since: $week) { totalCount }
  today: events(first: 0, since: $day) { totalCount }
  events(first: 10) {
    nodes { id name properties occurredAt customer { id email externalId phone attributes } }
  }
}`;
const RESEND = "mutation Resend { resendVerification { done } }";
const DAY_MS = 86_400_000;

export async function overview(page) {
  const since = (days) => new Date(Date.now() - days * DAY_MS).toISOString();
  const found = await ask(OVERVIEW, { week: since(7), day: since(1) }, page);
  const figures = [
    ["Customers", found.customers], ["New in the last 7 days", found.newcomers],
    ["Events in the last 7 days", found.week], ["Events in the last 24 hours", found.today],
  ];
  const hello = account.member?.name ? `Hello, ${account.member.name}` : "Hello";
  return [
    head(hello, `This is how ${account.tenant.name} is doing.`),
    account.member && !account.member.emailVerifiedAt ? unverified() : null,
    h("div", { class: "figures" }, figures.map(([label, { totalCount }]) =>
      h("dl", { class: "card figure" }, h("dt", null, label), h("dd", null, number(totalCount))))),
    h("section", { class: "card" }, h("h2", null, "Latest events"),
      found.events.nodes.length ? h("ul", { class: "rows" }, found.events.nodes.map(row)) : nothingYet()),
  ];
}

export function missing() {
  return [head("There is no such page"), h("p", null, h("a", { href: "#/" }, "Go to the overview"))];
}

function row({ name, properties, occurredAt, customer }) {
  const who = customer && personName(customer);
  return h("li", null,
    h("div", { class: "entry" },
      customer ? avatar(who, customer.id) : h("span", { class: "avatar tinted" }, eventMark(name)),
      h("div", null,
        h("span", null, customer ? h("a", { href: `#/customers/${customer.id}` }, who) : "A visitor",
          " ", h("span", { class: "quiet" }, name)),
        summary(properties))),
    h("span", { class: "small faint" }, moment(occurredAt)));
}

function unverified() {
  const resend = async () => {
    try {
      await ask(RESEND);
      announce("A new link is on its way.");
    } catch (refused) {
      announce(refused.message);
    }
  };
  return h("div", { class: "stack" }, h("div", { class: "callout warn" },
    h("span", null, "Please confirm your e-mail address with the link that we mailed you.",
      may("outbox:read") && [" ", h("a", { href: "#/outbox" }, "Look into the outbox"), "."]),
    button("Mail it again", resend, "slight")), h("span", null));
}

function nothingYet() {
  return h("div", { class: "empty" }, h("strong", null, "Nothing has happened yet"),
    h("p", null, "Make an ", h("a", { href: "#/api-keys" }, "API key"),
      ", then track an event; it appears here and on the page of the person who did it."));
}
