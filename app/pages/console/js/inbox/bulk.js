// What can be done with the conversations that are picked, all of them or none.

import { button, fill, h, icon } from "../dom.js";

export class BulkBar {
  #ids = [];

  constructor({ work, onNone, onAll }) {
    const act = (label, sign, run) => button(icon(sign), ({ currentTarget }) => run(currentTarget, this.#ids), "bare slight",
      { "aria-label": `${label} the picked`, title: label });
    this.count = h("span", { class: "strong small", role: "status" });
    const done = async (changed) => (await changed) && onNone();
    this.element = h("div", { class: "bulk", role: "toolbar", "aria-label": "Picked conversations", hidden: true },
      h("div", null, this.count, button("All", onAll, "bare slight"),
        button(icon("close"), onNone, "bare slight", { "aria-label": "Pick none", title: "Pick none" })),
      h("div", null,
        act("Assign", "person", (anchor, ids) => work.assign(anchor, ids)),
        act("Snooze", "clock", (anchor, ids) => work.snooze(anchor, ids)),
        act("Tag", "tag", (anchor, ids) => work.tag(anchor, ids)),
        act("Prioritise", "flag", (anchor, ids) => work.prioritise(anchor, ids)),
        act("Close", "check", (anchor, ids) => done(work.close(ids)))));
  }

  show(ids) {
    this.#ids = ids;
    this.element.hidden = ids.length === 0;
    fill(this.count, `${ids.length} picked`);
  }
}
