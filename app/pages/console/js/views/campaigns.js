// Campaigns: found by name, status, kind and channel, page by page.

import { may } from "../account.js";
import { h, icon } from "../dom.js";
import { field } from "../forms.js";
import { moment, number } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { head } from "../router.js";
import { CAMPAIGNS } from "../campaigns/documents.js";
import { CHANNELS, KINDS, STATUS_CHOICES, channelWords, rate, statusBadge } from "../campaigns/words.js";

const TYPING_MS = 250;

export async function campaigns(page) {
  const table = await pagedTable({
    page,
    caption: "Campaigns",
    noun: (count) => (count === 1 ? "campaign" : "campaigns"),
    load: async (slice) => (await ask(CAMPAIGNS, { ...slice, counts: may("metrics:read"), filter: wanted(page.query) }, page)).campaigns,
    empty: () => empty(page.query),
    columns: [
      { label: "Campaign", head: true, cell: called },
      { label: "Status", cell: statusBadge },
      { label: "Kind", look: "wide", cell: ({ kind, channels }) => h("div", { class: "entry" }, h("div", null, KINDS[kind],
        h("span", { class: "small quiet" }, channels.map(channelWords).join(", ")))) },
      { label: "Sent", look: "end", cell: sent },
      { label: "Opened", look: "end wide", cell: ({ metrics }) => metrics && rate(metrics.humanOpened, metrics.sent) },
      { label: "Clicked", look: "end wide", cell: ({ metrics }) => metrics && rate(metrics.humanClicked, metrics.sent) },
      { label: "When", look: "wide", cell: when },
    ],
  });
  const create = h("a", { class: "button primary", href: "#/campaigns/new" }, icon("plus"), "New campaign");
  return [head("Campaigns", "What you say to many: written once, for whom it is meant, and what came of it.", may("campaigns:write") ? [create] : []),
    filters(page, (changes) => table.refilter(changes)), table.element];
}

function called({ id, name, description }) {
  return h("div", { class: "entry" }, h("div", null, h("a", { href: `#/campaigns/${id}` }, name), description && h("span", { class: "small quiet clamped" }, description)));
}

/** How many were sent; while it sends, also how far that is. */
function sent({ status, metrics }) {
  if (!metrics) return null;
  const settled = metrics.sent + metrics.skipped + metrics.suppressed + metrics.failed;
  return [h("span", { class: "tally" }, number(metrics.sent)), status === "SENDING" && metrics.created > settled &&
    h("progress", { class: "slim", max: String(metrics.created), value: String(settled), "aria-label": "Progress of sending" })];
}

function when({ status, scheduledAt, startedAt, completedAt, updatedAt }) {
  if (status === "SCHEDULED" && scheduledAt) return ["Begins ", moment(scheduledAt)];
  if (completedAt) return ["Ended ", moment(completedAt)];
  return startedAt ? ["Begun ", moment(startedAt)] : ["Changed ", moment(updatedAt)];
}

function filters(page, refilter) {
  let typing;
  const later = ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => refilter({ search: target.value.trim() }), TYPING_MS);
  };
  page.signal.addEventListener("abort", () => clearTimeout(typing));
  const search = field({ name: "search", label: "Search", type: "search", placeholder: "Name or description", autocomplete: "off",
    value: page.query.get("search"), oninput: later });
  search.classList.add("search");
  const choice = (name, label, options) => field({ name, label, options: [["", "All"], ...options], value: page.query.get(name) ?? "",
    onchange: ({ target }) => refilter({ [name]: target.value }) });
  return h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, search,
    choice("status", "Status", STATUS_CHOICES), choice("kind", "Kind", Object.entries(KINDS)), choice("channel", "Channel", Object.entries(CHANNELS)));
}

const NAMES = ["search", "status", "kind", "channel"];

const wanted = (query) => Object.fromEntries(NAMES.map((name) => [name, query.get(name) || null]));

function empty(query) {
  if (NAMES.every((name) => !query.get(name))) {
    return [h("strong", null, "No campaigns yet"), h("p", null, "Write one, choose for whom it is, look at it as they will, and send it.")];
  }
  return [h("strong", null, "No campaign was found"), h("p", null, "Try less of the name, or another status.")];
}
