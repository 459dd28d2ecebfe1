// Putting people into a static segment and taking them out.

import { formDialog, openDialog } from "../dialogs.js";
import { button, h, newId } from "../dom.js";
import { field } from "../forms.js";
import { number, personName } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { GraphError } from "../wire.js";

const ADD = "mutation Add($input: SegmentMembersInput!) { addSegmentMembers(input: $input) { changed unknown } }";
const REMOVE = "mutation Remove($input: SegmentMembersInput!) { removeSegmentMembers(input: $input) { changed } }";
const IMPORT = `mutation Import($input: ImportSegmentMembersInput!) {
  importSegmentMembers(input: $input) { added already refused { line reason } }
}`;
const SHOWN = 100;
const NAMES = [["email", "E-mail"], ["externalId", "External id"], ["phone", "Phone"], ["anonymousId", "Anonymous id"], ["id", "Id"]];

export function addDialog(segmentId, reload) {
  formDialog({
    title: "Add a customer",
    submit: "Add",
    fields: [
      field({ name: "kind", label: "Known by", options: NAMES, value: "email" }),
      field({ name: "customers", label: "Name", autofocus: true, autocomplete: "off" }),
    ],
    action: async ({ kind, customers: name }) => {
      const { addSegmentMembers: done } = await ask(ADD, { input: { segmentId, customers: [{ [kind]: name.trim() }] } });
      if (done.unknown.length) refuse("customers", "Names no active customer.");
      announce(done.changed ? "Added." : "They are a member already.");
      reload();
    },
  });
}

export async function removeMember(segmentId, customer, reload) {
  try {
    await ask(REMOVE, { input: { segmentId, customers: [{ id: customer.id }] } });
    announce(`${personName(customer)} was removed.`);
    reload();
  } catch (failure) {
    announce(failure.message);
  }
}

export function importDialog(segmentId, reload) {
  const id = newId("csv");
  const text = h("div", { class: "field", "data-field": "csv" }, h("label", { for: id }, "Or its text"),
    h("textarea", { id, name: "csv", class: "input code", rows: "7", spellcheck: "false", placeholder: "email\nada@example.com" }));
  formDialog({
    title: "Import a CSV",
    text: "The first line names the columns; one of them is id, external_id, email, phone or anonymous_id.",
    submit: "Import",
    broad: true,
    fields: [field({ name: "file", label: "File", type: "file", accept: ".csv,text/csv", autofocus: true }), text],
    action: async ({ file, csv }) => {
      const content = file?.size ? await file.text() : csv;
      const { importSegmentMembers: done } = await ask(IMPORT, { input: { segmentId, csv: content } });
      announce(`${number(done.added)} added, ${number(done.already)} were members already.`);
      reload();
      if (done.refused.length) refusedLines(done.refused);
    },
  });
}

function refusedLines(refused) {
  const close = openDialog({
    title: `${number(refused.length)} ${refused.length === 1 ? "line was" : "lines were"} not taken`,
    body: [
      h("ul", { class: "rows" }, refused.slice(0, SHOWN).map(({ line, reason }) => h("li", null, h("span", null, `Line ${line}`), h("span", { class: "quiet" }, reason)))),
      refused.length > SHOWN && h("p", { class: "quiet" }, `and ${number(refused.length - SHOWN)} more`),
      h("div", { class: "decide" }, button("Close", () => close(), "primary")),
    ],
  });
}

function refuse(name, message) {
  throw new GraphError(message, { issues: [{ field: name, message }] });
}
