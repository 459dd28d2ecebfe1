// What can be done with a customer, and the questions asked before it is.

import { button } from "../dom.js";
import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { personName } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { go } from "../router.js";
import { PROFILE } from "./profile.js";

const SUPPRESS = `mutation Suppress($input: CustomerInput!) {
  suppressCustomer(input: $input) { customer { ...Profile } }
} ${PROFILE}`;
const UNSUPPRESS = `mutation Unsuppress($input: CustomerInput!) {
  unsuppressCustomer(input: $input) { customer { ...Profile } }
} ${PROFILE}`;
const MERGE = "mutation Merge($input: MergeCustomersInput!) { mergeCustomers(input: $input) { merge { id } } }";
const UNMERGE = "mutation Unmerge($input: UnmergeCustomersInput!) { unmergeCustomers(input: $input) { merge { id } } }";
const DELETE = "mutation Delete($input: CustomerInput!) { deleteCustomer(input: $input) { customerId } }";
const NAMES = [["externalId", "External id"], ["email", "E-mail"], ["phone", "Phone"], ["id", "Customer id"],
  ["anonymousId", "Anonymous id"]];

/** The buttons for a customer. `show(customer)` takes a changed profile, `reload()` loads the page again. */
export function decisions(customer, show, reload) {
  if (customer.status !== "ACTIVE" || !may("customers:write")) return [];
  const suppressing = customer.suppressed
    ? button("Allow messages", () => unsuppress(customer, show))
    : button("Suppress", () => suppress(customer, show));
  return [
    suppressing,
    button("Merge…", () => mergeDialog(customer, reload)),
    button("Delete…", () => deleteDialog(customer), "danger"),
  ];
}

/** Asks before two merged customers are parted. */
export function unmergeDialog(merge, reload) {
  formDialog({
    title: `Part from ${personName(merge.loser)}?`,
    text: "Names, attributes, events and devices go back to whose they were before the merge.",
    submit: "Unmerge",
    action: async () => {
      await ask(UNMERGE, { input: { mergeId: merge.id } });
      announce("The customers are two again.");
      await reload();
    },
  });
}

async function suppress({ id }, show) {
  await orSay(async () => {
    const { suppressCustomer } = await ask(SUPPRESS, { input: { customer: { id } } });
    show(suppressCustomer.customer);
    announce("Nothing is sent to this customer any more.");
  });
}

async function unsuppress({ id }, show) {
  await orSay(async () => {
    const { unsuppressCustomer } = await ask(UNSUPPRESS, { input: { customer: { id } } });
    show(unsuppressCustomer.customer);
    announce("This customer may be sent messages again.");
  });
}

function mergeDialog({ id }, reload) {
  formDialog({
    title: "Merge another customer into this one",
    text: "Everything about the other becomes this customer's. It can be undone.",
    submit: "Merge",
    fields: [
      field({ name: "kind", label: "The other is known by", options: NAMES, value: "externalId" }),
      field({ name: "loser", label: "Which is", required: true, autofocus: true, autocomplete: "off" }),
    ],
    action: async ({ kind, loser }) => {
      await ask(MERGE, { input: { winner: { id }, loser: { [kind]: loser } } });
      announce("The customers are one now.");
      await reload();
    },
  });
}

function deleteDialog(customer) {
  confirmDialog({
    title: `Delete ${personName(customer)}?`,
    text: "Their names and devices go, and nothing more can be sent to them. What they did stays in your figures. "
      + "This cannot be undone.",
    submit: "Delete customer",
    action: async () => {
      await ask(DELETE, { input: { customer: { id: customer.id } } });
      announce(`${personName(customer)} was deleted.`);
      if (location.hash.includes(customer.id)) go("/customers");
    },
  });
}

async function orSay(act) {
  try {
    await act();
  } catch (refused) {
    announce(refused.message);
  }
}
