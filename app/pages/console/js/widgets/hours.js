// Business hours: a week of spans, split as one likes, and days that are different.

import { button, fill, h, newId } from "../dom.js";
import { field } from "../forms.js";

const DAYS = [["mon", "Monday"], ["tue", "Tuesday"], ["wed", "Wednesday"], ["thu", "Thursday"], ["fri", "Friday"],
  ["sat", "Saturday"], ["sun", "Sunday"]];
const USUAL = { week: Object.fromEntries(DAYS.slice(0, 5).map(([day]) => [day, [["09:00", "17:00"]]])), holidays: [] };

/** Edits the `hours` of a widget: null for always. `onChange` hears every change. */
export class Hours {
  constructor(hours, onChange) {
    this.hours = hours && structuredClone(hours);
    this.onChange = onChange;
    this.body = h("div", { class: "stack" });
    const choose = field({ name: "answered", label: "When somebody answers", options: [["", "Always"], ["hours", "In business hours"]],
      value: hours ? "hours" : "", onchange: ({ target }) => this.#set(target.value) });
    this.element = h("div", { class: "stack", "data-field": "settings.hours" }, choose, this.body);
    this.#draw();
  }

  #set(wanted) {
    const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();
    this.hours = wanted ? { timezone, ...structuredClone(USUAL) } : null;
    this.#changed();
  }

  #changed() {
    this.#draw();
    this.onChange();
  }

  #draw() {
    const { hours } = this;
    if (!hours) {
      fill(this.body);
      return;
    }
    const zones = newId("zones");
    const zone = field({ name: "timezone", label: "Timezone", value: hours.timezone, list: zones, autocomplete: "off",
      onchange: ({ target }) => (hours.timezone = target.value.trim()) });
    const add = () => {
      hours.holidays.push({ date: new Date().toISOString().slice(0, 10), name: "", yearly: false, spans: [] });
      this.#changed();
    };
    fill(this.body, zone, h("datalist", { id: zones }, Intl.supportedValuesOf("timeZone").map((name) => h("option", { value: name }))),
      h("div", { class: "week" }, DAYS.map(([day, label]) => this.#day(label, hours.week[day] ?? [], (spans) => (hours.week[day] = spans)))),
      h("div", { class: "split" }, h("h3", null, "Days that are different"), button("Add a day", add, "slight")),
      h("div", { class: "stack" }, hours.holidays.map((day, place) => this.#holiday(day, place))));
  }

  #day(label, spans, keep) {
    return h("div", { class: "day-row", role: "group", "aria-label": label },
      h("span", { class: "strong small" }, label), this.#spans(label, spans, keep));
  }

  #spans(label, spans, keep) {
    const set = (changed) => {
      keep(changed);
      this.#changed();
    };
    const rows = spans.map((span, place) => h("span", { class: "span" }, this.#time(label, span, 0), "–", this.#time(label, span, 1),
      button("×", () => set(spans.filter((_, other) => other !== place)), "bare slight", { "aria-label": `Remove this span of ${label}` })));
    const next = spans.at(-1)?.[1] ?? "09:00";
    const add = next < "23:00" && button("+", () => set([...spans, [next, next < "17:00" ? "17:00" : "24:00"]]), "bare slight",
      { "aria-label": `Add a span to ${label}`, title: "Add a span" });
    return h("div", { class: "spans" }, rows.length ? rows : h("span", { class: "faint small" }, "Closed"), add);
  }

  #time(label, span, end) {
    return h("input", { type: "time", class: "input", required: true, value: span[end] === "24:00" ? "00:00" : span[end],
      "aria-label": `${label}, ${end ? "until" : "from"}`,
      onchange: ({ target }) => {
        // What ends at midnight ends with the day.
        span[end] = end && target.value === "00:00" ? "24:00" : target.value;
        this.onChange();
      } });
  }

  #holiday(day, place) {
    const { holidays } = this.hours;
    const set = (name) => ({ target }) => (day[name] = target.type === "checkbox" ? target.checked : target.value);
    const label = day.name || day.date;
    const remove = () => {
      holidays.splice(place, 1);
      this.#changed();
    };
    return h("div", { class: "holiday", role: "group", "aria-label": label },
      h("input", { type: "date", class: "input", value: day.date, "aria-label": "Date", onchange: set("date") }),
      h("input", { type: "text", class: "input", value: day.name, placeholder: "Name", "aria-label": "Name of the day", onchange: set("name") }),
      h("label", { class: "choice small" }, h("input", { type: "checkbox", checked: day.yearly, onchange: set("yearly") }), "Every year"),
      this.#spans(label, day.spans, (spans) => (day.spans = spans)),
      button("Remove", remove, "bare slight danger", { "aria-label": `Remove ${label}` }));
  }
}
