// Things of one kind that are few: all of them in one table, made, changed and deleted by dialogs.

import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { button, fill, h, icon } from "../dom.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";

/** A card with the things.
 *
 * `load()` gives them; `columns` are {label, cell, look}, the first one names the thing; `called(thing)` is its name;
 * `fields(thing or null)` are those of its dialog; `save(values, thing or null)` gives [document, input], or does
 * the rest itself and gives null; `remove(thing)` gives [document, input]; `loss` says what deleting does; `more(thing, reload)`
 * are further buttons. Who lacks `scope` only reads. */
export class Shelf {
  constructor(page, about) {
    Object.assign(this, { page, about });
    this.mayChange = may(about.scope);
    this.body = h("div");
    const add = this.mayChange && about.fields && button([icon("plus"), about.add], () => this.#edit(null), "primary slight");
    this.element = h("section", { class: "card flush shelf", "aria-label": about.title },
      h("div", { class: "split" }, h("div", null, h("h2", null, about.title), h("p", { class: "quiet small" }, about.sentence)), add), this.body);
  }

  async load() {
    const things = await this.about.load();
    fill(this.body, things.length ? this.#table(things) : h("div", { class: "empty" }, h("p", null, this.about.empty)));
    return this;
  }

  /** Loads again behind what is done meanwhile. */
  async reload() {
    try {
      await this.load();
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #table(things) {
    const { title, columns } = this.about;
    const heads = [...columns.map(({ label, look }) => h("th", { scope: "col", class: look }, label)),
      h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions"))];
    const rows = things.map((thing) => h("tr", null, columns.map(({ cell, look }, place) =>
      h(place ? "td" : "th", { class: look, scope: place ? null : "row" }, cell(thing))), h("td", { class: "end" }, this.#actions(thing))));
    return h("div", { class: "table", role: "region", "aria-label": title, tabindex: "0" },
      h("table", null, h("caption", { class: "unseen" }, title), h("thead", null, h("tr", null, heads)), h("tbody", null, rows)));
  }

  #actions(thing) {
    const { about } = this;
    const name = about.called(thing);
    const reload = () => this.reload();
    return h("div", { class: "actions" }, about.more?.(thing, reload),
      this.mayChange && about.fields && about.changes !== false && button("Change", () => this.#edit(thing), "slight", { "aria-label": `Change ${name}` }),
      this.mayChange && about.remove && button(about.removes ?? "Delete", () => this.#remove(thing), "slight danger", { "aria-label": `${about.removes ?? "Delete"} ${name}` }));
  }

  #edit(thing) {
    const { about } = this;
    formDialog({
      title: thing ? `Change ${about.called(thing)}` : about.add,
      text: about.note ?? null,
      submit: thing ? "Save changes" : about.verb ?? "Add",
      broad: about.broad,
      fields: about.fields(thing),
      action: async (values) => {
        const done = await about.save(values, thing);
        if (!done) return;
        await ask(...done);
        announce("Saved.");
        await this.load();
      },
    });
  }

  #remove(thing) {
    const { about } = this;
    confirmDialog({
      title: `${about.removes ?? "Delete"} ${about.called(thing)}?`,
      text: about.loss,
      submit: about.removes ?? "Delete",
      action: async () => {
        await ask(...about.remove(thing));
        await this.load();
      },
    });
  }
}
