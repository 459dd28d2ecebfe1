// How often something recurs, as people say it; what they cannot say so is written as iCalendar has it.

import { fill, h } from "../dom.js";
import { field } from "../forms.js";

const HOWS = [["DAILY", "Every day"], ["WEEKLY", "Every week"], ["MONTHLY", "Every month"], ["YEARLY", "Every year"], ["HOURLY", "Every hour"], ["own", "By a rule of iCalendar"]];
const UNITS = { DAILY: "days", WEEKLY: "weeks", MONTHLY: "months", YEARLY: "years", HOURLY: "hours" };
const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const SIMPLE = new Set(["FREQ", "INTERVAL", "BYDAY", "UNTIL"]);
const MONDAY = Date.UTC(2024, 0, 1);
const dayName = (place) => new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" }).format(MONDAY + place * 86_400_000);

function partsOf(rule) {
  const parts = Object.fromEntries((rule ?? "FREQ=WEEKLY").split(";").map((part) => part.split("=")));
  const isSimple = Object.keys(parts).every((name) => SIMPLE.has(name)) && (parts.BYDAY ?? "").split(",").every((day) => !day || DAYS.includes(day)) &&
    (!parts.BYDAY || parts.FREQ === "WEEKLY");
  return isSimple ? parts : null;
}

/** The fields of a recurrence. `read()` gives the rule. */
export class Recurrence {
  constructor(rule) {
    this.rule = rule ?? "";
    const parts = partsOf(rule);
    this.holder = h("div");
    this.how = field({ name: "schedule.how", label: "How often", options: HOWS, value: parts ? parts.FREQ : "own", onchange: ({ target }) => this.#draw(target.value, {}) });
    this.element = h("div", { class: "fields", "data-field": "schedule.rrule" }, this.how, this.holder);
    this.#draw(parts ? parts.FREQ : "own", parts ?? {});
  }

  #draw(how, { INTERVAL: every = "1", BYDAY: days = "", UNTIL: until = "" }) {
    this.chosen = how;
    if (how === "own") {
      fill(this.holder, field({ name: "rrule", label: "Rule", value: this.rule, placeholder: "FREQ=MONTHLY;BYDAY=1MO", autocomplete: "off", spellcheck: "false" }));
      return;
    }
    const chosen = new Set(days.split(","));
    const last = until && `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}`;
    fill(this.holder, h("div", { class: "fields" },
      h("div", { class: "pair" }, field({ name: "every", label: `Every so many ${UNITS[how]}`, type: "number", min: 1, max: 1000, value: every }),
        field({ name: "until", label: "Last day", type: "date", value: last, hint: "Left empty: until you stop it." })),
      how === "WEEKLY" && h("fieldset", null, h("legend", { class: "small" }, "On these days"), h("div", { class: "days" }, DAYS.map((day, place) =>
        h("label", { class: "choice" }, h("input", { type: "checkbox", name: "day", value: day, checked: chosen.has(day) }), h("span", null, dayName(place))))))));
  }

  read() {
    const value = (name) => this.holder.querySelector(`[name="${name}"]`).value.trim();
    if (this.chosen === "own") return value("rrule");
    const days = [...this.holder.querySelectorAll("[name=day]:checked")].map((box) => box.value);
    return [`FREQ=${this.chosen}`, Number(value("every")) > 1 && `INTERVAL=${value("every")}`, days.length && `BYDAY=${days.join(",")}`,
      value("until") && `UNTIL=${value("until").replaceAll("-", "")}`].filter(Boolean).join(";");
  }
}

/** The rule in words, where it is one of the simple ones. */
export function recurrenceWords(rule) {
  const parts = partsOf(rule);
  if (!parts) return rule;
  const every = Number(parts.INTERVAL ?? 1);
  const often = every > 1 ? `Every ${every} ${UNITS[parts.FREQ]}` : HOWS.find(([how]) => how === parts.FREQ)?.[1];
  const days = parts.BYDAY && `on ${parts.BYDAY.split(",").map((day) => dayName(DAYS.indexOf(day))).join(", ")}`;
  return [often, days, parts.UNTIL && `until ${parts.UNTIL.slice(0, 4)}-${parts.UNTIL.slice(4, 6)}-${parts.UNTIL.slice(6, 8)}`].filter(Boolean).join(" ");
}
