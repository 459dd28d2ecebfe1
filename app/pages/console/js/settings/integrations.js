// Providers over which messages go. What a kind must be told comes from the graph; secrets go in and never come out.

import { may } from "../account.js";
import { formDialog } from "../dialogs.js";
import { button, h } from "../dom.js";
import { field, tick } from "../forms.js";
import { moment, words } from "../format.js";
import { ask } from "../graph.js";
import { GraphError } from "../wire.js";
import { announce } from "../notices.js";
import { channelWords } from "../campaigns/words.js";
import { Shelf } from "./shelf.js";
import { code } from "./texts.js";

const ALL = `query Integrations {
  integrations { id name kind channel settings hasCredentials isDefault isEnabled lastError failedAt callbackKey }
  integrationKinds { kind title channels settings credentials }
}`;
const CREATE = "mutation CreateIntegration($input: CreateIntegrationInput!) { createIntegration(input: $input) { integration { id } } }";
const UPDATE = "mutation UpdateIntegration($input: UpdateIntegrationInput!) { updateIntegration(input: $input) { integration { id } } }";
const DELETE = "mutation DeleteIntegration($input: DeleteIntegrationInput!) { deleteIntegration(input: $input) { integrationId } }";
const TEST = "mutation TestIntegration($input: TestIntegrationInput!) { testIntegration(input: $input) { result code detail } }";
const LONG_SECRETS = new Set(["service_account", "private_key"]);

export function integrations(page) {
  let kinds = [];
  const shelf = new Shelf(page, {
    title: "Integrations",
    sentence: "Over whom each channel goes. A channel without one keeps its messages in the outbox.",
    scope: "integrations:write",
    add: "Add integration",
    verb: "Continue",
    empty: "No integration yet: every message is kept in the outbox.",
    called: ({ name }) => name,
    changes: false,
    load: async () => {
      const found = await ask(ALL, {}, page);
      kinds = found.integrationKinds;
      return found.integrations;
    },
    columns: [
      { label: "Name", cell: ({ name, kind }) => h("div", { class: "entry" }, h("div", null, h("span", { class: "strong" }, name),
        h("span", { class: "small quiet" }, title(kinds, kind)))) },
      { label: "Channel", cell: ({ channel }) => channelWords(channel) },
      { label: "State", cell: state },
      { label: "Called back at", look: "wide", cell: ({ callbackKey }) => h("code", { class: "small" }, `/callbacks/${callbackKey}`) },
    ],
    more: (one, reload) => may("integrations:write") && [testButton(one, reload), changeButton(one, kinds, reload)],
    fields: () => [
      field({ name: "choice", label: "Kind", autofocus: true, value: "smtp:EMAIL",
        options: kinds.flatMap(({ kind, title: called, channels }) => channels.map((channel) => [`${kind}:${channel}`,
          channels.length > 1 ? `${called}, ${channelWords(channel)}` : called])) }),
    ],
    save: ({ choice }) => {
      const [kind, channel] = choice.split(":");
      // The dialog of the kind opens when this one has closed.
      setTimeout(() => dialog({ kind, channel, name: title(kinds, kind), settings: {}, isEnabled: true }, kinds, () => shelf.reload()));
      return null;
    },
    remove: ({ id }) => [DELETE, { input: { integrationId: id } }],
    loss: "Its channel goes over another one, or into the outbox, from now on.",
  });
  return shelf;
}

const RESULTS = { REJECTED: "Refused", DEFERRED: "Put off", UNKNOWN: "Nobody knows whether it was taken" };
const title = (kinds, kind) => kinds.find((one) => one.kind === kind)?.title ?? kind;

function state({ isDefault, isEnabled, lastError, failedAt, hasCredentials }) {
  return h("div", { class: "badges" },
    !isEnabled ? h("span", { class: "badge" }, "Off") : lastError ? h("span", { class: "badge bad", title: lastError }, "Fails since ", moment(failedAt))
      : h("span", { class: "badge good" }, "On"),
    isDefault && h("span", { class: "badge" }, "In use"), hasCredentials && h("span", { class: "badge" }, "Has secrets"),
    lastError && h("span", { class: "small quiet whole-width" }, lastError));
}

function changeButton(one, kinds, reload) {
  return h("button", { type: "button", class: "button slight", "aria-label": `Change ${one.name}`, onclick: () => dialog(one, kinds, reload) }, "Change");
}

