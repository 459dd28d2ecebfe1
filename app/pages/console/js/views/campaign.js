// One campaign: its head with what can be done, and its parts. What is sent meanwhile is told by the graph as it happens.

import { fill, h } from "../dom.js";
import { ask } from "../graph.js";
import { Live } from "../live.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { Audience } from "../campaigns/audience.js";
import { Runs } from "../campaigns/calls.js";
import { Contents } from "../campaigns/contents.js";
import { Deliveries } from "../campaigns/deliveries.js";
import { CAMPAIGN, PROGRESS } from "../campaigns/documents.js";
import { ExperimentPart } from "../campaigns/experiment.js";
import { actionsOf } from "../campaigns/launching.js";
import { Overview } from "../campaigns/overview.js";
import { Plan } from "../campaigns/plan.js";
import { KINDS, channelWords, statusBadge } from "../campaigns/words.js";
import { missing } from "./overview.js";
import { wayBack } from "./ways.js";

const PARTS = { overview: ["Overview", Overview], contents: ["Contents", Contents], audience: ["Audience", Audience], plan: ["Plan", Plan], experiment: ["Experiment", ExperimentPart],
  calls: ["Calls", Runs], deliveries: ["Deliveries", Deliveries] };
/** What calling and recurring is called, of the kinds that have it. */
const CALLS = { TRIGGERED: "Calls", TRANSACTIONAL: "Send", RECURRING: "Sendings" };
const SETTLED_MS = 300;
const STATES = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…", refused: "Not live" };

export async function campaign(page) {
  const chosen = page.params.part ?? "overview";
  if (!(chosen in PARTS)) return missing();
  const { campaign: found } = await ask(CAMPAIGN, { id: page.params.id }, page);
  if (!found) return [wayBack("/campaigns", "Campaigns"), head("There is no such campaign")];
  const view = new CampaignView(page, found, chosen);
  await view.load();
  return view.element;
}

class CampaignView {
  #timer = null;

  constructor(page, found, chosen) {
    Object.assign(this, { page, found });
    this.heading = h("div");
    this.live = h("span", { class: "live", role: "status", "data-state": "connecting" }, STATES.connecting);
    const links = Object.entries(PARTS).filter(([part]) => (part !== "calls" || found.kind in CALLS) && (part !== "audience" || found.kind !== "TRANSACTIONAL")).map(([part, [label]]) => h("li", null,
      h("a", { href: `#/campaigns/${found.id}/${part}`, "aria-current": part === chosen ? "page" : null }, part === "calls" ? CALLS[found.kind] : label)));
    this.body = h("div");
    this.part = new PARTS[chosen][1](page, found, () => this.reload());
    this.element = h("div", null, wayBack("/campaigns", "Campaigns"), this.heading,
      h("div", { class: "stack" }, h("nav", { "aria-label": "Parts of the campaign", class: "parts-nav" }, h("ul", null, links)), this.body));
    page.signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.following?.close();
    });
  }

  async load() {
    this.#show(this.found);
    fill(this.body, await this.part.load());
    this.following = new Live((state) => this.#state(state));
    this.following.follow(PROGRESS, { id: this.found.id }, this.found.snapshotCursor, () => this.#later(), (error) => announce(error.message));
  }

  /** Asks again how it stands: after a change of ours, and after news. */
  async reload() {
    const { campaign: found } = await ask(CAMPAIGN, { id: this.found.id }, this.page);
    if (!found || this.page.signal.aborted) return;
    const isOther = found.status !== this.found.status;
    this.#show(found);
    await this.part.renew?.(found, isOther);
  }

  #later() {
    this.#timer ??= setTimeout(async () => {
      this.#timer = null;
      try {
        await this.reload();
      } catch (failure) {
        if (!this.page.signal.aborted) announce(failure.message);
      }
    }, SETTLED_MS);
  }

  #show(found) {
    this.found = found;
    const focused = this.heading.contains(document.activeElement) && document.activeElement.textContent;
    const sentence = h("span", { class: "badges" }, statusBadge(found), h("span", null, `${KINDS[found.kind]} · ${found.channels.map(channelWords).join(", ")}`), this.live);
    const failure = found.failure && h("p", { class: "callout bad", role: "alert" }, found.failure);
    fill(this.heading, head(found.name, sentence, actionsOf(found, () => this.reload())), failure);
    if (focused) [...this.heading.querySelectorAll("button, a")].find((one) => one.textContent === focused)?.focus();
  }

  #state(state) {
    if (this.live.dataset.state === state) return;
    this.live.dataset.state = state;
    fill(this.live, STATES[state]);
  }
}
