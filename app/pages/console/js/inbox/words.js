// What the inbox calls things.

import { personName } from "../format.js";
import { h, icon } from "../dom.js";

export const STATUSES = { OPEN: "Open", PENDING: "Pending", SNOOZED: "Snoozed", CLOSED: "Closed" };
export const PRIORITIES = { LOW: "Low", NORMAL: "Normal", HIGH: "High", URGENT: "Urgent" };
const LOOKS = { OPEN: "good", PENDING: "warn", SNOOZED: "", CLOSED: "" };
const DAY_CLOCK = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const SIZES = ["bytes", "kB", "MB", "GB"];

/** What the other side of a conversation is called. */
export function whoOf({ visitor, customer }) {
  if (customer) {
    const name = personName(customer);
    if (name !== "Unnamed customer") return name;
  }
  return visitor?.name || visitor?.email || (visitor ? `Visitor ${visitor.id.slice(-4)}` : "Somebody");
}

export const whoseId = ({ visitor, customer, id }) => customer?.id ?? visitor?.id ?? id;

export function statusBadge({ status, snoozedUntil }) {
  const until = status === "SNOOZED" && snoozedUntil ? ` until ${soon(snoozedUntil)}` : "";
  return h("span", { class: `badge ${LOOKS[status]}`, "data-status": status }, `${STATUSES[status]}${until}`);
}

export function priorityFlag(priority) {
  if (priority === "NORMAL") return null;
  return h("span", { class: `flag ${priority.toLowerCase()}` }, icon("flag"), PRIORITIES[priority]);
}

export function stars(score) {
  const drawn = [1, 2, 3, 4, 5].map((place) => h("span", { class: place <= score ? "on" : "" }, place <= score ? "★" : "☆"));
  return h("span", { class: "stars" }, h("span", { "aria-hidden": "true" }, drawn), h("span", { class: "unseen" }, `${score} of 5`));
}

/** A moment near now, as short as it can be told. */
export function soon(iso) {
  const when = new Date(iso);
  return when.toDateString() === new Date().toDateString() ? CLOCK.format(when) : DAY_CLOCK.format(when);
}

/** How long ago, in as few letters as a list has room for: `now`, `5m`, `3h`, `2d`, `4 Mar`. */
export function brief(iso, now = Date.now()) {
  const minutes = Math.floor((now - new Date(iso)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h`;
  if (minutes < 10_080) return `${Math.floor(minutes / 1_440)}d`;
  return SHORT_DATE.format(new Date(iso));
}

export const clock = (iso) => CLOCK.format(new Date(iso));

export function sizeOf(bytes) {
  const step = bytes < 1_000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1_000 ** step).toPrecision(3))} ${SIZES[step]}`;
}

/** The browser and system in a user agent, as people call them. */
export function browserOf(userAgent) {
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]]
    .find(([mark]) => userAgent.includes(mark))?.[1];
  const system = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]]
    .find(([mark]) => userAgent.includes(mark))?.[1];
  return [browser, system].filter(Boolean).join(" on ") || userAgent.slice(0, 60);
}

const METHODS = {
  manual: "Assigned by hand", round_robin: "Round robin", least_busy: "Least busy", reassigned: "Reassigned", answered: "Took it by answering",
};

/** How an assignee was chosen, in words. */
export const methodWords = (method) => METHODS[method] ?? sentence(method ?? "");

export function sentence(text) {
  const plain = String(text).replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
