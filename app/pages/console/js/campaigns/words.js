// What things about campaigns are called.

import { h } from "../dom.js";
import { words } from "../format.js";

export const CHANNELS = { EMAIL: "E-mail", SMS: "SMS", PUSH: "Push", IN_APP: "In app", WHATSAPP: "WhatsApp", WEBHOOK: "Webhook" };
export const channelWords = (channel) => CHANNELS[channel.toUpperCase()] ?? channel;

export const KINDS = { ONE_OFF: "Once", RECURRING: "Again and again", TRIGGERED: "When it is called", TRANSACTIONAL: "Transactional" };

const STATUSES = {
  DRAFT: ["Draft", ""], SCHEDULED: ["Scheduled", "warn"], SENDING: ["Sending", "good"], PAUSED: ["Paused", "warn"],
  COMPLETED: ["Completed", "good"], CANCELLED: ["Cancelled", ""], FAILED: ["Failed", "bad"], ARCHIVED: ["Archived", ""],
};
export const STATUS_CHOICES = Object.entries(STATUSES).map(([status, [label]]) => [status, label]);

/** How a campaign stands, as a badge. Called ones that send when they are called are “on”. */
export function statusBadge({ status, kind }) {
  const [label, look] = STATUSES[status] ?? [words(status), ""];
  const isCalled = kind === "TRIGGERED" || kind === "TRANSACTIONAL";
  return h("span", { class: `badge ${look}` }, status === "SENDING" && isCalled ? "On" : label);
}

const RUN_STATES = { PREPARING: ["Being made", "warn"], SENDING: ["Being sent", "warn"], PAUSED: ["Paused", "warn"], COMPLETED: ["Completed", "good"], CANCELLED: ["Cancelled", ""],
  FAILED: ["Failed", "bad"] };

/** How far a run is, as a badge. */
export function runBadge(state) {
  const [label, look] = RUN_STATES[state] ?? [words(state), ""];
  return h("span", { class: `badge ${look}` }, label);
}

const STATES = {
  DRAFT: ["Draft", ""], QUEUED: ["Waiting", "warn"], CLAIMED: ["Being written", "warn"], SENDING: ["Being sent", "warn"], SENT: ["Sent", "good"],
  DELIVERED: ["Delivered", "good"], BOUNCED: ["Bounced", "bad"], FAILED: ["Failed", "bad"], SKIPPED: ["Not sent", ""],
  IN_DOUBT: ["In doubt", "bad"], CANCELLED: ["Cancelled", ""],
};
export const STATE_CHOICES = Object.entries(STATES).map(([state, [label]]) => [state, label]);

export function deliveryBadge(state) {
  const [label, look] = STATES[state.toUpperCase()] ?? [words(state), ""];
  return h("span", { class: `badge ${look}` }, label);
}

export const GATES = {
  audience: "Still in the audience", control: "Not in the control group", address: "Has an address", suppression: "Address not suppressed",
  consent: "Consents", cap: "Not too many messages", quiet_hours: "Outside quiet hours", throttle: "Within its pace", content: "Content renders",
  provider: "Has a provider",
};
const STOPS = { audience: "Left the audience", control: "Control group", address: "No address", suppression: "Suppressed", consent: "No consent", cap: "Had enough messages",
  quiet_hours: "Quiet hours", throttle: "Messages per second", content: "Content does not render", provider: "Provider" };
export const REASON_CHOICES = Object.entries(STOPS);
/** Why something was not sent, or not yet, in a word. */
export const reasonWords = (reason) => STOPS[reason] ?? words(reason);
export const VERDICTS = { pass: ["Yes", "✓"], hold: ["Later", "…"], stop: ["No", "✗"] };

export const METRICS = {
  created: "Created", sent: "Sent", delivered: "Delivered", opened: "Opened by anything", human_opened: "Opened", clicked: "Clicked by anything",
  human_clicked: "Clicked", converted: "Converted", bounced: "Bounced", complained: "Complaints", unsubscribed: "Unsubscribed",
  suppressed: "Suppressed", skipped: "Not sent", failed: "Failed", in_doubt: "In doubt", cancelled: "Cancelled",
};

const LANGUAGES = new Intl.DisplayNames(undefined, { type: "language" });

/** A language as people say it; none is what everybody else gets. */
export function languageWords(tag) {
  if (!tag) return "Everybody else";
  try {
    return LANGUAGES.of(tag);
  } catch {
    return tag;
  }
}

/** A share of a whole in per cent; a dash where there is no whole. */
export function rate(part, whole) {
  return whole ? PERCENT.format(part / whole) : "–";
}

const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
