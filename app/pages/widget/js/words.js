// What the widget says: the site's own words first, then ours, in the visitor's language or the nearest one known.

import { AR } from "./texts/ar.js";
import { DE } from "./texts/de.js";
import { EN } from "./texts/en.js";
import { ES } from "./texts/es.js";
import { FR } from "./texts/fr.js";

const OURS = { en: EN, de: DE, fr: FR, es: ES, ar: AR };
const FROM_THE_RIGHT = ["ar", "fa", "he", "ur", "ps", "sd", "yi", "dv"];
let locale = "en";
let layers = [EN];
let known = true;

/** Chooses the words of a language (a BCP 47 tag); `texts` are the site's own. */
export function useWords(language, texts = {}) {
  const ours = narrowing(language).map((tag) => OURS[tag]).filter(Boolean);
  locale = language;
  known = ours.length > 0 || Object.keys(texts).length > 0;
  layers = [texts, ...ours, EN];
}

export function currentLocale() {
  return locale;
}

export function direction() {
  return known && FROM_THE_RIGHT.includes(narrowing(locale).pop()) ? "rtl" : "ltr";
}

/** The words of this name, with values in them; `otherwise` where there are none. */
export function say(name, values = {}, otherwise = "") {
  const found = layers.find((layer) => layer[name]);
  const text = found ? found[name] : otherwise;
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

/** A moment as people say it; options as for Intl.DateTimeFormat. */
export function moment(iso, options) {
  const date = new Date(iso);
  try {
    return new Intl.DateTimeFormat(locale, options).format(date);
  } catch {
    return new Intl.DateTimeFormat("en", options).format(date);
  }
}

export function clockTime(iso) {
  return moment(iso, { hour: "numeric", minute: "2-digit" });
}

/** Today, yesterday, or the date. */
export function dayOf(iso) {
  const days = (date) => Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()) / 864e5);
  const ago = days(new Date()) - days(new Date(iso));
  if (ago === 0) return say("today");
  if (ago === 1) return say("yesterday");
  return moment(iso, { weekday: "short", day: "numeric", month: "short" });
}

/** The clock if it was today, else the day. */
export function shortly(iso) {
  return dayOf(iso) === say("today") ? clockTime(iso) : dayOf(iso);
}

/** A number of bytes in the unit that suits it. */
export function bytes(number) {
  const power = Math.min(2, Math.floor(Math.log2(Math.max(number, 1)) / 10));
  const amount = number / 1024 ** power;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: amount < 10 && power ? 1 : 0 }).format(amount)} ${["B", "kB", "MB"][power]}`;
}

/** From the tag to ever shorter ones: de-AT, de. */
function narrowing(tag) {
  const parts = tag.toLowerCase().split("-");
  return parts.map((_, place) => parts.slice(0, parts.length - place).join("-"));
}
