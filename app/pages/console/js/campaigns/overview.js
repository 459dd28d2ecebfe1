// How a campaign stands: how far it has come, what came of it over time and by what was said, and the facts.

import { fill, h } from "../dom.js";
import { moment, number, pairs, words } from "../format.js";
import { ask } from "../graph.js";
import { sentence } from "../rules/words.js";
import { EVERYBODY, same } from "./audience.js";
import { Chart } from "./chart.js";
import { LINKS } from "./documents.js";
import { contentWords } from "./places.js";
import { recurrenceWords } from "./recurrence.js";
import { KINDS, METRICS, channelWords, rate, runBadge } from "./words.js";

const COUNTED = ["CREATED", "SENT", "DELIVERED", "HUMAN_OPENED", "HUMAN_CLICKED", "CONVERTED", "BOUNCED", "COMPLAINED", "UNSUBSCRIBED", "SUPPRESSED", "SKIPPED", "FAILED", "IN_DOUBT", "CANCELLED"];
const AGAIN_MS = 15_000;

/** Sums of some subjects of the graph, each under a name of its own, in one question. */
function totalsOf(subjects) {
  const fields = subjects.map((id, place) => `s${place}: metricSeries(metrics: $metrics, start: $start, end: $end, step: MONTH, subjects: ["${id}"]) { metric total amount }`);
  return `query Totals($metrics: [Metric!]!, $start: DateTime!, $end: DateTime!) { ${fields.join(" ")} }`;
}

