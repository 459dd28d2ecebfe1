// A timeline: what somebody did, day by day, latest first, in the same order in which the graph lists events.

import { button, fill, h, icon } from "../dom.js";
import { dayOf, hue, moment, plain } from "../format.js";

const MARKS = [
  [/mail|message|sms|push/, "mail"],
  [/purchase|order|cart|checkout|bought|paid/, "cart"],
  [/view|visit|page|seen|open/, "eye"],
  [/renew|subscri|return|repeat/, "loop"],
];
const SHOWN = 6;
const LONGEST = 60;
const GATHER_MS = 700;
const FRESH_MS = 4_000;

/** Shows events ({id, name, properties, occurredAt, source}) and changes; each id once. `older()` loads more. */
export class Timeline {
  #days = new Map();
  #items = new Map();
  #said = [];
  #saying = null;

  constructor(older) {
    this.list = h("div", { class: "days" });
    this.spoken = h("p", { class: "unseen", "aria-live": "polite", "data-spoken": true });
    this.foot = h("div", { class: "actions" }, button("Show older events", older));
    this.empty = h("div", { class: "empty" }, h("strong", null, "Nothing yet"),
      h("p", null, "What they do appears here the moment it is tracked."));
    this.element = h("div", { class: "stack" }, this.spoken, this.empty, this.list, this.foot);
    this.setMore(false);
  }

  /** Adds what was loaded. */
  add(events) {
    for (const event of events) this.#place(event.id, event.occurredAt, () => eventItem(event));
  }

  /** Adds what has just come, marks it and says it. True if it was not there already. */
  arrive(event) {
    const item = this.#place(event.id, event.occurredAt, () => eventItem(event));
    if (item) this.#greet(item, `New event: ${event.name}`);
    return Boolean(item);
  }

  /** Notes a change of the customer that has just happened. */
  note(cursor, text, at) {
    const item = this.#place(`change ${cursor}`, at, () => changeItem(text, at));
    if (item) this.#greet(item, text);
  }

  setMore(there) {
    this.foot.hidden = !there;
  }

  /** Where it belongs: latest first, and by id among those of one moment. */
  #place(id, at, make) {
    if (this.#items.has(id)) return null;
    const item = make();
    this.#items.set(id, item);
    const entry = { id, at, item };
    const { list, entries } = this.#day(at);
    const following = entries.findIndex((other) => at > other.at || (at === other.at && id > other.id));
    if (following < 0) {
      entries.push(entry);
      list.append(item);
    } else {
      entries[following].item.before(item);
      entries.splice(following, 0, entry);
    }
    this.empty.hidden = true;
    return item;
  }

  #day(at) {
    const key = dayKey(new Date(at));
    if (this.#days.has(key)) return this.#days.get(key);
    const list = h("ol", { class: "timeline" });
    const section = h("section", { "data-day": key }, h("h3", { class: "day" }, dayName(key, at)), list);
    const day = { list, section, entries: [] };
    const following = [...this.list.children].find((other) => other.dataset.day < key);
    if (following) following.before(section);
    else this.list.append(section);
    this.#days.set(key, day);
    return day;
  }

  /** Says what came in the last moment in one breath. */
  #greet(item, text) {
    item.classList.add("fresh");
    setTimeout(() => item.classList.remove("fresh"), FRESH_MS);
    this.#said.push(text);
    this.#saying ??= setTimeout(() => {
      const [first] = this.#said;
      fill(this.spoken, this.#said.length === 1 ? first : `${this.#said.length} new entries in the timeline`);
      this.#said = [];
      this.#saying = null;
    }, GATHER_MS);
  }
}

/** The sign of an event: what its name reminds of. */
export function eventMark(name) {
  return icon(MARKS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1] ?? "bolt");
}

/** The first details of an event on a line or two; all of them on demand, where there is more to see. */
export function summary(properties) {
  const entries = Object.entries(properties ?? {});
  if (!entries.length) return null;
  const simple = entries.filter(([, value]) => isShort(value)).slice(0, SHOWN);
  const list = h("dl", { class: "details" }, simple.map(([name, value]) =>
    h("div", null, h("dt", null, name), h("dd", null, plain(value)))));
  if (simple.length === entries.length) return list;
  return [simple.length ? list : null, h("details", null, h("summary", null, "All details"),
    h("pre", null, JSON.stringify(properties, null, 2)))];
}

function isShort(value) {
  return (value === null || typeof value !== "object") && plain(value).length <= LONGEST;
}

function eventItem({ id, name, properties, occurredAt, source, anonymousId }) {
  const origin = `Through ${source}${anonymousId ? `, browser ${anonymousId}` : ""}`;
  return h("li", { "data-event": id },
    h("span", { class: `mark tinted hue-${hue(name)}` }, eventMark(name)),
    h("div", { class: "what", title: origin },
      h("div", { class: "line" }, h("span", { class: "name" }, name), moment(occurredAt, "clock")),
      summary(properties)));
}

function changeItem(text, at) {
  return h("li", { class: "change" }, h("span", { class: "mark" }, icon("pencil")),
    h("div", { class: "what" },
      h("div", { class: "line" }, h("span", { class: "name" }, text), moment(at, "clock"))));
}

function dayKey(date) {
  const two = (value) => String(value).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function dayName(key, at) {
  const now = new Date();
  if (key === dayKey(now)) return "Today";
  now.setDate(now.getDate() - 1);
  return key === dayKey(now) ? "Yesterday" : dayOf(at);
}
