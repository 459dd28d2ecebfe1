// How many a campaign would reach, gate by gate, before anything is made.

import { h } from "../dom.js";
import { number } from "../format.js";
import { channelWords } from "./words.js";

const STOPS = [["noAddress", "No address"], ["suppressed", "Suppressed"], ["notConsenting", "Do not want it"], ["capped", "Had enough messages"]];

/** The estimate as lines with bars; every channel has its own. */
export function estimated({ targeted, excluded, control, channels }) {
  const everybody = targeted + excluded;
  const line = (label, count, look, whole = targeted) => h("li", { class: look }, h("span", null, label), h("span", { class: "tally" }, number(count)),
    h("span", { class: "share-bar", "aria-hidden": "true" }, bar(count, whole)));
  return h("div", { class: "stack" },
    h("p", { class: "found" }, h("strong", null, number(targeted)), targeted === 1 ? " person is in it" : " people are in it"),
    h("ul", { class: "gates" }, excluded > 0 && line("Left out besides", excluded, "stopped", everybody), control > 0 && line("Control group, who get nothing", control, "stopped")),
    channels.map((one) => h("div", null, h("h3", null, channelWords(one.channel)), h("ul", { class: "gates" },
      STOPS.filter(([gate]) => one[gate] > 0).map(([gate, label]) => line(label, one[gate], "stopped")), line("Are reached", one.reachable, "reached")))));
}

/** How many people get something over any channel, at most: what a launch is about. */
export const reached = ({ channels }) => Math.max(0, ...channels.map(({ reachable }) => reachable));

function bar(count, whole) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 100 4");
  picture.setAttribute("preserveAspectRatio", "none");
  const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  part.setAttribute("width", whole ? Math.min(100, (100 * count) / whole) : 0);
  part.setAttribute("height", 4);
  picture.append(part);
  return picture;
}