export class Overview {
  constructor(page, campaign) {
    Object.assign(this, { page, campaign });
    this.chart = campaign.startedAt ? new Chart(page, [campaign.id], campaign.startedAt) : null;
    this.progress = h("div", { role: "status" });
    this.figures = h("dl", { class: "figures close" });
    this.tables = h("div", { class: "stack" });
    this.lost = h("div");
    this.facts = h("div", { class: "stack" });
    const timer = setInterval(() => !document.hidden && this.campaign.startedAt && this.#count().catch(() => {}), AGAIN_MS);
    page.signal.addEventListener("abort", () => clearInterval(timer));
  }

  async load() {
    await this.#count();
    this.#tell();
    this.main = h("div", { class: "stack" }, this.progress, this.campaign.startedAt ? [this.chart.element, this.lost] : this.#beginning());
    return h("div", { class: "stack" }, this.figures, h("div", { class: "columns" }, this.main, this.facts), this.tables);
  }

  async renew(campaign) {
    this.campaign = campaign;
    if (campaign.startedAt && !this.chart) {
      this.chart = new Chart(this.page, [campaign.id], campaign.startedAt);
      fill(this.main, this.progress, this.chart.element, this.lost);
    }
    await this.#count();
    this.#tell();
  }

  async #count() {
    const { campaign } = this;
    if (!campaign.startedAt) return;
    const subjects = [campaign.id, ...campaign.contents.map(({ id }) => id)];
    const range = { start: campaign.createdAt, end: new Date(Date.now() + 60_000).toISOString() };
    const [found] = await Promise.all([ask(totalsOf(subjects), { metrics: COUNTED, ...range }, this.page), this.chart.load()]);
    const sums = subjects.map((_, place) => Object.fromEntries(found[`s${place}`].map(({ metric, total, amount }) => [metric, { total, amount }])));
    const [whole, ...parts] = sums;
    const count = (metric) => whole[metric].total;
    this.#far(count);
    const figure = (label, value, note) => h("div", { class: "card figure" }, h("dt", null, label), h("dd", null, number(value)), note && h("dd", { class: "note small quiet" }, note));
    fill(this.figures,
      figure("Sent", count("SENT"), `of ${number(count("CREATED"))}`),
      figure("Delivered", count("DELIVERED"), rate(count("DELIVERED"), count("SENT"))),
      figure("Opened", count("HUMAN_OPENED"), rate(count("HUMAN_OPENED"), count("SENT"))),
      figure("Clicked", count("HUMAN_CLICKED"), rate(count("HUMAN_CLICKED"), count("SENT"))),
      campaign.goal && figure("Converted", count("CONVERTED"), whole.CONVERTED.amount ? `worth ${number(whole.CONVERTED.amount)}` : rate(count("CONVERTED"), count("SENT"))),
      figure("Unsubscribed", count("UNSUBSCRIBED"), rate(count("UNSUBSCRIBED"), count("SENT"))));
    const { campaign: linked } = await ask(LINKS, { id: campaign.id }, this.page);
    fill(this.tables, this.#byGroup(parts), this.#byContent(parts), byLink(linked.links), this.#runs());
    fill(this.lost, this.#losses(count));
  }

  /** How far it is while it sends: of what was made, what is settled one way or the other. */
  #far(count) {
    const settled = count("SENT") + count("SKIPPED") + count("SUPPRESSED") + count("FAILED") + count("CANCELLED");
    const run = this.campaign.runs.nodes.find(({ state }) => ["PREPARING", "SENDING", "PAUSED"].includes(state));
    const isGoing = run && ["SENDING", "PAUSED"].includes(this.campaign.status) && this.campaign.kind !== "TRANSACTIONAL";
    fill(this.progress, isGoing && h("section", { class: "card stack", "aria-label": "Progress" },
      h("div", { class: "split" }, h("h2", null, run.state === "PREPARING" ? "Messages are being made and sent" : run.state === "PAUSED" ? "Paused" : "Messages are being sent"),
        h("span", { class: "tally" }, `${number(settled)} of ${number(count("CREATED"))}`)),
      h("progress", { class: "whole-width", max: String(Math.max(1, count("CREATED"))), value: String(settled), "aria-label": "Progress of sending" })));
  }

  /** What came of each test group: the sum over its contents. */
  #byGroup(parts) {
    const { experiment, contents } = this.campaign;
    if (!experiment) return null;
    return this.#rated("By test group", "Test group", experiment.groups.map(({ position, name }) => {
      const own = parts.filter((_, place) => contents[place].testGroup === position);
      return [h("a", { href: `#/campaigns/${this.campaign.id}/experiment` }, name), (metric) => own.reduce((sum, part) => sum + part[metric].total, 0)];
    }));
  }

  #byContent(parts) {
    const { campaign } = this;
    return this.#rated("By content", "Content", campaign.contents.map((content, place) => {
      const at = encodeURIComponent([content.channel, content.testGroup, content.language].join("/"));
      return [[h("a", { href: `#/campaigns/${campaign.id}/contents?at=${at}` }, contentWords(campaign, content)), content.subject && h("span", { class: "small quiet", dir: "auto" }, content.subject)],
        (metric) => parts[place][metric].total];
    }));
  }

  /** A table of how many were sent of each and what share did something. `entries` are [name, count(metric)]. */
  #rated(title, head, entries) {
    if (!entries.length) return null;
    const rates = ["HUMAN_OPENED", "HUMAN_CLICKED", this.campaign.goal && "CONVERTED", "UNSUBSCRIBED"].filter(Boolean);
    const heads = [head, "Sent", ...rates.map((metric) => METRICS[metric.toLowerCase()])];
    const rows = entries.map(([name, count]) => h("tr", null, h("th", { scope: "row" }, h("div", { class: "entry" }, h("div", null, name))),
      h("td", { class: "end tally" }, number(count("SENT"))),
      rates.map((metric) => h("td", { class: "end" }, h("span", { class: "tally" }, number(count(metric))), h("span", { class: "small quiet rate" }, rate(count(metric), count("SENT")))))));
    return table(title, heads, rows);
  }

  #losses(count) {
    const lost = [["SUPPRESSED", "Address suppressed"], ["SKIPPED", "Stopped by another gate"], ["BOUNCED", "Came back"], ["FAILED", "Failed"], ["IN_DOUBT", "In doubt"], ["CANCELLED", "Cancelled"], ["COMPLAINED", "Called spam"]]
      .filter(([metric]) => count(metric) > 0);
    return lost.length > 0 && h("section", { class: "card", "aria-label": "What did not arrive" }, h("h2", null, "What did not arrive"),
      pairs(lost.map(([metric, label]) => [label, h("span", { class: "tally" }, number(count(metric)))])));
  }

  #runs() {
    const { nodes, totalCount } = this.campaign.runs;
    if (totalCount < 2 && !nodes[0]?.problems.length) return null;
    return h("section", { class: "card", "aria-label": "Sendings" }, h("h2", null, "Sendings"), h("ul", { class: "rows" }, nodes.map((run) => h("li", null,
      h("div", null, h("span", { class: "strong" }, `No. ${run.number}`), " ", moment(run.dueAt), h("br"),
        h("span", { class: "small quiet" }, `${number(run.prepared)} messages for ${number(run.targeted)} people${run.control ? `, ${number(run.control)} in the control group` : ""}`),
        run.problems.map(({ value, detail }) => h("p", { class: "small wrong" }, [value, detail].filter(Boolean).join(": ")))),
      runBadge(run.state)))));
  }

  #beginning() {
    const { id, contents, audience, kind, channels, experiment } = this.campaign;
    const step = (isDone, path, label, words) => h("li", { "data-done": String(isDone) }, h("a", { href: `#/campaigns/${id}/${path}` }, label), h("span", { class: "small quiet" }, words));
    const isCalled = ["TRIGGERED", "TRANSACTIONAL"].includes(kind);
    const groups = experiment?.groups.map(({ position }) => position) ?? [0];
    const missing = channels.filter((channel) => groups.some((group) => !contents.some((one) => one.channel === channel && one.testGroup === group && !one.language)));
    const written = contents.length === 0 ? "Nothing yet" : missing.length ? `Nothing yet for everybody over ${missing.map(channelWords).join(", ")}` : contents.length === 1 ? "1 content" : `${contents.length} contents`;
    return h("section", { class: "card", "aria-label": "What is to do" }, h("h2", null, "What is to do before it goes"), h("ol", { class: "steps" },
      step(!missing.length, "contents", "Write what it says", written),
      !isCalled && step(Boolean(audience), "audience", "Choose for whom it is", audience ? "Chosen" : "Nobody yet"),
      step(true, "plan", "Say when and by which rules", "There is something sensible to begin with"), step(Boolean(experiment), "experiment", "Try something out", experiment ? experiment.groups.map(({ name }) => name).join(", ") : "If you like")));
  }

  #tell() {
    const { campaign } = this;
    const { schedule, goal, audience } = campaign;
    const flags = [campaign.ignoresCaps && "Ignores caps", campaign.ignoresQuietHours && "Ignores quiet hours", campaign.sendsToUnsubscribed && "Also to unsubscribed", !campaign.isTracked && "Not tracked"].filter(Boolean);
    fill(this.facts, h("section", { class: "card", "aria-label": "Facts" }, h("h2", null, "Facts"), pairs([
      ["What for", campaign.description ? h("span", { class: "clamped" }, campaign.description) : null], ["Kind", KINDS[campaign.kind] ?? words(campaign.kind)], ["Over", campaign.channels.map(channelWords).join(", ")], ["Topic", campaign.topic?.name],
      ["Audience", audience && same(audience, EVERYBODY) ? "Everybody" : audience ? (audience.segment || audience.and || audience.or ? h("a", { href: `#/campaigns/${campaign.id}/audience` }, "See the rule") : sentence(audience)) : null],
      ["Begins", campaign.scheduledAt && moment(campaign.scheduledAt, "exact")], ["Begun", campaign.startedAt && moment(campaign.startedAt, "exact")], ["Ended", campaign.completedAt && moment(campaign.completedAt, "exact")],
      ["Clock", schedule.at && (schedule.in_recipients_timezone ? "Everybody's own" : schedule.timezone ?? "UTC")], ["Recurs", schedule.rrule && recurrenceWords(schedule.rrule)],
      ["Called as", campaign.triggerName && h("code", null, campaign.triggerName)], ["Priority", String(campaign.priority)], ["At most", campaign.throttlePerSecond && `${number(campaign.throttlePerSecond)} a second`],
      ["Control group", campaign.controlShare ? rate(campaign.controlShare, 1000) : null], ["Goal", goal && `${goal.event}, within ${number(goal.within_s / 86_400)} days`],
      ["Rules", flags.length ? flags.join(", ") : null], ["Tags", campaign.tags.length ? h("span", { class: "badges" }, campaign.tags.map((tag) => h("span", { class: "badge" }, tag))) : null],
      ["Made", moment(campaign.createdAt, "date")], ["Id", h("code", null, campaign.id)]])));
  }
}

function byLink(links) {
  if (!links.length) return null;
  return table("By link", ["Link", "People", "Their clicks", "Machines"], links.map(({ url, metrics }) => h("tr", null, h("th", { scope: "row" }, h("code", { dir: "ltr" }, url)),
    [metrics.humanClickedOnce, metrics.humanClicked, metrics.machineClicked].map((count) => h("td", { class: "end tally" }, number(count))))));
}

function table(title, heads, rows) {
  return h("section", { class: "card flush", "aria-label": title }, h("div", { class: "table", role: "region", "aria-label": title, tabindex: "0" }, h("table", null,
    h("thead", null, h("tr", null, heads.map((label, place) => h("th", { scope: "col", class: place ? "end" : null }, label)))), h("tbody", null, rows))));
}
