// Segments: searched, filtered, page by page.

import { may } from "../account.js";
import { h, icon } from "../dom.js";
import { field } from "../forms.js";
import { moment, number } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { head } from "../router.js";

const SEGMENTS = `query Segments($filter: SegmentFilter, $first: Int, $after: String, $last: Int, $before: String) {
  segments(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id name description kind state progress memberCount updatedAt }
  }
}`;
const KINDS = [["", "All"], ["DYNAMIC", "By a rule"], ["STATIC", "By hand"]];
const TYPING_MS = 250;

export async function segments(page) {
  const table = await pagedTable({
    page,
    caption: "Segments",
    noun: (count) => (count === 1 ? "segment" : "segments"),
    load: async (slice) => (await ask(SEGMENTS, { ...slice, filter: wanted(page.query) }, page)).segments,
    empty: () => empty(page.query),
    columns: [
      { label: "Segment", head: true, cell: called },
      { label: "Members", look: "end", cell: ({ memberCount }) => h("span", { class: "tally" }, number(memberCount)) },
      { label: "State", cell: stateBadge },
      { label: "Kind", look: "wide", cell: ({ kind }) => kindWords(kind) },
      { label: "Changed", look: "wide", cell: ({ updatedAt }) => moment(updatedAt) },
    ],
  });
  const create = [
    h("a", { class: "button", href: "#/segments/new?kind=static" }, "New list by hand"),
    h("a", { class: "button primary", href: "#/segments/new" }, icon("plus"), "New segment"),
  ];
  return [
    head("Segments", "Customers who belong together, right at every moment.", may("segments:write") ? create : []),
    filters(page, (changes) => table.refilter(changes)),
    table.element,
  ];
}

export const kindWords = (kind) => (kind === "DYNAMIC" ? "By a rule" : "By hand");

/** Whether the members are all found, and how far that is. */
export function stateBadge({ state, progress }) {
  if (state === "READY") return h("span", { class: "badge good" }, "Ready");
  if (state === "FAILED") return h("span", { class: "badge bad" }, "Failed");
  return h("span", { class: "badge warn" }, `Building, ${Math.floor(progress / 10)}%`);
}

function called({ id, name, description }) {
  return h("div", { class: "entry" }, h("div", null, h("a", { href: `#/segments/${id}` }, name),
    description && h("span", { class: "small quiet" }, description)));
}

function filters(page, refilter) {
  let typing;
  const later = ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => refilter({ search: target.value.trim() }), TYPING_MS);
  };
  page.signal.addEventListener("abort", () => clearTimeout(typing));
  const search = field({ name: "search", label: "Search", type: "search", placeholder: "Name or description",
    autocomplete: "off", value: page.query.get("search"), oninput: later });
  search.classList.add("search");
  const kind = field({ name: "kind", label: "Kind", options: KINDS, value: page.query.get("kind") ?? "",
    onchange: ({ target }) => refilter({ kind: target.value }) });
  return h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, search, kind);
}

function wanted(query) {
  return { search: query.get("search") || null, kind: query.get("kind") || null };
}

function empty(query) {
  if (!query.get("search") && !query.get("kind")) {
    return [h("strong", null, "No segments yet"), h("p", null, "Build one from what you know of your customers and what they do.")];
  }
  return [h("strong", null, "No segment was found"), h("p", null, "Try less of the name, or another kind.")];
}
