// Moments and timezones in forms. A form's clock is that of a timezone; the graph's is UTC.

import { h, newId } from "../dom.js";

/** The id of a list of all timezones, put into the page once. */
export function timezones() {
  const known = document.querySelector("datalist[data-timezones]");
  if (known) return known.id;
  const id = newId("timezones");
  document.body.append(h("datalist", { id, "data-timezones": true }, ["UTC", ...Intl.supportedValuesOf("timeZone")].map((name) => h("option", { value: name }))));
  return id;
}

export const ownTimezone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The parts that a clock shows in a timezone at a moment, in milliseconds as if they were UTC. */
function shown(ms, timezone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: timezone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}

/** What an input of kind datetime-local shows of a moment, by a timezone's clock. */
export function clockOf(iso, timezone) {
  return iso ? new Date(shown(Date.parse(iso), timezone)).toISOString().slice(0, 16) : "";
}

/** The moment at which a timezone's clock shows what such an input says. Null for what is no moment. */
export function momentOf(text, timezone) {
  const wanted = Date.parse(`${text}Z`);
  if (Number.isNaN(wanted)) return null;
  let moment = wanted;
  // Twice, because the difference itself may change on the way, when clocks are changed that night.
  for (let turn = 0; turn < 2; turn += 1) moment += wanted - shown(moment, timezone);
  return new Date(moment).toISOString();
}
