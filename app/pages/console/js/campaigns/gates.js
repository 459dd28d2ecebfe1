// The gates that a message goes through, in their order: what each went by, and what it said.

import { h } from "../dom.js";
import { moment, number, plain, words } from "../format.js";
import { GATES, VERDICTS } from "./words.js";

/** A list of {gate, verdict, value, detail}. */
export function gateList(gates) {
  return h("ol", { class: "verdicts" }, gates.map(({ gate, verdict, value, detail }) => {
    const [said, sign] = VERDICTS[verdict.toLowerCase()] ?? [words(verdict), "?"];
    return h("li", { "data-verdict": verdict.toLowerCase() }, h("div", { class: "verdict" }, h("span", { class: "sign", "aria-hidden": "true" }, sign),
      h("div", null, h("span", { class: "strong" }, GATES[gate] ?? words(gate), h("span", { class: "unseen" }, `: ${said}`)), detail && h("span", null, detail),
        h("span", { class: "small quiet" }, evidence(value)))));
  }));
}

const NAMES = { window_s: "In", by_default: "Whoever said nothing is told", until: "Until", since: "Since", share: "Share of the control group", per_second: "Messages a second", sent: "Had so far",
  messages: "At most", topic_status: "Said of the topic", channel: "Channel" };
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;

/** What the gate went by: names and values, as people write them. */
function evidence(value) {
  const known = Object.entries(value ?? {}).filter(([, one]) => one !== null && one !== "" && one !== 0 && !(Array.isArray(one) && !one.length));
  return known.map(([name, one], place) => [place > 0 && " · ", `${NAMES[name] ?? words(name)}: `, shown(name, one)]);
}

function shown(name, value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string" && MOMENT.test(value)) return moment(value, "exact");
  if (name === "window_s") return lengthWords(value);
  if (name === "share") return PERCENT.format(value / 1000);
  return typeof value === "number" ? number(value) : plain(value);
}

const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const UNITS = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

function lengthWords(seconds) {
  const [length, unit] = UNITS.find(([one]) => seconds % one === 0);
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(seconds / length);
}
