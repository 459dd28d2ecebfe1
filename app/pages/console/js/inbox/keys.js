// Shortcuts of one key. They act only where nobody is writing, and can be switched off.

import { button, h } from "../dom.js";
import { openDialog } from "../dialogs.js";

const STORED = "rapport.shortcuts";
const TOLD = [
  ["In the list", [["J", "Next conversation"], ["K", "Previous conversation"], ["Enter", "Open it"], ["X", "Pick it for bulk work"], ["/", "Search"]]],
  ["In a conversation", [["R", "Answer"], ["N", "Write a note"], ["E", "Close, or open again"], ["A", "Assign"], ["S", "Snooze"], ["T", "Tags"], ["P", "Priority"], ["U", "Back to the list"]]],
  ["While writing", [["Enter", "Send"], ["Shift Enter", "New line"], ["/", "Ready answers"], ["Esc", "Leave the text"]]],
  ["Everywhere", [["?", "This list"]]],
];

const switchedOn = () => localStorage.getItem(STORED) !== "off";

/** Listens until the signal ends. `does` are functions by key. */
export function listen(does, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { target } = event;
    if (event.key === "Escape" && target.matches?.(".composer textarea, .queue-search input")) {
      does.Escape();
      event.preventDefault();
      return;
    }
    if (document.querySelector("dialog[open], .menu:popover-open")) return;
    if (target.isContentEditable || target.matches?.("input:not([type=checkbox]), textarea, select")) return;
    const act = does[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.key === "Escape" || !switchedOn() && event.key !== "?") return;
    event.preventDefault();
    act();
  }, { signal });
}

/** Tells what the keys do. */
export function showKeys() {
  const box = h("input", { type: "checkbox", checked: switchedOn(), onchange: () => localStorage.setItem(STORED, box.checked ? "on" : "off") });
  const close = openDialog({ title: "Shortcuts", broad: true, body: [
    h("div", { class: "key-lists" }, TOLD.map(([title, keys]) => h("section", null, h("h3", null, title),
      h("dl", null, keys.map(([key, what]) => h("div", null, h("dt", null, key.split(" ").map((one) => h("kbd", null, one))), h("dd", null, what))))))),
    h("div", { class: "split" }, h("label", { class: "choice" }, box, h("span", null, "Shortcuts of one key are on")),
      button("Close", () => close(), "", { "data-autofocus": true })),
  ] });
}
