// The audit log: who changed what, and when.

import { h } from "../dom.js";
import { moment, words } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { head } from "../router.js";

const AUDIT = `query Audit($subjectId: ID, $first: Int, $after: String, $last: Int, $before: String) {
  auditLog(subjectId: $subjectId, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      id occurredAt action actorLabel subjectId changes requestId
      subject {
        __typename
        ... on Customer { email externalId }
        ... on Member { memberName: name memberEmail: email }
        ... on ApiKey { keyName: name }
        ... on Tenant { tenantName: name }
      }
    }
  }
}`;

export async function audit(page) {
  const subjectId = page.query.get("subject");
  const table = await pagedTable({
    page,
    caption: "Audit log",
    noun: (count) => (count === 1 ? "change" : "changes"),
    load: async (slice) => (await ask(AUDIT, { ...slice, subjectId }, page)).auditLog,
    empty: () => [h("strong", null, "Nothing was changed")],
    columns: [
      { label: "When", cell: ({ occurredAt }) => moment(occurredAt) },
      { label: "What", head: true, cell: ({ action }) => h("span", { class: "strong" }, spoken(action)) },
      { label: "Who", cell: ({ actorLabel }) => actorLabel },
      { label: "Subject", cell: subject },
      { label: "Details", look: "wide", cell: details },
    ],
  });
  return [
    head("Audit log", subjectId ? "What was changed about one thing." : "Who changed what, latest first.",
      subjectId ? [h("a", { class: "button", href: "#/audit" }, "Show everything")] : []),
    table.element,
  ];
}

/** `member.change_role` as "Member: change role". */
function spoken(action) {
  const [noun, verb = ""] = action.split(".");
  return `${words(noun)}: ${words(verb).toLowerCase()}`;
}

function subject({ subjectId, subject: thing }) {
  const { email, externalId, memberName, memberEmail, keyName, tenantName } = thing ?? {};
  const label = email ?? externalId ?? (memberName || memberEmail) ?? keyName ?? tenantName ?? h("code", null, short(subjectId));
  if (thing?.__typename === "Customer") return h("a", { href: `#/customers/${subjectId}` }, label);
  return h("span", { title: subjectId }, label);
}

function short(id) {
  return id.length > 16 ? `${id.slice(0, 9)}…${id.slice(-4)}` : id;
}

function details({ changes, requestId }) {
  const known = { ...changes, ...(requestId ? { request: requestId } : {}) };
  if (!Object.keys(known).length) return null;
  return h("details", null, h("summary", null, "Show"), h("pre", null, JSON.stringify(known, null, 2)));
}
