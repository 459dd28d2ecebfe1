// Ready answers: made, changed and deleted; in as many languages as one likes.

import { may } from "../account.js";
import { button, fill, h, icon, newId } from "../dom.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { moment } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { wayBack } from "./ways.js";

const ANSWERS = "query Answers { cannedResponses { id shortcut title texts updatedAt } }";
const changing = (name) => `mutation Change($input: ${name[0].toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`;
const [CREATE, UPDATE, DELETE] = ["create", "update", "delete"].map((verb) => changing(`${verb}CannedResponse`));
const VARIABLES = "{{customer.name}}  {{customer.first_name}}  {{agent.name}}  {{company.name}}";

export async function canned(page) {
  const list = h("div");
  const load = async () => {
    const { cannedResponses: answers } = await ask(ANSWERS, {}, page);
    fill(list, answers.length ? table(answers, load) : h("section", { class: "card empty" }, h("strong", null, "No ready answers yet"),
      h("p", null, "What you write again and again, found by / while you write.")));
  };
  await load();
  const create = button([icon("plus"), "New ready answer"], () => answerDialog(null, load), "primary");
  return [wayBack("/inbox", "Inbox"), head("Ready answers", "Type / and the beginning of a shortcut in an answer.", may("conversations:write") ? [create] : []), list];
}

function table(answers, load) {
  return h("section", { class: "card flush", "aria-label": "Ready answers" }, h("div", { class: "table", role: "region", "aria-label": "Ready answers", tabindex: "0" },
    h("table", null, h("caption", { class: "unseen" }, "Ready answers"),
      h("thead", null, h("tr", null, ["Shortcut", "Answer", "Languages", "Changed"].map((label) => h("th", { scope: "col" }, label)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))),
      h("tbody", null, answers.map((answer) => row(answer, load))))));
}

function row(answer, load) {
  const { shortcut, title, texts, updatedAt } = answer;
  const [first = ""] = Object.values(texts);
  return h("tr", null, h("th", { scope: "row" }, h("code", null, `/${shortcut}`)),
    h("td", null, h("span", { class: "strong" }, title), h("br"), h("span", { class: "small quiet" }, first.length > 90 ? `${first.slice(0, 90)}…` : first)),
    h("td", null, h("span", { class: "badges" }, Object.keys(texts).map((tag) => h("span", { class: "badge" }, tag)))),
    h("td", null, moment(updatedAt)),
    h("td", { class: "end" }, may("conversations:write") && h("div", { class: "actions" },
      button("Change", () => answerDialog(answer, load), "slight", { "aria-label": `Change ${shortcut}` }),
      button("Delete", () => remove(answer, load), "slight danger", { "aria-label": `Delete ${shortcut}` }))));
}

function answerDialog(answer, load) {
  const texts = h("div", { class: "stack" });
  const rows = [];
  const add = (tag, text) => {
    const [language, area] = [newId("language"), newId("text")];
    const one = { tag: h("input", { id: language, class: "input", value: tag, autocomplete: "off", placeholder: "en" }), text: h("textarea", { id: area, class: "input tall", maxlength: "10000" }) };
    one.text.value = text;
    rows.push(one);
    texts.append(h("div", { class: "field" }, h("label", { for: language }, "Language"), one.tag, h("label", { for: area }, "Text"), one.text));
  };
  for (const [tag, text] of Object.entries(answer?.texts ?? { en: "" })) add(tag, text);
  formDialog({
    title: answer ? `/${answer.shortcut}` : "New ready answer",
    text: `Markdown. Filled in by itself: ${VARIABLES}`,
    submit: answer ? "Save" : "Create",
    broad: true,
    fields: [
      field({ name: "shortcut", label: "Shortcut", value: answer?.shortcut ?? "", autofocus: true, autocomplete: "off", spellcheck: "false", placeholder: "refund" }),
      field({ name: "title", label: "Title", value: answer?.title ?? "", autocomplete: "off" }),
      h("div", { "data-field": "texts", class: "stack" }, texts, h("div", null, button("Add language", () => add("", ""), "slight"))),
    ],
    action: async ({ shortcut, title }) => {
      const said = rows.map((one) => [one.tag.value.trim(), one.text.value]).filter(([tag, text]) => tag && text.trim());
      const input = { shortcut, title, texts: Object.fromEntries(said) };
      await (answer ? ask(UPDATE, { input: { cannedResponseId: answer.id, ...input } }) : ask(CREATE, { input }));
      announce(answer ? "The answer is saved." : `/${shortcut} is ready.`);
      await load();
    },
  });
}

function remove({ id, shortcut }, load) {
  confirmDialog({ title: `Delete /${shortcut}?`, text: "What was said with it stays.", submit: "Delete", action: async () => {
    await ask(DELETE, { input: { cannedResponseId: id } });
    announce(`/${shortcut} was deleted.`);
    await load();
  } });
}
