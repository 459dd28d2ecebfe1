// What can be done with a campaign as a whole. A launch says how many people it is about before it is done.

import { may } from "../account.js";
import { confirmDialog, formDialog, openDialog } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { number } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { go } from "../router.js";
import { DELETE, DUPLICATE, ESTIMATE, ISSUES, LAUNCH, move } from "./documents.js";
import { estimated, reached } from "./estimate.js";
import { momentOf, ownTimezone } from "./moments.js";
import { issuePlace } from "./places.js";

const ONGOING = ["SCHEDULED", "SENDING", "PAUSED"];
const isCalled = ({ kind }) => kind === "TRIGGERED" || kind === "TRANSACTIONAL";

/** The buttons of a campaign's head. `reload` is called after each change. */
export function actionsOf(campaign, reload) {
  const { status } = campaign;
  const send = may("campaigns:send");
  const write = may("campaigns:write");
  const moves = [
    write && ["DRAFT", "CANCELLED", "FAILED", "COMPLETED", "ARCHIVED"].includes(status) && button("Delete", () => remove(campaign), "danger"),
    write && ["COMPLETED", "CANCELLED", "FAILED"].includes(status) && button("Archive", () => moved(campaign, "archiveCampaign", "It is put away.", reload)),
    write && button("Duplicate", () => duplicate(campaign)),
    send && ONGOING.includes(status) && button("Cancel", () => cancel(campaign, reload), "danger"),
    send && ["SCHEDULED", "SENDING"].includes(status) && button("Pause", () => moved(campaign, "pauseCampaign", "It is paused.", reload)),
    send && status === "PAUSED" && button("Resume", () => moved(campaign, "resumeCampaign", "It goes on.", reload), "primary"),
    send && (["DRAFT", "FAILED"].includes(status) || status === "SCHEDULED" && campaign.kind === "ONE_OFF") && button(launchWords(campaign), () => launch(campaign, reload), status === "SCHEDULED" ? "" : "primary"),
  ];
  return moves.filter(Boolean);
}

function launchWords(campaign) {
  if (isCalled(campaign)) return "Switch on…";
  return campaign.status === "SCHEDULED" ? "Change the moment…" : "Launch…";
}

async function moved({ id }, name, words, reload) {
  try {
    await ask(move(name), { input: { campaignId: id } });
    announce(words);
    await reload();
  } catch (failure) {
    announce(failure.message);
  }
}

function cancel(campaign, reload) {
  confirmDialog({
    title: `Cancel ${campaign.name}?`,
    text: "What is not sent yet is never sent. This cannot be undone.",
    submit: "Cancel the campaign",
    action: async () => {
      await ask(move("cancelCampaign"), { input: { campaignId: campaign.id } });
      announce("It is cancelled.");
      await reload();
    },
  });
}

function remove(campaign) {
  confirmDialog({
    title: `Delete ${campaign.name}?`,
    text: "It disappears from every list. This cannot be undone.",
    submit: "Delete",
    action: async () => {
      await ask(DELETE, { input: { campaignId: campaign.id } });
      announce(`${campaign.name} was deleted.`);
      go("/campaigns");
    },
  });
}

function duplicate(campaign) {
  formDialog({
    title: "Duplicate the campaign",
    text: "The copy is a draft with the same contents, audience and plan.",
    submit: "Duplicate",
    fields: [field({ name: "name", label: "Name of the copy", value: `${campaign.name} (copy)`, autofocus: true, autocomplete: "off" })],
    action: async ({ name }) => {
      const { duplicateCampaign } = await ask(DUPLICATE, { input: { campaignId: campaign.id, name } });
      go(`/campaigns/${duplicateCampaign.campaign.id}`);
    },
  });
}

/** Asks how many it is about and what is missing; only then it can be launched. */
function launch(campaign, reload) {
  const body = h("div", { class: "stack", role: "status" }, h("p", { class: "quiet" }, "Looking at its contents and its audience…"));
  const close = openDialog({ title: isCalled(campaign) ? `Switch on ${campaign.name}` : `Launch ${campaign.name}`, body: [body], broad: true });
  const planned = !isCalled(campaign);
  Promise.all([ask(ISSUES, { id: campaign.id }), planned && campaign.audience ? ask(ESTIMATE, { id: campaign.id, recipients: null }) : null])
    .then(([{ contentIssues: issues }, found]) => {
      const all = [...issues, ...planned && !campaign.audience ? [{ path: "audience", message: "is needed: for whom is it?" }] : []];
      fill(body, all.length ? refused(campaign, all, close) : question(campaign, found?.estimateAudience, reload, close));
      body.querySelector("[data-autofocus]")?.focus();
    }, (failure) => fill(body, h("p", { class: "callout bad" }, failure.message), h("div", { class: "decide" }, button("Close", close))));
}

function refused(campaign, issues, close) {
  return [h("p", { class: "callout bad" }, issues.length === 1 ? "One thing stands against sending it." : `${number(issues.length)} things stand against sending it.`),
    h("ul", { class: "rows" }, issues.map(({ path, message }) => h("li", null, h("div", null, h("span", { class: "strong" }, issuePlace(campaign, path)), h("br"), message)))),
    h("div", { class: "decide" }, button("Close", close, "", { "data-autofocus": true }))];
}

function question(campaign, estimate, reload, close) {
  const count = estimate ? reached(estimate) : null;
  const people = `${number(count ?? 0)} ${count === 1 ? "person" : "people"}`;
  const timed = campaign.kind === "ONE_OFF" && (!campaign.schedule.at || campaign.status === "SCHEDULED");
  const later = timed && field({ name: "at", label: "When", type: "datetime-local", hint: `By the clock of ${ownTimezone()}. Left empty: now.` });
  const at = campaign.schedule.at && new Date(campaign.schedule.at) > new Date();
  const submit = count === null ? "Switch on" : `${at ? "Schedule for" : "Send to"} ${people}`;
  return [estimate && h("p", { class: "callout" }, h("span", null, h("strong", null, people), count === 1 ? " gets it" : " get it", " if it is sent as things stand.")),
    estimate && estimated(estimate),
    form({
      fields: [later].filter(Boolean),
      submit,
      extra: [button("Not yet", close, "", { "data-autofocus": true })],
      action: async ({ at: moment }) => {
        await ask(LAUNCH, { input: { campaignId: campaign.id, at: moment ? momentOf(moment, ownTimezone()) : null } });
        close();
        announce(count === null ? "It is on." : moment || at ? "It is scheduled." : "It is being sent.");
        await reload();
      },
    })];
}
