// A table over a connection of the graph, page by page.

import { button, fill, h, icon } from "./dom.js";
import { number } from "./format.js";

const SIZE = 25;

/** A card with a table and its pages, loaded. The cursor is kept in the page's address.
 *
 * `load({first, after, last, before})` gives a connection; `columns` are {label, cell, look, head} where `cell(row)`
 * gives what is shown; `empty()` what is shown instead of an empty table; `noun(count)` says what is counted. */
export async function pagedTable({ page, caption, columns, load, empty, noun }) {
  const table = new PagedTable(page, caption, columns, load, empty, noun);
  await table.read();
  return table;
}

class PagedTable {
  #loading = 0;

  constructor(page, caption, columns, load, empty, noun) {
    Object.assign(this, { page, caption, columns, load, empty, noun });
    this.element = h("section", { class: "card flush", "aria-label": caption });
    this.count = h("span", { role: "status" });
  }

  /** Loads the rows again, and says so where that does not work. */
  async reload() {
    try {
      await this.read();
    } catch (failure) {
      if (!this.page.signal.aborted) this.#fail(failure);
    }
  }

  /** Loads the rows that the address names. An answer that comes after a later question is dropped. */
  async read() {
    const turn = (this.#loading += 1);
    this.element.setAttribute("aria-busy", "true");
    const { after, before } = Object.fromEntries(this.page.query);
    const slice = before ? { last: SIZE, before } : { first: SIZE, after: after || null };
    try {
      const connection = await this.load(slice);
      if (turn === this.#loading) this.#show(connection);
    } finally {
      if (turn === this.#loading) this.element.removeAttribute("aria-busy");
    }
  }

  /** Goes back to the first page with other filters in the address. */
  async refilter(filters) {
    this.page.note({ ...filters, after: null, before: null });
    await this.reload();
  }

  #show({ nodes, pageInfo, totalCount }) {
    fill(this.count, `${number(totalCount)} ${this.noun(totalCount)}`);
    const rows = nodes.length ? this.#table(nodes) : h("div", { class: "empty" }, this.empty());
    fill(this.element, rows, h("footer", { class: "foot" }, this.count, this.#steps(pageInfo)));
  }

  #fail(failure) {
    fill(this.element, h("div", { class: "empty" },
      h("p", { class: "callout bad", role: "alert" }, failure.message), button("Try again", () => this.reload(), "slight")));
  }

  #table(nodes) {
    const heads = this.columns.map(({ label, look, hidden }) =>
      h("th", { scope: "col", class: look }, hidden ? h("span", { class: "unseen" }, label) : label));
    const body = nodes.map((row) => h("tr", null, this.columns.map(({ cell, look, head }) =>
      h(head ? "th" : "td", { class: look, scope: head ? "row" : null }, cell(row)))));
    return h("div", { class: "table", role: "region", "aria-label": this.caption, tabindex: "0" },
      h("table", null, h("caption", { class: "unseen" }, this.caption),
        h("thead", null, h("tr", null, heads)), h("tbody", null, body)));
  }

  #steps({ hasPreviousPage, hasNextPage, startCursor, endCursor }) {
    if (!hasPreviousPage && !hasNextPage) return null;
    const step = (label, allowed, query, sign) => {
      const move = () => allowed && this.#step(query, label);
      return button([sign === "back" && icon("back"), label, sign === "next" && icon("next")], move, "slight",
        { "aria-disabled": allowed ? null : "true", "data-step": label });
    };
    return h("div", { class: "actions" },
      step("Previous", hasPreviousPage, { before: startCursor, after: null }, "back"),
      step("Next", hasNextPage, { after: endCursor, before: null }, "next"));
  }

  async #step(query, label) {
    this.page.note(query, { asStep: true });
    await this.reload();
    this.element.scrollIntoView({ block: "nearest" });
    this.element.querySelector(`[data-step="${label}"]`)?.focus({ preventScroll: true });
  }
}
