// Small things that several screens show.

import { hueOf } from "./colours.js";
import { h, icon } from "./dom.js";
import { session } from "./session.js";
import { moment, say } from "./words.js";

/** A round with somebody's initial; without a name, with the widget's sign. */
export function face(name) {
  if (!name) return h("span", { class: "face team", "aria-hidden": "true" }, icon("chat"));
  const element = h("span", { class: "face", "aria-hidden": "true" }, [...name.trim()][0].toUpperCase());
  element.style.setProperty("--hue", hueOf(name));
  return element;
}

/** What agents are called to this visitor. */
export function agentName(name) {
  return (session.settings.show_agents && name) || "";
}

/** Whether somebody answers, in words. */
export function presence() {
  if (session.isOpen) return say("online");
  return session.opensAt ? `${say("away")}. ${back()}` : say("away");
}

/** When somebody will be back. */
export function back() {
  const soon = Date.parse(session.opensAt) - Date.now() < 6 * 864e5;
  const day = soon ? { weekday: "long" } : { day: "numeric", month: "long" };
  const isToday = new Date(session.opensAt).toDateString() === new Date().toDateString();
  return say("opens", {
    when: moment(session.opensAt, { ...(isToday ? {} : day), hour: "numeric", minute: "2-digit" }),
  });
}
