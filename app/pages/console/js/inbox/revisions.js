// What a message said before it was edited or deleted, for colleagues.

import { h } from "../dom.js";
import { openDialog } from "../dialogs.js";
import { moment } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { REVISIONS } from "./documents.js";

/** A word that opens what a message said before. */
export function before(id, word) {
  return h("button", { type: "button", class: "was", title: "What it said before", onclick: () => show(id) }, word);
}

async function show(id) {
  try {
    const { node } = await ask(REVISIONS, { id });
    const said = node.revisions.map(({ action, text, changedAt, changedByKind, changedBy }) => h("li", null,
      h("div", null, h("p", { class: "as-written" }, text || "(no words)"), h("p", { class: "small faint" },
        `${action === "deleted" ? "Deleted" : "Edited"} by ${changedBy?.name ?? (changedByKind === "VISITOR" ? "the visitor" : "an agent")}, `, moment(changedAt)))));
    openDialog({ title: "What it said before", body: [h("ul", { class: "rows" }, said)] });
  } catch (failure) {
    announce(failure.message);
  }
}
