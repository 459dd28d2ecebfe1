// Short messages that are seen in the corner and heard by screen readers without taking the focus.

import { h } from "./dom.js";

const SHOWN_MS = 6_000;

/** Says something to everybody, once. */
export function announce(text) {
  const notice = h("p", { class: "notice" }, text);
  document.getElementById("notices").append(notice);
  setTimeout(() => notice.remove(), SHOWN_MS);
}
