// Customers: searched, filtered, page by page.

import { h } from "../dom.js";
import { field } from "../forms.js";
import { avatar, moment, personName, words } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { head } from "../router.js";

const CUSTOMERS = `query Customers(
  $filter: CustomerFilter, $orderBy: CustomerOrder!, $first: Int, $after: String, $last: Int, $before: String
) {
  customers(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id status externalId email phone attributes suppressed createdAt lastEvent { name occurredAt } }
  }
}`;
const STATES = [
  ["", "Active"], ["suppressed", "Suppressed"], ["MERGED", "Merged"], ["DELETED", "Deleted"],
];
const ORDERS = [
  ["", "Newest first"], ["CREATED_OLDEST", "Oldest first"], ["UPDATED_NEWEST", "Changed last"],
  ["UPDATED_OLDEST", "Unchanged longest"],
];
const TYPING_MS = 250;

export async function customers(page) {
  const table = await pagedTable({
    page,
    caption: "Customers",
    noun: (count) => (count === 1 ? "customer" : "customers"),
    load: async (slice) => (await ask(CUSTOMERS, { ...slice, ...wanted(page.query) }, page)).customers,
    empty: () => empty(page.query),
    columns: [
      { label: "Customer", head: true, cell: person },
      { label: "External id", look: "wide", cell: ({ externalId }) => externalId && h("code", null, externalId) },
      { label: "Last event", cell: lastEvent },
      { label: "Known", look: "wide", cell: ({ createdAt }) => moment(createdAt, "date") },
      { label: "State", cell: (row) => badges(row) ?? h("span", { class: "faint" }, "Active") },
    ],
  });
  const refilter = (changes) => table.refilter(changes);
  return [head("Customers", "Everybody your company knows by a name."), filters(page, refilter), table.element];
}

/** What stands beside a customer's name: only what is out of the ordinary. */
export function badges({ status, suppressed }) {
  const found = [];
  if (status !== "ACTIVE") found.push(h("span", { class: "badge warn" }, words(status)));
  if (suppressed) found.push(h("span", { class: "badge bad" }, "Suppressed"));
  return found.length ? h("span", { class: "badges" }, found) : null;
}

function filters(page, refilter) {
  let typing;
  const later = ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => refilter({ search: target.value.trim() }), TYPING_MS);
  };
  page.signal.addEventListener("abort", () => clearTimeout(typing));
  const search = field({ name: "search", label: "Search", type: "search", placeholder: "Name, e-mail, phone, id, attribute",
    autocomplete: "off", value: page.query.get("search"), oninput: later });
  search.classList.add("search");
  const choose = (name, label, options) => field({ name, label, options, value: page.query.get(name) ?? "",
    onchange: ({ target }) => refilter({ [name]: target.value }) });
  const onsubmit = (event) => event.preventDefault();
  return h("form", { class: "filters", role: "search", onsubmit }, search, choose("status", "Status", STATES),
    choose("order", "Order", ORDERS));
}

function wanted(query) {
  const status = query.get("status");
  const filter = { search: query.get("search") || null };
  if (status === "suppressed") filter.suppressed = true;
  else if (status) filter.status = status;
  return { filter, orderBy: query.get("order") || "CREATED_NEWEST" };
}

function person(customer) {
  const name = personName(customer);
  const second = [customer.email, customer.phone, customer.externalId].find((text) => text && text !== name);
  return h("div", { class: "entry" }, avatar(name, customer.id),
    h("div", null, h("a", { href: `#/customers/${customer.id}` }, name), second && h("span", { class: "small quiet" }, second)));
}

function lastEvent({ lastEvent: event }) {
  if (!event) return h("span", { class: "faint" }, "None");
  return h("div", { class: "entry" },
    h("div", null, h("span", null, event.name), h("span", { class: "small faint" }, moment(event.occurredAt))));
}

function empty(query) {
  if (!query.get("search") && !query.get("status")) {
    return [h("strong", null, "No customers yet"),
      h("p", null, "They appear as soon as they are identified, or an event of theirs is tracked.")];
  }
  return [h("strong", null, "Nobody was found"), h("p", null, "Try less of the name, or another status.")];
}