/** One message over it: what its provider says of it is what we show. */
function testButton(one, reload) {
  const isMail = one.channel === "EMAIL";
  return button("Test…", () => formDialog({
    title: `Test ${one.name}`,
    submit: "Send",
    fields: [field({ name: "to", label: "To", autofocus: true, autocomplete: "off", hint: "An address as its channel has it; of push a token." }),
      isMail && field({ name: "sender", label: "From", autocomplete: "off", placeholder: "Shop <news@shop.example>" })].filter(Boolean),
    action: async (values) => {
      const { testIntegration: said } = await ask(TEST, { input: { integrationId: one.id, ...values } });
      await reload();
      if (said.result !== "ACCEPTED") throw new GraphError([RESULTS[said.result], said.code, said.detail].filter(Boolean).join(" · "));
      announce("Its provider has taken the message.");
    },
  }), "slight", { "aria-label": `Test ${one.name}` });
}

function dialog(one, kinds, reload) {
  const kind = kinds.find(({ kind: name }) => name === one.kind);
  const settings = Object.entries(kind.settings.properties ?? {});
  const secrets = Object.entries(kind.credentials.properties ?? {});
  formDialog({
    title: one.id ? `Change ${one.name}` : `New: ${kind.title}`,
    submit: one.id ? "Save changes" : "Add integration",
    broad: true,
    fields: [
      field({ name: "name", label: "Name", value: one.name, autofocus: true, autocomplete: "off" }),
      h("div", { class: "pair" }, settings.map(([name, schema]) => setting(name, schema, one.settings[name]))),
      secrets.map(([name, schema]) => secret(name, schema, one.hasCredentials)),
      tick({ name: "isDefault", label: "Its channel goes over it", checked: one.isDefault ?? true }),
      tick({ name: "isEnabled", label: "On", checked: one.isEnabled }),
    ],
    action: async (values) => {
      refuseMissing("settings", kind.settings.required, values);
      const input = { name: values.name, settings: settingsOf(settings, values), isDefault: values.isDefault === "on", isEnabled: values.isEnabled === "on" };
      const given = secrets.filter(([name]) => values[`credentials.${name}`]);
      if (given.length) input.credentials = Object.fromEntries(given.map(([name]) => [name, values[`credentials.${name}`]]));
      const where = one.id ? { integrationId: one.id } : { kind: one.kind, channel: one.channel };
      await ask(one.id ? UPDATE : CREATE, { input: { ...where, ...input } });
      announce("Saved.");
      await reload();
    },
  });
}

const labelled = (name) => words(name).replace(/\b(url|id|api|sid)\b/gi, (word) => word.toUpperCase());
const place = (part, name) => `${part}.${name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())}`;

function setting(name, schema, value) {
  const own = { name: place("settings", name), label: labelled(name), autocomplete: "off", spellcheck: "false" };
  const shown = value ?? schema.default ?? "";
  if (schema.enum) return field({ ...own, options: schema.enum.map((choice) => [choice, choice]), value: shown });
  if (schema.type === "object") return code({ ...own, lines: 3, value: JSON.stringify(shown || {}, null, 1), hint: "JSON: names and values." });
  if (schema.type === "integer" || schema.type === "number") return field({ ...own, type: "number", min: schema.minimum, max: schema.maximum, step: "any", value: shown });
  return field({ ...own, value: shown });
}

function secret(name, schema, isThere) {
  const own = { name: `credentials.${name}`, label: labelled(name), autocomplete: "new-password", spellcheck: "false",
    hint: isThere ? "One is kept. Leave this empty to keep it." : "Encrypted when it is stored, and never shown again." };
  const made = LONG_SECRETS.has(name) ? code({ ...own, lines: 4 }) : field({ ...own, type: "password" });
  made.dataset.field = place("credentials", name);
  return made;
}

function settingsOf(settings, values) {
  const found = {};
  for (const [name, schema] of settings) {
    const text = values[place("settings", name)].trim();
    if (schema.type === "integer" || schema.type === "number") {
      if (text) found[name] = Number(text);
    } else if (schema.type === "object") {
      found[name] = parsed(text || "{}", place("settings", name));
    } else {
      found[name] = text;
    }
  }
  return found;
}

/** What is missing is said in our words: a schema has none. */
function refuseMissing(part, needed, values) {
  const missing = (needed ?? []).map((name) => place(part, name)).filter((name) => name in values && !values[name].trim());
  const issues = missing.map((field) => ({ field, message: "Must not be empty." }));
  if (issues.length) throw new GraphError(issues[0].message, { issues });
}

function parsed(text, path) {
  try {
    return JSON.parse(text);
  } catch {
    const message = "This is no JSON.";
    throw new GraphError(message, { issues: [{ field: path, message }] });
  }
}
