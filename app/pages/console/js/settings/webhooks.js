// Reporting webhooks: who is told what happens, what they did not take, and telling them again.

import { may } from "../account.js";
import { confirmDialog, formDialog, openDialog } from "../dialogs.js";
import { button, h } from "../dom.js";
import { field, tick } from "../forms.js";
import { moment, number, pairs } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { wayBack } from "../views/ways.js";
import { copyable } from "../widgets/snippet.js";
import { Shelf } from "./shelf.js";

const FIELDS = "id name endpoint dialect events fullResolution withContent isEnabled failingSince lastError createdAt";
const ALL = `query Webhooks { reportingWebhooks { ${FIELDS} } }`;
const ONE = `query Webhook($id: ID!) { reportingWebhook(id: $id) { ${FIELDS} } }`;
const CALLS = `query Calls($id: ID!, $state: [WebhookCallState!], $first: Int, $after: String, $last: Int, $before: String) {
  reportingWebhook(id: $id) {
    calls(state: $state, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id event payload state attempts runAt statusCode error createdAt endedAt }
    }
  }
}`;
const CREATE = "mutation CreateHook($input: CreateReportingWebhookInput!) { createReportingWebhook(input: $input) { secret webhook { id name } } }";
const UPDATE = "mutation UpdateHook($input: UpdateReportingWebhookInput!) { updateReportingWebhook(input: $input) { webhook { id } } }";
const DELETE = "mutation DeleteHook($input: ReportingWebhookInput!) { deleteReportingWebhook(input: $input) { webhookId } }";
const ROTATE = "mutation RotateHook($input: ReportingWebhookInput!) { rotateReportingWebhookSecret(input: $input) { secret } }";
const RETRY = "mutation RetryCalls($input: RetryWebhookCallsInput!) { retryWebhookCalls(input: $input) { count } }";
const REPLAY = "mutation ReplayHook($input: ReplayReportingWebhookInput!) { replayReportingWebhook(input: $input) { webhook { id } } }";
const DIALECTS = [["CUSTOMERIO", "Customer.io's words: deliveries and consent"], ["SILENTCHAT", "SilentChat's words: conversations and contacts"]];
const CALL_STATES = [["", "All calls"], ["DEAD", "Dead letters"], ["DUE", "Waiting"], ["DONE", "Taken"]];
const STATES = { DUE: ["Waiting", "warn"], DONE: ["Taken", "good"], DEAD: ["Dead letter", "bad"] };
const USUAL = { CUSTOMERIO: "email_sent email_delivered email_opened email_clicked email_bounced email_unsubscribed", SILENTCHAT: "conversation.created message.created" };

export const webhooks = (page) => new Shelf(page, {
  title: "Reporting webhooks",
  sentence: "Tells your own systems what happens, as it happens: signed, in order for each customer, tried for seven days.",
  scope: "webhooks:write",
  broad: true,
  add: "Add webhook",
  empty: "Nobody is told.",
  changes: false,
  called: ({ name }) => name,
  load: async () => (await ask(ALL, {}, page)).reportingWebhooks,
  columns: [
    { label: "Name", cell: ({ id, name, endpoint }) => h("div", { class: "entry" }, h("div", null, h("a", { href: `#/settings/webhooks/${id}` }, name),
      h("span", { class: "small quiet" }, endpoint))) },
    { label: "Told of", look: "wide", cell: ({ events }) => `${number(events.length)} ${events.length === 1 ? "kind" : "kinds"} of events` },
    { label: "State", cell: state },
  ],
  fields: (one) => fields(one),
  save: async (values) => {
    const { createReportingWebhook: made } = await ask(CREATE, { input: { ...read(values), dialect: values.dialect } });
    setTimeout(() => showSecret(made.webhook.name, made.secret, () => go("/settings/webhooks")));
    return null;
  },
  remove: ({ id }) => [DELETE, { input: { webhookId: id } }],
  loss: "It is told nothing more, and what it is owed is forgotten.",
});

function state({ isEnabled, failingSince, lastError }) {
  if (!isEnabled) return h("span", { class: "badge" }, "Off");
  if (failingSince) return h("span", { class: "badge bad", title: lastError }, "Fails since ", moment(failingSince));
  return h("span", { class: "badge good" }, "On");
}

function fields(one = null) {
  const events = field({ name: "events", label: "Events", lines: 5, value: (one?.events ?? USUAL.CUSTOMERIO.split(" ")).join("\n"), spellcheck: "false",
    hint: "One a line, such as email_sent or message.created." });
  const area = events.querySelector("textarea");
  area.classList.add("code");
  const change = ({ target }) => (area.value = USUAL[target.value].replaceAll(" ", "\n"));
  return [
    field({ name: "name", label: "Name", value: one?.name, autofocus: true, autocomplete: "off" }),
    field({ name: "endpoint", label: "Address", type: "url", value: one?.endpoint, autocomplete: "off", placeholder: "https://", hint: "It must be on the open internet." }),
    one ? null : field({ name: "dialect", label: "In whose words", options: DIALECTS, value: "CUSTOMERIO", onchange: change }),
    events,
    tick({ name: "fullResolution", label: "Every opening and click", hint: "Not only the first of each message.", checked: one?.fullResolution }),
    tick({ name: "withContent", label: "With what was said", checked: one?.withContent }),
    tick({ name: "isEnabled", label: "On", checked: one?.isEnabled ?? true }),
  ];
}

