// How a widget will look, drawn while it is being made.

import { fill, h, icon } from "../dom.js";

export const WORDS = {
  title: "Hi there",
  greeting: "How can we help?",
  start: "Send us a message",
  start_note: "We usually answer within minutes",
  placeholder: "Write a message…",
  away_note: "Leave us a message. We answer here as soon as we are back.",
};
const COLOR = /^#[0-9a-f]{6}$/i;
const FROM_THE_RIGHT = /^(ar|fa|he|ur)\b/;

/** Shows settings, in one of their languages. */
export class Preview {
  constructor() {
    this.element = h("div", { class: "mini", "aria-hidden": "true" });
  }

  show(settings, language) {
    const { texts, default_language: main } = settings;
    const say = (name) => texts[language]?.[name] || texts[main]?.[name] || WORDS[name];
    paint(this.element, settings);
    Object.assign(this.element.dataset, { side: settings.position, theme: settings.theme });
    this.element.dir = FROM_THE_RIGHT.test(language) ? "rtl" : "ltr";
    fill(this.element,
      h("div", { class: "mini-window" },
        h("div", { class: "mini-head" }, h("strong", null, say("title")), h("span", null, say("greeting"))),
        h("div", { class: "mini-card" }, h("strong", null, say("start")), h("span", null, say("start_note"))),
        h("div", { class: "mini-lines" }, h("span", { class: "in" }, "Do you ship to Norway?"), h("span", { class: "out" }, "We do! Parcels leave on Tuesdays and Fridays.")),
        h("div", { class: "mini-foot" }, say("placeholder"), icon("send"))),
      h("div", { class: "mini-launcher" }, icon("widget")));
  }
}

/** The colours of a widget as a small sign. */
export function swatch(settings) {
  const sign = h("span", { class: "swatch", "aria-hidden": "true" }, icon("widget"));
  paint(sign, settings);
  return sign;
}

function paint(element, { colors }) {
  const accent = COLOR.test(colors?.accent ?? "") ? colors.accent : "#2563eb";
  element.style.setProperty("--widget", accent);
  element.style.setProperty("--on-widget", readableOn(accent));
}

/** Black or white, whichever is read more easily on a colour (WCAG 2.2). */
export function readableOn(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
}
