// What messages are made of besides their own texts: senders, layouts and snippets.

import { h } from "../dom.js";
import { field } from "../forms.js";
import { moment } from "../format.js";
import { ask } from "../graph.js";
import { Shelf } from "./shelf.js";

const SENDERS = "query Senders { senders { id kind name address updatedAt } }";
const CREATE_SENDER = "mutation CreateSender($input: CreateSenderInput!) { createSender(input: $input) { sender { id } } }";
const UPDATE_SENDER = "mutation UpdateSender($input: UpdateSenderInput!) { updateSender(input: $input) { sender { id } } }";
const DELETE_SENDER = "mutation DeleteSender($input: DeleteSenderInput!) { deleteSender(input: $input) { senderId } }";
const LAYOUTS = "query Layouts { layouts { id name body updatedAt } }";
const CREATE_LAYOUT = "mutation CreateLayout($input: CreateLayoutInput!) { createLayout(input: $input) { layout { id } } }";
const UPDATE_LAYOUT = "mutation UpdateLayout($input: UpdateLayoutInput!) { updateLayout(input: $input) { layout { id } } }";
const DELETE_LAYOUT = "mutation DeleteLayout($input: DeleteLayoutInput!) { deleteLayout(input: $input) { layoutId } }";
const SNIPPETS = "query Snippets { snippets { id name value updatedAt } }";
const SET_SNIPPET = "mutation SetSnippet($input: SetSnippetInput!) { setSnippet(input: $input) { snippet { id } } }";
const DELETE_SNIPPET = "mutation DeleteSnippet($input: DeleteSnippetInput!) { deleteSnippet(input: $input) { snippetId } }";
const KINDS = [["EMAIL", "E-mail address"], ["PHONE", "Phone number or name"]];
const FRAME = "<!doctype html>\n<html><body>\n{{ content }}\n<p><a href=\"{% unsubscribe_url %}\">Unsubscribe</a></p>\n</body></html>";
const BEGINNING = 90;

export const senders = (page) => new Shelf(page, {
  title: "Senders",
  sentence: "In whose name messages go out.",
  scope: "campaigns:write",
  add: "Add sender",
  empty: "No sender yet. A campaign needs one, or says itself from whom it is.",
  called: ({ name, address }) => name || address,
  load: async () => (await ask(SENDERS, {}, page)).senders,
  columns: [
    { label: "Name", cell: ({ name, address }) => h("span", { class: "strong" }, name || address) },
    { label: "Address", cell: ({ address }) => address },
    { label: "Changed", look: "wide", cell: ({ updatedAt }) => moment(updatedAt) },
  ],
  fields: (sender) => [
    sender ? null : field({ name: "kind", label: "Kind", options: KINDS, value: "EMAIL" }),
    field({ name: "name", label: "Name", value: sender?.name, autocomplete: "off", hint: "People see it beside the address." }),
    field({ name: "address", label: "Address", value: sender?.address, autofocus: true, autocomplete: "off", spellcheck: "false" }),
  ],
  save: (values, sender) => (sender ? [UPDATE_SENDER, { input: { senderId: sender.id, ...values } }] : [CREATE_SENDER, { input: values }]),
  remove: ({ id }) => [DELETE_SENDER, { input: { senderId: id } }],
  loss: "Only a sender that no campaign uses can be deleted.",
});

export const layouts = (page) => new Shelf(page, {
  title: "Layouts",
  sentence: "Frames around e-mails: the same head and foot for all.",
  scope: "campaigns:write",
  broad: true,
  add: "Add layout",
  empty: "No layout yet.",
  called: ({ name }) => name,
  load: async () => (await ask(LAYOUTS, {}, page)).layouts,
  columns: [
    { label: "Name", cell: ({ name }) => h("span", { class: "strong" }, name) },
    { label: "Changed", cell: ({ updatedAt }) => moment(updatedAt) },
  ],
  fields: (layout) => [
    field({ name: "name", label: "Name", value: layout?.name, autofocus: true, autocomplete: "off" }),
    code({ name: "body", label: "HTML", value: layout?.body ?? FRAME, lines: 14, hint: "In Liquid; {{ content }} stands where the message goes." }),
  ],
  save: (values, layout) => (layout ? [UPDATE_LAYOUT, { input: { layoutId: layout.id, ...values } }] : [CREATE_LAYOUT, { input: values }]),
  remove: ({ id }) => [DELETE_LAYOUT, { input: { layoutId: id } }],
  loss: "Only a layout that no campaign uses can be deleted.",
});

export const snippets = (page) => new Shelf(page, {
  title: "Snippets",
  sentence: "Pieces of text that many messages share, used as {{ snippets.name }}.",
  scope: "campaigns:write",
  broad: true,
  add: "Add snippet",
  empty: "No snippet yet.",
  called: ({ name }) => name,
  load: async () => (await ask(SNIPPETS, {}, page)).snippets,
  columns: [
    { label: "Name", cell: ({ name }) => h("code", { class: "strong" }, name) },
    { label: "Value", cell: ({ value }) => h("span", { class: "small quiet" }, value.length > BEGINNING ? `${value.slice(0, BEGINNING)}…` : value) },
    { label: "Changed", look: "wide", cell: ({ updatedAt }) => moment(updatedAt) },
  ],
  fields: (snippet) => [
    field({ name: "name", label: "Name", value: snippet?.name, readonly: Boolean(snippet), autofocus: !snippet, autocomplete: "off", spellcheck: "false" }),
    code({ name: "value", label: "Value", value: snippet?.value, lines: 8, autofocus: Boolean(snippet), hint: "In Liquid. A change shows in every message sent from then on." }),
  ],
  save: (values) => [SET_SNIPPET, { input: values }],
  remove: ({ id }) => [DELETE_SNIPPET, { input: { snippetId: id } }],
  loss: "Only a snippet that nothing shows can be deleted.",
});

/** A text of several lines in which every character counts. */
export function code(own) {
  const made = field({ spellcheck: "false", autocomplete: "off", ...own });
  made.querySelector("textarea").classList.add("code");
  return made;
}
