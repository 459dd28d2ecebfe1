// A rule built by hand: groups of conditions, each condition a row of ordinary controls, so that a keyboard is enough.
//
// `read(path, issues)` gives a node's JSON and notes its place in the rule at its element; what the server says about
// that place is shown there.

import { button, fill, h, icon, newId } from "../dom.js";
import { choice, moment, optional, remover, span, test, text, way } from "./parts.js";
import { CHANNELS, CONSENTS, GROUPS, IDENTITIES, KINDS, MEASURES } from "./words.js";

/** A builder of rules. `rule` is the JSON to begin with; `segments` are [id, name] of those that may be asked for. */
export class RuleBuilder {
  constructor(rule, segments) {
    const leaf = (given) => new Condition(given, segments);
    this.root = new Group(rule ?? { and: [{ attribute: { name: "", is: { equals: "" } } }] }, leaf, { isRoot: true });
    this.element = h("div", { class: "rule", "data-place": "rule" }, this.root.element);
  }

  /** The rule as it stands, and what is wrong with it already: {rule, issues}. */
  read() {
    const issues = [];
    return { rule: this.root.read("rule", issues), issues };
  }

  /** Shows what is wrong at the condition whose path it carries. Gives what has no place here. */
  show(issues, { focus = false } = {}) {
    this.clear();
    const others = issues.filter((issue) => !this.#place(issue));
    if (focus) this.element.querySelector("[aria-invalid]")?.focus();
    return others;
  }

  clear() {
    this.element.querySelectorAll(".wrong").forEach((note) => note.remove());
    for (const input of this.element.querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  #place({ field, message }) {
    const places = [this.element, ...this.element.querySelectorAll("[data-place]")];
    const holding = places.filter(({ dataset: { place } }) => field === place || field.startsWith(`${place}.`));
    const holder = holding.sort((a, b) => a.dataset.place.length - b.dataset.place.length).at(-1);
    if (!holder) return false;
    const note = h("p", { class: "wrong", id: newId("wrong") }, message);
    holder.append(note);
    const input = [...holder.querySelectorAll("input, textarea")].find((one) => !one.value) ??
      holder.querySelector("input, textarea") ?? holder.querySelector("select");
    input?.setAttribute("aria-invalid", "true");
    input?.setAttribute("aria-describedby", note.id);
    return true;
  }
}

/** All, any, none or not all of what is in it. */
class Group {
  constructor(rule, leaf, { isRoot = false, onremove = null, noun = "condition" } = {}) {
    const [how, below] = opened(rule);
    this.leaf = leaf;
    this.noun = noun;
    this.nodes = [];
    this.list = h("ol", { class: "nodes" });
    this.how = choice(isRoot ? "Who belongs" : "Group", GROUPS, how);
    this.adder = button([icon("plus"), `Add ${noun}`], () => this.add(null, true), "slight");
    const group = button([icon("plus"), "Add group"], () => this.add({ or: [] }, true), "slight bare");
    this.element = h("div", { class: "group", role: "group", "aria-label": isRoot ? "Rule" : "Group of conditions" },
      h("div", { class: "split" }, this.how.element, onremove && remover("Remove group", onremove)),
      this.list, h("div", { class: "actions" }, this.adder, group));
    below.forEach((inner) => this.add(inner));
  }

  /** Adds a condition or a group; null is a new condition. */
  add(rule, isNew = false) {
    const onremove = () => this.remove(node);
    const isGroup = rule && (rule.and || rule.or || groupBelow(rule.not));
    const node = isGroup ? new Group(rule, this.leaf, { onremove, noun: this.noun }) : this.leaf(rule);
    if (isGroup && isNew) node.add(null);
    const item = h("li", null, node.element, !isGroup && remover(`Remove ${this.noun}`, onremove));
    Object.assign(node, { item });
    this.nodes.push(node);
    this.list.append(item);
    if (isNew) {
      (item.querySelector("[data-first]") ?? item).querySelector("select, input").focus();
      this.#changed();
    }
  }

  remove(node) {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    node.item.remove();
    this.adder.focus();
    this.#changed();
  }

  read(path, issues) {
    const how = this.how.read();
    const key = how === "all" || how === "notAll" ? "and" : "or";
    const isNot = how === "none" || how === "notAll";
    const at = isNot ? `${path}.not.${key}` : `${path}.${key}`;
    this.element.dataset.place = path;
    const group = { [key]: this.readAll(at, issues) };
    return isNot ? { not: group } : group;
  }

  readAll(path, issues) {
    return this.nodes.map((node, place) => node.read(`${path}.${place}`, issues));
  }

  #changed() {
    this.element.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

const groupBelow = (rule) => Boolean(rule && (rule.and || rule.or || rule.not));

/** How a rule is shown as a group: [all, any, none or notAll, what is in it]. */
function opened(rule) {
  if (rule.and) return ["all", rule.and];
  if (rule.or) return ["any", rule.or];
  if (rule.not?.or) return ["none", rule.not.or];
  if (rule.not?.and) return ["notAll", rule.not.and];
  return groupBelow(rule.not) ? ["none", [rule.not]] : ["all", [rule]];
}

const SIGNS = [["", "with"], ["not", "without"]];

/** One condition, or its opposite. */
class Condition {
  constructor(rule, segments) {
    const isNot = Boolean(rule?.not);
    const [[kind, given]] = Object.entries((isNot ? rule.not : rule) ?? { attribute: undefined });
    const holder = h("span", { class: "parts" });
    const show = (name, value) => {
      this.part = LEAVES[name](value, segments);
      fill(holder, this.part.element);
    };
    this.kind = choice("Kind of condition", KINDS, kind, (name) => show(name));
    this.kind.element.dataset.first = "";
    this.sign = choice("Whether it must hold", SIGNS, isNot ? "not" : "");
    this.element = h("div", { class: "condition", role: "group", "aria-label": "Condition" }, this.sign.element, this.kind.element, holder);
    show(kind, given);
  }

  read(path, issues) {
    const kind = this.kind.read();
    const isNot = this.sign.read() === "not";
    this.element.dataset.place = path;
    const rule = { [kind]: this.part.read(`${isNot ? `${path}.not` : path}.${kind}`, issues) };
    return isNot ? { not: rule } : rule;
  }
}

/** One condition on a property of an event, or its opposite. */
class PropertyCondition {
  constructor(rule) {
    const isNot = Boolean(rule?.not);
    const given = (isNot ? rule.not : rule)?.property;
    this.part = named("Property", "property", given);
    this.sign = choice("Whether it must hold", SIGNS, isNot ? "not" : "");
    this.element = h("div", { class: "condition", role: "group", "aria-label": "Property condition" }, this.sign.element, this.part.element);
  }

  read(path, issues) {
    const isNot = this.sign.read() === "not";
    this.element.dataset.place = path;
    const rule = { property: this.part.read(`${isNot ? `${path}.not` : path}.property`, issues) };
    return isNot ? { not: rule } : rule;
  }
}

function row(...parts) {
  return h("span", { class: "parts" }, parts.map((part) => part.element));
}

function named(label, asked, given) {
  const [name, is] = [way(label, "name", given), test(asked, given?.is)];
  return { element: row(name, is), read: (path, issues) => ({ ...name.read(), is: is.read(`${path}.is`, issues) }) };
}

/** Tests of one thing, each of which may be left out: {key: [label, kind]}. */
function optionals(given, wanted) {
  const parts = Object.entries(wanted).map(([key, [label, kind]]) => [key, optional(label, kind, given?.[key])]);
  const read = (path, issues) => {
    const found = parts.map(([key, part]) => [key, part.read(`${path}.${key}`, issues)]);
    return Object.fromEntries(found.filter(([, value]) => value));
  };
  return { element: row(...parts.map(([, part]) => part)), read };
}

const asked = (kind) => (given) => {
  const is = test(kind, given?.is);
  return { element: is.element, read: (path, issues) => ({ is: is.read(`${path}.is`, issues) }) };
};

const LEAVES = {
  attribute: (given) => named("Attribute", "value", given),
  event: (given) => new EventPart(given),
  identity(given) {
    const [kind, is] = [choice("Kind of name", IDENTITIES, given?.kind), test("text", given?.is ?? { exists: true })];
    return { element: row(kind, is), read: (path, issues) => ({ kind: kind.read(), is: is.read(`${path}.is`, issues) }) };
  },
  device: (given) => optionals(given, { platform: ["Platform", "word"], lastUsedAt: ["Last use", "moment"] }),
  conversation: (given) => optionals(given, {
    status: ["Status", "word"], waitingSince: ["Waiting since", "moment"], closedAt: ["Closed", "moment"],
    createdAt: ["Begun", "moment"], count: ["Number", "number"],
  }),
  rating: asked("number"),
  consent(given) {
    const [channel, is] = [choice("Channel", CHANNELS, given?.channel), choice("What they said", CONSENTS, given?.is)];
    return { element: row(channel, is), read: () => ({ channel: channel.read(), is: is.read() }) };
  },
  timezone: asked("text"),
  locale: asked("text"),
  createdAt: asked("moment"),
  updatedAt: asked("moment"),
  segment(given, segments) {
    const known = segments.some(([id]) => id === given?.id) || !given ? segments : [[given.id, given.id], ...segments];
    const chosen = choice("Segment", known.length ? known : [["", "No other segment"]], given?.id);
    return { element: chosen.element, read: () => ({ id: chosen.read() }) };
  },
};

const WINDOWS = [["", "ever"], ["last", "in the last"], ["dates", "from … to"]];

/** What somebody did: which events, with which properties, when, and how often or how much. */
class EventPart {
  constructor(given) {
    const { name = "", where = [], within = null, ...measure } = given ?? {};
    const [[figure, asked] = ["", null]] = Object.entries(measure);
    this.name = text("Event name", name, { placeholder: "event name" });
    this.measure = new Measure(figure, asked);
    this.window = new EventWindow(within);
    this.where = new Group({ and: where }, (rule) => new PropertyCondition(rule), { noun: "property condition" });
    this.where.element.classList.add("where");
    this.element = h("span", { class: "parts" }, this.name.element, this.measure.element, this.window.element,
      h("details", { class: "whole-row", open: where.length > 0 }, h("summary", null, "With properties"), this.where.element));
  }

  read(path, issues) {
    const within = this.window.read(`${path}.within`, issues);
    const where = this.#where(`${path}.where`, issues);
    return { name: this.name.read(), ...(where.length && { where }), ...(within && { within }), ...this.measure.read(path, issues) };
  }

  /** What must be true of an event is a list; another kind of group is the one thing in it. */
  #where(path, issues) {
    if (!this.where.nodes.length) return [];
    if (this.where.how.read() !== "all") return [this.where.read(`${path}.0`, issues)];
    this.where.element.dataset.place = path;
    return this.where.readAll(path, issues);
  }
}

class Measure {
  constructor(figure, given) {
    const holder = h("span", { class: "parts" });
    const show = (name, value) => {
      this.part = name ? measured(name, value) : null;
      fill(holder, this.part?.element);
    };
    this.figure = choice("Measure", MEASURES, figure, (name) => show(name));
    this.element = h("span", { class: "parts" }, this.figure.element, holder);
    show(figure, given);
  }

  read(path, issues) {
    const name = this.figure.read();
    return name ? { [name]: this.part.read(`${path}.${name}`, issues) } : {};
  }
}

function measured(name, given) {
  if (name === "count") return test("number", given ?? { atLeast: 3 });
  if (name === "first" || name === "last") return test("moment", given);
  const [property, is] = [way("Property", "property", given ?? {}), test("number", given?.is ?? { atLeast: 1 })];
  return { element: row(property, is), read: (path, issues) => ({ ...property.read(), is: is.read(`${path}.is`, issues) }) };
}

class EventWindow {
  constructor(given) {
    const holder = h("span", { class: "parts" });
    const show = (name, value) => {
      this.part = name === "last" ? span(value?.last) : name ? dates(value) : null;
      fill(holder, this.part?.element);
    };
    const begun = !given ? "" : given.last ? "last" : "dates";
    this.kind = choice("When", WINDOWS, begun, (name) => show(name));
    this.element = h("span", { class: "parts" }, this.kind.element, holder);
    show(begun, given);
  }

  read(path, issues) {
    const kind = this.kind.read();
    if (!kind) return null;
    return kind === "last" ? { last: this.part.read(`${path}.last`, issues) } : this.part.read(path, issues);
  }
}

function dates(given) {
  const [from, to] = [moment("From", given?.from), moment("To", given?.to)];
  const read = (path, issues) => {
    const bounds = Object.entries({ from: from.read(), to: to.read() }).filter(([, value]) => value.trim());
    if (!bounds.length) issues.push({ field: path, message: "Give a first day, a last day, or both." });
    return Object.fromEntries(bounds);
  };
  return { element: row(from, to), read };
}
