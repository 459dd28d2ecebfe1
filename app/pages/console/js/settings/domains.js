// Domains for mail and tracked links: the records that their DNS must have, and whether it has them.

import { may } from "../account.js";
import { confirmDialog, openDialog } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { field } from "../forms.js";
import { moment } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { copyable } from "../widgets/snippet.js";
import { Shelf } from "./shelf.js";

const FIELDS = "id name isForMail verifiedAt dkimVerifiedAt tracksLinks checkedAt";
const RECORD = "purpose kind name value isFound";
const DOMAINS = `query Domains { domains { ${FIELDS} } }`;
const RECORDS = `query Records($id: ID!) { sendingDomainRecords(domainId: $id) { ${RECORD} } }`;
const ADD = `mutation AddSending($input: AddSendingDomainInput!) { addSendingDomain(input: $input) { domain { ${FIELDS} } records { ${RECORD} } } }`;
const VERIFY = `mutation VerifySending($input: SendingDomainInput!) { verifySendingDomain(input: $input) { domain { ${FIELDS} } records { ${RECORD} } } }`;
const ROTATE = `mutation RotateKey($input: SendingDomainInput!) { rotateDkimKey(input: $input) { domain { ${FIELDS} } records { ${RECORD} } } }`;
const REMOVE = "mutation RemoveSending($input: SendingDomainInput!) { removeSendingDomain(input: $input) { domainId } }";
const PURPOSES = { ownership: "It is yours", dkim: "Your mail is signed", tracking: "Links lead to it", dmarc: "What mailboxes do with unsigned mail (advised)" };

export function domains(page) {
  const shelf = new Shelf(page, {
    title: "Domains",
    sentence: "From which your mail comes, signed, and to which tracked links lead.",
    scope: "integrations:write",
    add: "Add domain",
    empty: "No domain yet. Mail goes unsigned, and links lead to this server's own host.",
    changes: false,
    called: ({ name }) => name,
    load: async () => (await ask(DOMAINS, {}, page)).domains.filter(({ isForMail }) => isForMail),
    columns: [
      { label: "Domain", cell: ({ name }) => h("span", { class: "strong" }, name) },
      { label: "State", cell: states },
      { label: "Looked at", look: "wide", cell: ({ checkedAt }) => (checkedAt ? moment(checkedAt) : "Never") },
    ],
    more: (domain, reload) => button("DNS records", () => shown(domain, reload), "slight", { "aria-label": `DNS records of ${domain.name}` }),
    fields: () => [field({ name: "name", label: "Domain", autofocus: true, autocomplete: "off", spellcheck: "false", placeholder: "mail.shop.example" })],
    save: async (values) => {
      const { addSendingDomain: made } = await ask(ADD, { input: values });
      setTimeout(() => {
        shelf.reload();
        recordsDialog(made.domain, made.records, () => shelf.reload());
      });
      return null;
    },
    removes: "Remove",
    remove: ({ id }) => [REMOVE, { input: { domainId: id } }],
    loss: "Its mail goes unsigned, and links do not lead to it any more. Its pages carry widgets as before.",
  });
  return shelf;
}

function states({ verifiedAt, dkimVerifiedAt, tracksLinks }) {
  const badge = (isSo, yes, no) => h("span", { class: `badge ${isSo ? "good" : "warn"}` }, isSo ? yes : no);
  return h("div", { class: "badges" }, badge(verifiedAt, "Yours", "Not proved yet"), badge(dkimVerifiedAt, "Signs mail", "Unsigned"),
    tracksLinks && h("span", { class: "badge good" }, "Links lead to it"));
}

async function shown(domain, reload) {
  try {
    recordsDialog(domain, (await ask(RECORDS, { id: domain.id })).sendingDomainRecords, reload);
  } catch (failure) {
    announce(failure.message);
  }
}

function recordsDialog(domain, records, reload) {
  const list = h("div", { class: "stack", role: "status" });
  const draw = (found) => fill(list, found.map(({ purpose, kind, name, value, isFound }) => h("section", { class: "record stack", "aria-label": PURPOSES[purpose] ?? purpose },
    h("div", { class: "split" }, h("h3", null, PURPOSES[purpose] ?? purpose), h("span", { class: "badges" }, h("span", { class: "badge" }, kind),
      h("span", { class: `badge ${isFound ? "good" : isFound === null ? "" : "warn"}` }, isFound ? "Found" : isFound === null ? "Not looked yet" : "Not there"))),
    copyable("Name", name), copyable("Value", value, { rows: value.length > 90 ? 3 : 1 }))));
  draw(records);
  const look = async (document, words) => {
    try {
      const [done] = Object.values(await ask(document, { input: { domainId: domain.id } }));
      draw(done.records);
      announce(words);
      reload();
    } catch (failure) {
      announce(failure.message);
    }
  };
  const rotate = () => confirmDialog({ title: `Give ${domain.name} another key?`, text: "Its mail goes unsigned until the new record is seen.", submit: "Give it another key",
    action: () => look(ROTATE, "There is another key: set its record.") });
  const close = openDialog({ title: `DNS records of ${domain.name}`, broad: true, body: [
    h("p", { class: "quiet" }, "Set these where the domain's DNS is kept, then look whether they are there. That may take an hour."), list,
    h("div", { class: "decide" }, may("integrations:write") && [button("Another key…", rotate, "danger"), button("Look now", () => look(VERIFY, "The DNS was looked at."), "primary")],
      button("Close", () => close()))] });
}
