// API keys: made with scopes and an end, shown once, revoked for ever.

import { account, may } from "../account.js";
import { button, h, icon } from "../dom.js";
import { confirmDialog, formDialog, openDialog } from "../dialogs.js";
import { checkboxes, field } from "../forms.js";
import { moment } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { head } from "../router.js";

const KEYS = `query ApiKeys($revoked: Boolean, $first: Int, $after: String, $last: Int, $before: String) {
  apiKeys(revoked: $revoked, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id name prefix last4 scopes createdAt expiresAt lastUsedAt revokedAt }
  }
}`;
const CREATE = "mutation CreateKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id name } } }";
const REVOKE = "mutation RevokeKey($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }";

const MEANINGS = {
  "customers:read": "See customers",
  "customers:write": "Identify, change, merge and delete customers",
  "customers:erase": "Erase customers for good",
  "events:read": "See what happened",
  "events:write": "Track events",
  "segments:read": "Read segments and their members",
  "segments:write": "Create, change and delete segments",
  "outbox:read": "Read messages in the outbox",
  "tenant:write": "Change the company",
  "members:read": "See members",
  "members:write": "Invite, change and remove members",
  "api_keys:read": "See API keys",
  "api_keys:write": "Make and revoke API keys",
  "audit:read": "Read the audit log",
};
const USUAL = new Set(["customers:read", "customers:write", "events:read", "events:write"]);
const ENDS = [["", "Never"], ["7", "In 7 days"], ["30", "In 30 days"], ["90", "In 90 days"], ["365", "In a year"]];
const DAY_MS = 86_400_000;

export async function apiKeys(page) {
  const table = await pagedTable({
    page,
    caption: "API keys",
    noun: (count) => (count === 1 ? "key" : "keys"),
    load: async (slice) => (await ask(KEYS, { ...slice, revoked: shown(page) }, page)).apiKeys,
    empty: () => [h("strong", null, "No keys"), h("p", null, "Machines that talk to Rapport need one.")],
    columns: [
      { label: "Name", head: true, cell: named },
      { label: "Scopes", look: "wide", cell: scopes },
      { label: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt ? moment(lastUsedAt) : h("span", { class: "faint" }, "Never")) },
      { label: "State", cell: state },
      { label: "Actions", hidden: true, look: "end", cell: (key) => actions(key, () => table.reload()) },
    ],
  });
  const select = field({
    name: "show",
    label: "Show",
    options: [["", "Working keys"], ["revoked", "Revoked keys"], ["all", "All keys"]],
    value: page.query.get("show") ?? "",
    onchange: ({ target }) => table.refilter({ show: target.value }),
  });
  const create = button([icon("plus"), "Create key"], () => createDialog(() => table.reload()), "primary");
  return [
    head("API keys", "For machines that talk to Rapport. The secret of a key is shown once, when it is made.",
      may("api_keys:write") ? [create] : []),
    h("div", { class: "filters" }, select),
    table.element,
  ];
}

function shown(page) {
  const show = page.query.get("show");
  return show === "all" ? null : show === "revoked";
}

function named({ name, prefix, last4, createdAt }) {
  return h("div", { class: "entry" }, h("div", null,
    h("span", { class: "strong" }, name),
    h("span", { class: "small quiet" }, h("code", null, `${prefix}…${last4}`), " · made ", moment(createdAt))));
}

function scopes({ scopes: held }) {
  if (held.length === Object.keys(MEANINGS).length) return h("span", { class: "badge" }, "Everything");
  return h("div", { class: "badges" }, held.map((scope) => h("span", { class: "badge" }, scope)));
}

function state({ revokedAt, expiresAt }) {
  if (revokedAt) return h("span", { class: "badge bad" }, "Revoked ", moment(revokedAt));
  if (!expiresAt) return h("span", { class: "badge good" }, "Works");
  const over = Date.parse(expiresAt) <= Date.now();
  return h("span", { class: `badge ${over ? "bad" : "warn"}` }, over ? "Expired " : "Expires ", moment(expiresAt));
}

function actions(key, reload) {
  if (key.revokedAt || !may("api_keys:write")) return null;
  return h("div", { class: "actions" },
    button("Revoke", () => revokeDialog(key, reload), "slight danger", { "aria-label": `Revoke ${key.name}` }));
}

function createDialog(reload) {
  const choices = [...account.scopes].sort().map((scope) => [scope, scope, MEANINGS[scope]]);
  formDialog({
    title: "Create an API key",
    submit: "Create key",
    broad: true,
    fields: [
      field({ name: "name", label: "Name", hint: "What the key is for, such as “Shop backend”.", required: true,
        autofocus: true, autocomplete: "off" }),
      field({ name: "expiresAt", label: "Stops working", options: ENDS, value: "" }),
      checkboxes({ name: "scopes", legend: "What it may do", choices, checked: USUAL }),
    ],
    action: async ({ name, expiresAt, scopes: wanted }) => {
      const end = expiresAt ? new Date(Date.now() + Number(expiresAt) * DAY_MS).toISOString() : null;
      const { createApiKey } = await ask(CREATE, { input: { name, scopes: wanted, expiresAt: end } });
      showKey(createApiKey, reload);
    },
  });
}

function showKey({ key, apiKey }, reload) {
  const input = h("input", { class: "input", id: "new-key", readonly: true, value: key, onfocus: () => input.select() });
  const copy = async () => {
    input.focus();
    try {
      await navigator.clipboard.writeText(key);
      announce("The key is copied.");
    } catch {
      announce("Press Ctrl+C (or ⌘C) to copy the selected key.");
    }
  };
  const close = openDialog({
    title: `The key “${apiKey.name}” is made`,
    onclose: reload,
    body: [
      h("p", { class: "callout warn" }, "Copy it now. It is not shown again."),
      h("div", { class: "field" }, h("label", { for: "new-key" }, "Key"),
        h("div", { class: "copy" }, input, button("Copy", copy, "primary", { "data-autofocus": true }))),
      h("p", { class: "hint" }, "Send it as ", h("code", null, "Authorization: Bearer …"), ", as ",
        h("code", null, "X-Api-Key"), ", or as the password of HTTP Basic. It works at every door."),
      h("div", { class: "decide" }, button("Done", () => close())),
    ],
  });
}

function revokeDialog({ id, name }, reload) {
  confirmDialog({
    title: `Revoke “${name}”?`,
    text: "Whatever uses this key stops working at once. This cannot be undone.",
    submit: "Revoke key",
    action: async () => {
      await ask(REVOKE, { input: { apiKeyId: id } });
      announce(`The key “${name}” is revoked.`);
      await reload();
    },
  });
}
