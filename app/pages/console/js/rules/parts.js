// The small controls of the rule builder. Each has an `element` and `read(path, issues)`, which gives its JSON and adds
// {field, message} for what cannot even be asked of the server.

import { button, fill, h, newId } from "../dom.js";
import { ASKED, OPERATORS, UNITS, wayOf, wayText } from "./words.js";

/** An input under a label that is heard but not seen; what stands around it tells the others. */
export function labelled(label, input) {
  input.id = newId("part");
  return h("span", { class: "part" }, h("label", { class: "unseen", for: input.id }, label), input);
}

export function choice(label, options, value, onchange = null) {
  const select = h("select", { class: "input", onchange: onchange && (() => onchange(select.value)) },
    options.map(([key, words]) => h("option", { value: key, selected: key === value }, words)));
  return { element: labelled(label, select), read: () => select.value };
}

export function text(label, value = "", own = {}) {
  const input = h("input", { class: "input", type: "text", autocomplete: "off", spellcheck: "false", value, ...own });
  return { element: labelled(label, input), read: () => input.value };
}

function numeric(label, value) {
  const input = h("input", { class: "input figure-input", type: "number", step: "any", value });
  const read = (path, issues) => {
    if (input.value === "" || Number.isNaN(input.valueAsNumber)) issues.push({ field: path, message: "Must be a number." });
    return input.valueAsNumber;
  };
  return { element: labelled(label, input), read };
}

const TYPES = [["text", "text"], ["number", "number"], ["boolean", "yes or no"]];
const BOOLEANS = { true: true, false: false };

function typed(word, type, path, issues) {
  if (type === "text") return word;
  const value = type === "number" ? Number(word) : BOOLEANS[word.trim().toLowerCase()];
  if (type === "number" && (word.trim() === "" || !Number.isFinite(value))) issues.push({ field: path, message: "Must be a number." });
  if (value === undefined) issues.push({ field: path, message: "Must be true or false." });
  return value;
}

/** One value, or one on each line, of a type that is chosen unless `only` names it. */
function values(many, given, only) {
  const begun = many ? given?.[0] : given;
  const type = only ? null : choice("Type", TYPES, begun === undefined ? "text" : typeof begun === "string" ? "text" : typeof begun);
  const shown = many ? (given ?? []).join("\n") : given ?? "";
  const input = many
    ? h("textarea", { class: "input", rows: "3", placeholder: "One on each line", spellcheck: "false" }, shown)
    : h("input", { class: "input", type: "text", autocomplete: "off", spellcheck: "false", value: String(shown) });
  const read = (path, issues) => {
    const kind = only ?? type.read();
    if (!many) return typed(input.value, kind, path, issues);
    const lines = input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    return lines.map((line, place) => typed(line, kind, `${path}.${place}`, issues));
  };
  return { element: h("span", { class: "parts" }, labelled(many ? "Values, one on each line" : "Value", input), type?.element), read };
}

function range(given) {
  const [low, high] = ["From", "To"].map((label, place) => numeric(label, given?.[place] ?? ""));
  return {
    element: h("span", { class: "parts" }, low.element, h("span", { class: "quiet" }, "and"), high.element),
    read: (path, issues) => [low.read(`${path}.0`, issues), high.read(`${path}.1`, issues)],
  };
}

/** A length of time. */
export function span(given) {
  const [[unit, amount]] = Object.entries(given ?? { days: 30 });
  const [count, units] = [numeric("How many", amount), choice("Unit", UNITS, unit)];
  return {
    element: h("span", { class: "parts" }, count.element, units.element),
    read: (path, issues) => ({ [units.read()]: count.read(`${path}.${units.read()}`, issues) }),
  };
}

function days(given) {
  const count = numeric("Days", given?.days ?? 7);
  return { element: count.element, read: (path, issues) => ({ days: count.read(`${path}.days`, issues) }) };
}

function flag(given) {
  const chosen = choice("Whether", [["true", "yes"], ["false", "no"]], String(given ?? true));
  return { element: chosen.element, read: () => chosen.read() === "true" };
}

export const moment = (label, given) =>
  text(label, given ?? "", { placeholder: "2026-03-01 or 2026-03-01T10:00Z", class: "input moment-input" });

const OPERANDS = {
  value: (given, only) => (only === "number" ? numeric("Number", given ?? "") : values(false, given, only)),
  values: (given, only) => values(true, given, only),
  text: (given) => text("Text", given),
  number: (given) => numeric("Number", given ?? ""),
  range,
  flag,
  moment: (given) => moment("Date or moment", given),
  span,
  days,
};

/** What is asked of a value: an operator and its operand. `asked` is a key of ASKED; `given` a test's JSON. */
export function test(asked, given = null) {
  const { operators, only } = ASKED[asked];
  const [[first, operand]] = Object.entries(given ?? { [operators[0]]: undefined });
  const holder = h("span", { class: "parts" });
  let part;
  const show = (operator, value) => {
    part = OPERANDS[OPERATORS[operator][1]](value, only);
    fill(holder, part.element);
  };
  const operator = choice("Operator", operators.map((name) => [name, OPERATORS[name][0]]), first, (name) => show(name));
  show(first, operand);
  return {
    element: h("span", { class: "parts" }, operator.element, holder),
    read: (path, issues) => ({ [operator.read()]: part.read(`${path}.${operator.read()}`, issues) }),
  };
}

/** A test that may be left out. */
export function optional(label, asked, given) {
  const holder = h("span", { class: "parts" });
  let part = null;
  const show = (wanted, value) => {
    part = wanted ? test(asked, value) : null;
    fill(holder, part?.element);
  };
  const chosen = choice(label, [["", `any ${label.toLowerCase()}`], ["asked", label.toLowerCase()]], given ? "asked" : "", (word) => show(word));
  show(Boolean(given), given);
  return {
    element: h("span", { class: "parts" }, chosen.element, holder),
    read: (path, issues) => part?.read(path, issues) ?? null,
  };
}

/** The way to a value: `key` is name or property. */
export function way(label, key, given = {}) {
  const names = given.path ?? (given[key] === undefined ? [""] : [given[key]]);
  const input = text(label, wayText(names), { placeholder: label.toLowerCase() });
  return {
    element: input.element,
    read: () => {
      const found = wayOf(input.read());
      return found.length === 1 ? { [key]: found[0] } : { path: found };
    },
  };
}

/** A button that takes something away; what it stood for is in its name. */
export function remover(label, onclick) {
  return button("×", onclick, "bare slight remover", { "aria-label": label, title: label });
}
