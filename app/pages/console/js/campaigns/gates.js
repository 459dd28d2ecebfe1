// The gates that a message goes through, in their order: what each went by, and what it said.

import { h } from "../dom.js";
import { plain, words } from "../format.js";
import { GATES, VERDICTS } from "./words.js";

/** A list of {gate, verdict, value, detail}. */
export function gateList(gates) {
  return h("ol", { class: "verdicts" }, gates.map(({ gate, verdict, value, detail }) => {
    const [said, sign] = VERDICTS[verdict.toLowerCase()];
    return h("li", { "data-verdict": verdict.toLowerCase() }, h("div", { class: "verdict" }, h("span", { class: "sign", "aria-hidden": "true" }, sign),
      h("div", null, h("span", { class: "strong" }, GATES[gate] ?? words(gate), h("span", { class: "unseen" }, `: ${said}`)), detail && h("span", null, detail),
        h("span", { class: "small quiet" }, evidence(value)))));
  }));
}

function evidence(value) {
  const known = Object.entries(value ?? {}).filter(([, one]) => one !== null && one !== "" && one !== 0 && !(Array.isArray(one) && !one.length));
  return known.map(([name, one]) => `${words(name)}: ${plain(one)}`).join(" · ");
}
