// One message to one person: how far it has come, why it was sent or not, what it said, and who opened it.

import { may } from "../account.js";
import { button, h } from "../dom.js";
import { moment, pairs, personName, words } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { gateList } from "../campaigns/gates.js";
import { MESSAGE, messageCard } from "../campaigns/message.js";
import { channelWords, deliveryBadge } from "../campaigns/words.js";
import { wayBack } from "./ways.js";

const DELIVERY = `query Delivery($id: ID!, $people: Boolean!, $campaigns: Boolean!, $integrations: Boolean!) {
  delivery(id: $id) {
    id channel state reason error recipient subject testGroup isTest attempts decision providerMessageId dueAt createdAt attemptedAt
    sentAt deliveredAt openedAt humanOpenedAt clickedAt humanClickedAt convertedAt bouncedAt complainedAt unsubscribedAt failedAt
    customer @include(if: $people) { id email externalId phone attributes }
    campaign @include(if: $campaigns) { id name experiment { groups { position name } } }
    integration @include(if: $integrations) { id name }
    message { ...Said }
    engagements(first: 20) { totalCount nodes { id kind url verdict reasons userAgent occurredAt } }
  }
} ${MESSAGE}`;
const CANCEL = "mutation CancelDelivery($input: DeliveryInput!) { cancelDelivery(input: $input) { delivery { id } } }";
const SETTLE = "mutation SettleOne($input: SettleDeliveriesInDoubtInput!) { settleDeliveriesInDoubt(input: $input) { count } }";
const MOMENTS = [["createdAt", "Made"], ["attemptedAt", "Tried first"], ["sentAt", "Sent"], ["deliveredAt", "Arrived"], ["openedAt", "Opened, perhaps by a machine"], ["humanOpenedAt", "Opened by a person"],
  ["clickedAt", "Clicked, perhaps by a machine"], ["humanClickedAt", "Clicked by a person"], ["convertedAt", "Reached the goal"], ["bouncedAt", "Came back"], ["complainedAt", "Called spam"],
  ["unsubscribedAt", "Unsubscribed by it"], ["failedAt", "Failed"]];
const UNDECIDED = ["DRAFT", "QUEUED", "CLAIMED"];
const WHO = { HUMAN: ["A person", "good"], SCANNER: ["A scanner", "warn"], PROXY: ["A proxy", "warn"], UNKNOWN: ["Nobody knows", ""] };

export async function delivery(page) {
  const scopes = { people: may("customers:read"), campaigns: may("campaigns:read"), integrations: may("integrations:read") };
  const { delivery: found } = await ask(DELIVERY, { id: page.params.id, ...scopes }, page);
  if (!found) return [wayBack("/campaigns", "Campaigns"), head("There is no such message")];
  const { customer, campaign } = found;
  const name = customer ? personName(customer) : found.recipient || "Somebody";
  const back = campaign ? wayBack(`/campaigns/${campaign.id}/deliveries`, campaign.name) : customer ? wayBack(`/customers/${customer.id}`, name) : wayBack("/outbox", "Outbox");
  const sentence = h("span", { class: "badges" }, deliveryBadge(found.state), h("span", null, `${channelWords(found.channel)}${found.isTest ? ", a test" : ""}`));
  return [back, head(found.subject || `Message to ${name}`, sentence, actions(found)),
    h("div", { class: "columns" },
      h("div", { class: "stack" }, found.error && !isSaid(found) && h("p", { class: "callout bad" }, found.error), decision(found), found.message && messageCard(found.channel, found.message), seen(found.engagements)),
      h("div", { class: "stack" }, facts(found, name), course(found)))];
}

function actions({ id, state }) {
  if (!may("campaigns:send")) return [];
  const act = async (document, input, said) => {
    try {
      await ask(document, { input });
      announce(said);
      go(`/deliveries/${id}`);
    } catch (failure) {
      announce(failure.message);
    }
  };
  const settle = (verdict, said) => () => act(SETTLE, { deliveryIds: [id], verdict }, said);
  if (state === "IN_DOUBT") return [button("It was sent", settle("SENT", "It counts as sent.")), button("It was not", settle("FAILED", "It counts as failed.")), button("Send it again", settle("RESEND", "It is sent again."))];
  return state === "QUEUED" ? [button("Cancel", () => act(CANCEL, { deliveryId: id }, "It is cancelled."), "danger")] : [];
}

function facts({ customer, recipient, campaign, testGroup, attempts, integration, providerMessageId, id }, name) {
  return h("section", { class: "card", "aria-label": "Facts" }, h("h2", null, "Facts"), pairs([
    ["To", customer ? h("a", { href: `#/customers/${customer.id}` }, name) : name], ["Address", recipient || null], ["Campaign", campaign && h("a", { href: `#/campaigns/${campaign.id}` }, campaign.name)],
    ["Test group", testGroup === null ? null : campaign?.experiment?.groups.find(({ position }) => position === testGroup)?.name ?? String(testGroup + 1)], ["Tried", attempts ? `${attempts} ${attempts === 1 ? "time" : "times"}` : null], ["Over", integration?.name ?? (attempts ? "The outbox" : null)],
    ["Provider's id", providerMessageId && h("code", null, providerMessageId)], ["Id", h("code", null, id)]]));
}

function course(found) {
  const happened = MOMENTS.filter(([name]) => found[name]).map(([name, label]) => [label, found[name]]).sort((one, other) => Date.parse(one[1]) - Date.parse(other[1]));
  const waits = found.state === "QUEUED" && found.dueAt && h("li", null, h("div", null, "Due"), moment(found.dueAt, "exact"));
  return h("section", { class: "card", "aria-label": "Course" }, h("h2", null, "Course"), h("ol", { class: "rows" },
    happened.map(([label, at]) => h("li", null, h("div", null, label), moment(at, "exact"))), waits));
}

/** Whether the gate that stopped it says the same. */
const isSaid = ({ error, decision: gates }) => gates?.at(-1)?.detail === error;

function decision({ decision: gates, state }) {
  const title = state === "SKIPPED" ? "Why it was not sent" : ["SENT", "DELIVERED", "BOUNCED"].includes(state) ? "Why it was sent" : "Why it is where it is";
  return h("section", { class: "card", "aria-label": title }, h("h2", null, title), gates?.length ? gateList(gates) : h("p", { class: "quiet" }, UNDECIDED.includes(state) ? "It was not decided yet." : "It was not noted."));
}

function whoBadge(verdict) {
  const [label, look] = WHO[verdict] ?? [words(verdict), ""];
  return h("span", { class: `badge ${look}` }, label);
}

function seen({ nodes, totalCount }) {
  if (!totalCount) return null;
  return h("section", { class: "card", "aria-label": "Who looked" }, h("h2", null, "Who looked"), h("ul", { class: "rows" }, nodes.map(({ kind, url, verdict, reasons, userAgent, occurredAt }) => h("li", null,
    h("div", null, whoBadge(verdict), ` ${words(kind)} `, moment(occurredAt), url && [h("br"), h("code", { class: "small", dir: "ltr" }, url)],
      h("br"), h("span", { class: "small quiet" }, [reasons.map((reason) => words(reason).toLowerCase()).join(", "), userAgent].filter(Boolean).join(" · ")))))));
}
