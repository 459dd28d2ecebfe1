// When a campaign goes and by which rules, and what it is to achieve.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { field, form, tick } from "../forms.js";
import { words } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { CAMPAIGN, TOPICS, UPDATE } from "./documents.js";
import { sameValue, saveOver } from "./merging.js";
import { clockOf, momentOf, ownTimezone, timezones } from "./moments.js";
import { askPlainly } from "./places.js";
import { Recurrence } from "./recurrence.js";

const AFTER = [["SENT", "it was sent"], ["OPENED", "it was opened"], ["CLICKED", "a link was clicked"]];
const DAY_S = 86_400;
const FLAGS = [
  ["ignoresCaps", "Goes also to people who have had enough messages", "Frequency caps are not asked."],
  ["ignoresQuietHours", "Goes also at night", "Quiet hours are not asked."],
  ["sendsToUnsubscribed", "Goes also to people who do not want to be told", "Only for what they must be told: a receipt, a recall."],
  ["isTracked", "Openings and clicks are counted"],
  ["isRetained", "The messages are kept, to be read later"],
];

export class Plan {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.isCalled = ["TRIGGERED", "TRANSACTIONAL"].includes(campaign.kind);
  }

  async load() {
    this.topics = (await ask(TOPICS, {}, this.page)).subscriptionTopics;
    this.draw();
    this.holder = h("div", null, this.form);
    return this.holder;
  }

  /** Draws the form of the campaign as it is known. */
  draw() {
    const { campaign } = this;
    this.timezone = campaign.schedule.timezone ?? ownTimezone();
    this.recurrence = campaign.kind === "RECURRING" ? new Recurrence(campaign.schedule.rrule) : null;
    this.form = form({
      submit: "Save plan",
      fields: [this.#about(this.topics), this.#when(), this.#rules(), this.#aim()],
      action: () => this.#save(),
    });
    this.before = this.#read();
    this.stamp = campaign.updatedAt;
    if (!may("campaigns:write")) this.form.querySelectorAll("button[type=submit]").forEach((one) => one.remove());
  }

  renew(campaign) {
    this.campaign = campaign;
  }

  #about(topics) {
    const { campaign } = this;
    return card("About", null,
      field({ name: "name", label: "Name", value: campaign.name, autocomplete: "off" }),
      field({ name: "description", label: "Description", value: campaign.description, autocomplete: "off" }),
      h("div", { class: "pair" },
        field({ name: "topicId", label: "Topic", options: [["", "None"], ...topics.map(({ id, name }) => [id, name])], value: campaign.topic?.id ?? "", hint: "Who has left the topic does not get it." }),
        field({ name: "tags", label: "Tags", value: campaign.tags.join(", "), autocomplete: "off", hint: "With commas between them." })));
  }

  #when() {
    const { campaign, timezone } = this;
    const { at, in_recipients_timezone: theirs } = campaign.schedule;
    if (this.isCalled) {
      return card("When it is called", "It sends to whom the call names, or to its audience.",
        field({ name: "triggerName", label: "Name by which it is called", value: campaign.triggerName ?? "", autocomplete: "off", spellcheck: "false" }));
    }
    return card("When", campaign.kind === "ONE_OFF" ? "Left empty: the moment at which you launch it." : "From this moment on, as often as you say.",
      h("div", { class: "pair" }, field({ name: "schedule.at", label: campaign.kind === "ONE_OFF" ? "Moment" : "First time", type: "datetime-local", value: clockOf(at, timezone) }),
        field({ name: "schedule.timezone", label: "By the clock of", list: timezones(), value: timezone, autocomplete: "off", spellcheck: "false" })),
      tick({ name: "schedule.inRecipientsTimezone", label: "By everybody's own clock", hint: "Each gets it when their own clock shows this time.", checked: Boolean(theirs) }),
      this.recurrence?.element);
  }

  #rules() {
    const { campaign } = this;
    return card("By which rules", null,
      h("div", { class: "pair" },
        field({ name: "priority", label: "Priority", options: Array.from({ length: 10 }, (_, place) => [String(9 - place), place ? String(9 - place) : "9, before all others"]), value: String(campaign.priority) }),
        field({ name: "throttlePerSecond", label: "Messages a second, at most", type: "number", min: 1, max: 10_000, value: campaign.throttlePerSecond, hint: "Left empty: as many as can be." }),
        field({ name: "controlShare", label: "Control group, in per cent", type: "number", min: 0, max: 99.9, step: 0.1, value: campaign.controlShare / 10, hint: "They get nothing: to see what it is worth." })),
      FLAGS.map(([name, label, hint]) => tick({ name, label, hint, checked: campaign[name] })));
  }

  #aim() {
    const goal = this.campaign.goal;
    return card("What it is to achieve", "An event that somebody does soon after counts as a conversion.",
      h("div", { class: "pair" },
        field({ name: "goal.event", label: "Event", value: goal?.event, placeholder: "purchase", autocomplete: "off", hint: "Left empty: nothing is counted." }),
        field({ name: "goal.withinSeconds", label: "Within days", type: "number", min: 0.01, max: 90, step: "any", value: goal ? goal.within_s / DAY_S : 7 }),
        field({ name: "goal.after", label: "After", options: AFTER, value: (goal?.after ?? "sent").toUpperCase() }),
        field({ name: "goal.revenueProperty", label: "Revenue property", value: goal?.revenue_property, placeholder: "amount", autocomplete: "off" })));
  }

  /** What the form says, as the graph takes it. */
  #read() {
    const values = Object.fromEntries(new FormData(this.form));
    const input = {
      name: values.name, description: values.description, topicId: values.topicId || null, tags: values.tags.split(",").map((tag) => tag.trim()).filter(Boolean),
      priority: Number(values.priority), throttlePerSecond: values.throttlePerSecond ? Number(values.throttlePerSecond) : null, controlShare: Math.round(Number(values.controlShare) * 10),
      ...Object.fromEntries(FLAGS.map(([name]) => [name, values[name] === "on"])),
      goal: values["goal.event"].trim() ? { event: values["goal.event"].trim(), withinSeconds: Math.round(Number(values["goal.withinSeconds"]) * DAY_S), after: values["goal.after"],
        revenueProperty: values["goal.revenueProperty"].trim() || null } : null,
    };
    if (this.isCalled) input.triggerName = values.triggerName.trim() || null;
    else input.schedule = this.#schedule(values);
    return input;
  }

  #schedule(values) {
    const timezone = values["schedule.timezone"].trim();
    let at = null;
    try {
      at = momentOf(values["schedule.at"], timezone);
    } catch {
      // No such timezone: the graph says so at its field.
      at = momentOf(values["schedule.at"], "UTC");
    }
    if (!at && !this.recurrence) return null;
    return { at, timezone, inRecipientsTimezone: values["schedule.inRecipientsTimezone"] === "on", rrule: this.recurrence?.read() ?? null };
  }

  /** Only what is other than it was: some of it cannot be changed any more once the campaign goes. */
  async #save() {
    const campaignId = this.campaign.id;
    const said = this.#read();
    let stamp = null;
    const saved = await saveOver({
      before: { values: this.before, stamp: this.stamp },
      values: said,
      save: async (changes, expectedUpdatedAt) => {
        stamp = (await askPlainly(UPDATE, { input: { campaignId, expectedUpdatedAt, ...changes } })).updateCampaign.campaign.updatedAt;
      },
      read: () => this.#fresh(),
      label: (name) => this.form.querySelector(`[data-field="${name}"] label, [data-field^="${name}."] label`)?.textContent ?? name,
      shown: (name, value) => (name === "topicId" ? this.topics.find(({ id }) => id === value)?.name ?? "None" : shownValue(value)),
    });
    announce("The plan is saved.");
    Object.assign(this, { before: saved, stamp });
    await this.changed();
    if (sameValue(said, saved)) return;
    this.draw();
    fill(this.holder, this.form);
    this.form.querySelector("button[type=submit]").focus();
  }

  /** What the plan says now, as a form of its own reads it. */
  async #fresh() {
    const { campaign } = await ask(CAMPAIGN, { id: this.campaign.id }, this.page);
    if (!campaign) return null;
    const other = new Plan(this.page, campaign, () => {});
    other.topics = this.topics;
    other.draw();
    return { values: other.before, stamp: campaign.updatedAt };
  }
}

function shownValue(value) {
  if (value === null || value === "") return "";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value !== "object") return String(value);
  return Object.entries(value).filter(([, one]) => one !== null).map(([name, one]) => `${words(name.replace(/[A-Z]/g, " $&"))}: ${one}`).join("\n");
}

function card(title, sentence, ...body) {
  return h("section", { class: "card fields", "aria-label": title }, h("div", null, h("h2", null, title), sentence && h("p", { class: "quiet small" }, sentence)), body);
}
