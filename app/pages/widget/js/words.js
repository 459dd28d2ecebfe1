// What the widget says: the site's own words first, then ours in the visitor's language, then English.

import { EN } from "./english.js";
import { serverAddress } from "./graph.js";
import { recall, remember } from "./storage.js";

const WRITTEN = ["ar", "de", "es", "fr"];
const FROM_THE_RIGHT = ["ar", "fa", "he", "ur", "ps", "sd", "yi", "dv"];
let locale = "en";
let layers = [EN];
let known = true;

/** Chooses the words of a language (a BCP 47 tag); `texts` are the site's own. Returns once they are here. */
export async function useWords(language, texts = {}) {
  const [short] = language.toLowerCase().split("-");
  const isOurs = short === "en" || WRITTEN.includes(short);
  const words = isOurs && short !== "en" ? await ours(short) : {};
  locale = language;
  known = isOurs || Object.keys(texts).length > 0;
  layers = [texts, words, EN];
}

/** Our own words, kept in the browser as they were the last time when they cannot be had. */
async function ours(language) {
  const kept = recall("words") || {};
  try {
    const answer = await fetch(serverAddress(`/widget/words/${language}.json`), { credentials: "omit" });
    const words = await answer.json();
    remember("words", { language, words });
    return words;
  } catch {
    return kept.language === language ? kept.words : {};
  }
}

export function currentLocale() {
  return locale;
}

export function direction() {
  return known && FROM_THE_RIGHT.includes(locale.toLowerCase().split("-")[0]) ? "rtl" : "ltr";
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
  const written = new Intl.NumberFormat(locale, { maximumFractionDigits: amount < 10 && power ? 1 : 0 }).format(amount);
  return `${written} ${["B", "kB", "MB"][power]}`;
}
