// How moments, numbers and people are written.

import { h } from "./dom.js";

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const EXACT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "long" });
const NUMBER = new Intl.NumberFormat();
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

export const number = (value) => NUMBER.format(value);
export const dayOf = (iso) => DAY.format(new Date(iso));

/** How long ago a moment was, or how long until it comes. */
export function ago(iso, now = Date.now()) {
  let distance = (new Date(iso).getTime() - now) / 1000;
  if (Math.abs(distance) < 5) return "just now";
  for (const [unit, many] of STEPS) {
    if (Math.abs(distance) < many) return AGO.format(Math.trunc(distance), unit);
    distance /= many;
  }
  return DATE.format(new Date(iso));
}

/** A moment as people say it (`ago`, `date`, `clock`, or `exact` with its timezone); the exact one is its tooltip. */
export function moment(iso, style = "ago") {
  const when = new Date(iso);
  const text = { ago: () => ago(iso), date: () => DATE.format(when), clock: () => CLOCK.format(when), exact: () => EXACT.format(when) }[style]();
  const following = style === "ago" ? { "data-ago": true } : {};
  return h("time", { datetime: iso, title: DATE_TIME.format(when), ...following }, text);
}

/** Keeps every "… minutes ago" on the page true. */
export function keepTimesTrue() {
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = ago(time.dateTime);
      if (time.textContent !== text) time.textContent = text;
    }
  }, 20_000);
}

/** `EXTERNAL_ID` as words: "External id". */
export function words(name) {
  const text = name.toLowerCase().replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a customer is called: by the attributes that usually hold a name, else by the best name we have. */
export function personName(customer) {
  const { first_name: first, last_name: last, name } = customer.attributes ?? {};
  const full = [first, last].filter((part) => typeof part === "string" && part.trim()).join(" ");
  const called = full || (typeof name === "string" && name.trim());
  return called || customer.email || customer.externalId || customer.phone || "Unnamed customer";
}

/** A round sign with initials; its colour is always the same for the same id. */
export function avatar(name, id, large = false) {
  const letters = name.split("@")[0].split(/[\s._-]+/u).filter(Boolean);
  const initials = [letters[0], letters.length > 1 ? letters.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  const shown = initials.join("").toLocaleUpperCase();
  return h("span", { class: `avatar tinted hue-${hue(id)}${large ? " large" : ""}`, "aria-hidden": "true" }, shown);
}

/** One of eight colours, always the same for the same text (FNV-1a, begun so that common event names differ). */
export function hue(text) {
  let hash = 9;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 16_777_619);
  return (hash >>> 16) % 8;
}

/** A JSON value on one line. */
export function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A list of names and values, as `dt` and `dd`. Values may be elements. */
export function pairs(entries, look = "pairs") {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: look }, shown.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}
