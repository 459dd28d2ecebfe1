// Forms over mutations: what the graph refuses is shown at the field it names, and said.

import { button, fill, h, newId } from "./dom.js";
import { GraphError } from "./wire.js";

/** A labelled input. `options` ([value, label] pairs) makes it a select, `lines` a text of so many lines; other
 * properties are the input's own. */
export function field({ name, label, hint = null, options = null, lines = 0, autofocus = false, ...own }) {
  const id = newId(name.replaceAll(".", "-"));
  const properties = { id, name, class: "input", "data-autofocus": autofocus, ...own };
  if (hint) properties["aria-describedby"] = `${id}-hint`;
  const input = options ? select(properties, options) : lines ? area(properties, lines) : h("input", properties);
  return h("div", { class: "field", "data-field": name },
    h("label", { for: id }, label), input, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}

/** One checkbox. Its value is "on", or nothing. */
export function tick({ name, label, hint = null, checked = false, ...own }) {
  return h("div", { class: "field", "data-field": name }, h("label", { class: "choice" },
    h("input", { type: "checkbox", id: newId("tick"), name, checked, ...own }), h("span", null, label, hint && h("small", { class: "hint" }, hint))));
}

/** A group of checkboxes of one name. `choices` are [value, label, hint]. */
export function checkboxes({ name, legend, choices, checked }) {
  const boxes = choices.map(([value, label, hint]) => h("label", { class: "choice" },
    h("input", { type: "checkbox", name, value, checked: checked.has(value) }),
    h("span", null, label, hint && h("small", { class: "hint" }, hint))));
  const all = button("Select all", () => set(true), "bare slight");
  const none = button("Select none", () => set(false), "bare slight");
  const group = h("fieldset", { "data-field": name }, h("legend", { class: "unseen" }, legend),
    h("div", { class: "split" }, h("span", { class: "strong small", "aria-hidden": "true" }, legend),
      h("div", { class: "actions" }, all, none)),
    h("div", { class: "choices" }, boxes));
  const set = (state) => group.querySelectorAll("input").forEach((box) => (box.checked = state));
  return group;
}

/** A form whose `action` gets the values and may throw a GraphError. `extra` stands beside the submit button. */
export function form({ fields, submit, action, look = "primary", whole = false, extra = [] }) {
  const problem = h("p", { class: "callout bad", role: "alert" });
  const send = h("button", { type: "submit", class: `button ${look}${whole ? " whole" : ""}` }, submit);
  let busy = false;
  const onsubmit = async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    send.setAttribute("aria-disabled", "true");
    clear(element, problem);
    try {
      await action(values(element));
    } catch (error) {
      if (error instanceof GraphError) show(element, problem, error);
      else if (error?.name !== "AbortError") throw error; // Whoever has left the page is told nothing.
    } finally {
      busy = false;
      send.removeAttribute("aria-disabled");
    }
  };
  const element = h("form", { class: "fields", novalidate: true, onsubmit }, problem, fields,
    h("div", { class: whole ? "field" : "decide" }, extra, send));
  return element;
}

/** The values by name. Checkboxes of one name are a list; what was left empty is an empty text. */
function values(element) {
  const found = Object.fromEntries(new FormData(element));
  for (const group of element.querySelectorAll("fieldset[data-field]")) {
    found[group.dataset.field] = [...group.querySelectorAll("input:checked")].map((box) => box.value);
  }
  return found;
}

function clear(element, problem) {
  fill(problem);
  element.querySelectorAll(".wrong").forEach((note) => note.remove());
  for (const input of element.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    describe(input, `${input.id}-hint`);
  }
}

function show(element, problem, error) {
  const others = error.issues.filter((issue) => !placed(element, issue));
  const first = element.querySelector("[aria-invalid]");
  if (!error.issues.length || others.length) fill(problem, error.issues.length ? others[0].message : error.message);
  else fill(problem, h("span", { class: "unseen" }, `Please correct: ${error.message}`));
  problem.classList.toggle("unseen", Boolean(error.issues.length && !others.length));
  // Who has pressed the button below a long form would not see what is said above it.
  if (!problem.classList.contains("unseen")) problem.scrollIntoView({ block: "nearest" });
  first?.focus();
}

/** Puts an issue at its field. A field below one of ours (`scopes.0`) belongs to it. */
function placed(element, { field: name, message }) {
  const holder = [...element.querySelectorAll("[data-field]")].find(
    ({ dataset }) => name === dataset.field || name.startsWith(`${dataset.field}.`));
  if (!holder) return false;
  const note = h("p", { class: "wrong", id: newId("wrong") }, message);
  holder.append(note);
  const input = holder.querySelector("input, select, textarea");
  input.setAttribute("aria-invalid", "true");
  describe(input, note.id, `${input.id}-hint`);
  return true;
}

function describe(input, ...ids) {
  const there = ids.filter((id) => document.getElementById(id));
  if (there.length) input.setAttribute("aria-describedby", there.join(" "));
  else input.removeAttribute("aria-describedby");
}

function area({ value, ...properties }, rows) {
  return h("textarea", { rows, ...properties }, value ?? "");
}

function select({ value, ...properties }, options) {
  return h("select", properties, options.map(([key, label]) =>
    h("option", { value: key, selected: key === value }, label)));
}
