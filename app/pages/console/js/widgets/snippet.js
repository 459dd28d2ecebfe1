// What is put into a page so that a widget stands on it.

import { button, h, newId } from "../dom.js";
import { announce } from "../notices.js";

const SERVER = new URL("..", document.baseURI).href.replace(/\/$/, "");

/** The line for a page's source. */
export const embedding = (key) => `<script async src="${SERVER}/widget.js" data-widget-key="${key}"></script>`;

/** A text that is taken along with one click. */
export function copyable(label, text, { rows = 1 } = {}) {
  const id = newId("copy");
  const own = { id, class: "input", readonly: true, spellcheck: "false" };
  const holder = rows > 1 ? h("textarea", { ...own, rows }) : h("input", own);
  holder.value = text;
  const copy = () => navigator.clipboard.writeText(text).then(() => announce("Copied."), () => {
    holder.select();
    announce("The browser does not let us copy. The text is marked: copy it yourself.");
  });
  return h("div", { class: "field whole-width" }, h("label", { for: id, class: "small" }, label),
    h("div", { class: "copy" }, holder, button("Copy", copy, "slight")));
}