function read({ name, endpoint, events, fullResolution, withContent, isEnabled }) {
  return { name, endpoint: endpoint.trim(), events: events.split(/\s+/).filter(Boolean),
    fullResolution: fullResolution === "on", withContent: withContent === "on", isEnabled: isEnabled === "on" };
}

function showSecret(name, secret, onclose = () => {}) {
  const close = openDialog({ title: `The secret of “${name}”`, onclose, body: [
    h("p", { class: "callout warn" }, "Copy it now. It is not shown again."), copyable("Secret", secret),
    h("p", { class: "hint" }, "Every call is signed with it, so that you know it is from here."),
    h("div", { class: "decide" }, button("Done", () => close()))] });
}

/** One webhook: what it is told, its calls, and telling it again. */
export async function webhook(page) {
  const { reportingWebhook: one } = await ask(ONE, { id: page.params.id }, page);
  if (!one) return [wayBack("/settings/webhooks", "Webhooks"), head("There is no such webhook")];
  const table = await calls(page, one);
  const shown = field({ name: "state", label: "Show", options: CALL_STATES, value: page.query.get("state") ?? "",
    onchange: ({ target }) => table.refilter({ state: target.value }) });
  return [wayBack("/settings/webhooks", "Webhooks"), head(one.name, one.endpoint, may("webhooks:write") ? actions(one, table) : []),
    h("div", { class: "stack" }, one.lastError && h("p", { class: "callout bad" }, h("span", null, one.lastError, " Since ", moment(one.failingSince), ".")),
      h("section", { class: "card", "aria-label": "About" }, pairs([
        ["State", state(one)], ["Words", DIALECTS.find(([key]) => key === one.dialect)[1]],
        ["Told of", h("span", { class: "badges" }, one.events.map((event) => h("code", { class: "badge" }, event)))],
        ["Made", moment(one.createdAt, "date")]])),
      h("div", null, h("div", { class: "filters" }, shown), table.element))];
}

function actions(one, table) {
  const reload = () => go(`/settings/webhooks/${one.id}`);
  return [
    button("New secret", () => confirmDialog({ title: "Make a new secret?", text: "Calls are signed with it from now on; the old one is worth nothing.", submit: "Make a new secret",
      action: async () => {
        const { rotateReportingWebhookSecret: made } = await ask(ROTATE, { input: { webhookId: one.id } });
        setTimeout(() => showSecret(one.name, made.secret));
      } })),
    button("Tell again…", () => replayDialog(one, table)),
    button("Retry", () => retry(one, null, table), "", { title: "Dead letters and what waits, at once" }),
    button("Change", () => formDialog({ title: `Change ${one.name}`, submit: "Save changes", broad: true, fields: fields(one),
      action: async (values) => {
        await ask(UPDATE, { input: { webhookId: one.id, ...read(values) } });
        reload();
      } }), "primary"),
  ];
}

async function retry(one, ids, table) {
  try {
    const { retryWebhookCalls: done } = await ask(RETRY, { input: { webhookId: one.id, callIds: ids } });
    announce(done.count ? `${number(done.count)} ${done.count === 1 ? "call is" : "calls are"} made now.` : "There is nothing to make again.");
    await table.reload();
  } catch (failure) {
    announce(failure.message);
  }
}

function replayDialog(one, table) {
  formDialog({ title: "Tell it again", text: "Everything that happened after a place in the feed is told once more, also what was taken.", submit: "Tell again",
    fields: [field({ name: "after", label: "Cursor", autofocus: true, autocomplete: "off", spellcheck: "false", hint: "Of deliveryEvents, or of the inbox for SilentChat's words." })],
    action: async ({ after }) => {
      await ask(REPLAY, { input: { webhookId: one.id, after: after.trim() } });
      announce("It is being told again.");
      await table.reload();
    } });
}

async function calls(page, one) {
  const table = await pagedTable({
    page,
    caption: "Calls",
    noun: (count) => (count === 1 ? "call" : "calls"),
    load: async (slice) => {
      const state = page.query.get("state");
      return (await ask(CALLS, { id: one.id, ...slice, state: state ? [state] : null }, page)).reportingWebhook.calls;
    },
    empty: () => h("strong", null, "No calls"),
    columns: [
      { label: "Event", head: true, cell: ({ event, payload }) => [h("code", null, event),
        h("details", null, h("summary", null, "What is said"), h("pre", null, JSON.stringify(payload, null, 1)))] },
      { label: "State", cell: (call) => h("div", { class: "badges" }, h("span", { class: `badge ${STATES[call.state][1]}` }, STATES[call.state][0]),
        call.error && h("span", { class: "small quiet" }, call.error)) },
      { label: "Tries", look: "end", cell: ({ attempts, statusCode }) => [number(attempts), statusCode && h("span", { class: "small faint" }, ` · ${statusCode}`)] },
      { label: "When", cell: ({ createdAt, endedAt, runAt, state }) => moment(endedAt ?? (state === "DUE" ? runAt : createdAt)) },
      { label: "Actions", hidden: true, look: "end", cell: ({ id, state }) => state === "DEAD" && may("webhooks:write") &&
        button("Retry", () => retry(one, [id], table), "slight") },
    ],
  });
  return table;
}
