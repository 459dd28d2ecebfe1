// Small ways from page to page.

import { h, icon } from "../dom.js";

/** The way back to the list that a page belongs to. */
export function wayBack(path, label) {
  return h("a", { class: "back", href: `#${path}` }, icon("back"), label);
}
