// What came of messages over time: lines drawn by hand, a legend with the sums, and the figures for those who listen.

import { fill, h } from "../dom.js";
import { field } from "../forms.js";
import { number } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { SERIES } from "./documents.js";
import { METRICS } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HOUR = 3_600_000;
const SHOWN = ["SENT", "DELIVERED", "HUMAN_OPENED", "HUMAN_CLICKED"];
const RANGES = {
  hours: ["48 hours", "HOUR", 48 * HOUR, { weekday: "short", hour: "2-digit", minute: "2-digit" }],
  days: ["30 days", "DAY", 30 * 24 * HOUR, { day: "numeric", month: "short" }],
  weeks: ["26 weeks", "WEEK", 26 * 168 * HOUR, { day: "numeric", month: "short" }],
};
const LEAD = { HOUR, DAY: 24 * HOUR, WEEK: 168 * HOUR };
const FEWEST = 12;
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [240, 52, 12, 12, 30];
/** Drawn as wide as it will about be seen, so that its letters are as large as the others. */
const widthNow = () => (matchMedia("(max-width: 40rem)").matches ? 380 : 760);

/** A card with the curves of some subjects (ids of campaigns, contents or links; none: of all messages). */
export class Chart {
  constructor(page, subjects, since, title = "Over time") {
    Object.assign(this, { page, subjects, since: Date.parse(since) });
    const age = Date.now() - this.since;
    this.range = age < 48 * HOUR ? "hours" : age < RANGES.days[2] ? "days" : "weeks";
    const choose = field({ name: "range", label: "Over", value: this.range, options: Object.entries(RANGES).map(([key, [label]]) => [key, label]),
      onchange: ({ target }) => {
        this.range = target.value;
        this.load().catch((failure) => page.signal.aborted || announce(failure.message));
      } });
    choose.classList.add("beside");
    this.figure = h("figure", { class: "curve chart" });
    this.element = h("section", { class: "card", "aria-label": title }, h("div", { class: "split" }, h("h2", null, title), choose), this.figure);
  }

  async load() {
    const { range } = this;
    const [, step, length, format] = RANGES[range];
    const end = Date.now();
    // What was before it began says nothing: the curve starts a little earlier, and is never a few points alone.
    const start = Math.max(end - length, Math.min(this.since - LEAD[step], end - FEWEST * LEAD[step]));
    const { metricSeries: series } = await ask(SERIES, { metrics: SHOWN, step, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      start: new Date(start).toISOString(), end: new Date(end).toISOString(), subjects: this.subjects }, this.page);
    if (range === this.range) fill(this.figure, drawn(series, new Intl.DateTimeFormat(undefined, format)));
  }
}

const wordsOf = (metric) => METRICS[metric.toLowerCase()];

function drawn(series, format) {
  const width = widthNow();
  const times = series[0].points.map(({ at }) => at);
  const most = roof(Math.max(...series.flatMap(({ points }) => points.map(({ count }) => count))));
  const x = (place) => LEFT + (place * (width - LEFT - RIGHT)) / Math.max(times.length - 1, 1);
  const y = (count) => TOP + (1 - count / most) * (HEIGHT - TOP - BOTTOM);
  const grid = [0, most / 2, most].flatMap((count) => [
    s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(count), y2: y(count) }),
    s("text", { x: LEFT - 8, y: y(count) + 4, "text-anchor": "end" }, number(count)),
  ]);
  const marked = [0, Math.floor((times.length - 1) / 2), times.length - 1];
  const dates = marked.map((place, turn) => s("text", { x: x(place), y: HEIGHT - 6, "text-anchor": ["start", "middle", "end"][turn] },
    format.format(new Date(times[place]))));
  const lines = series.map(({ points }, which) => s("path", { class: `line series-${which}`,
    d: points.map(({ count }, place) => `${place ? "L" : "M"}${x(place).toFixed(1)} ${y(count).toFixed(1)}`).join("") }));
  const spoken = series.map(({ metric, total }) => `${number(total)} ${wordsOf(metric).toLowerCase()}`).join(", ");
  const picture = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `In this time: ${spoken}`, dir: "ltr" },
    ...grid, ...dates, ...lines, ...times.map((at, place) => tip(series, at, place, x, format, x(1) - x(0))));
  const legend = h("ul", { class: "legend", "aria-hidden": "true" }, series.map(({ metric, total }, which) =>
    h("li", null, h("span", { class: `swatch-line series-${which}` }), `${wordsOf(metric)} `, h("strong", null, number(total)))));
  return [legend, picture, table(series, times, format)];
}

/** What a pointer finds above a step. */
function tip(series, at, place, x, format, width) {
  const said = series.map(({ metric, points }) => `${wordsOf(metric)}: ${number(points[place].count)}`);
  return s("rect", { class: "tip", x: x(place) - width / 2, y: TOP, width, height: HEIGHT - TOP - BOTTOM },
    s("title", {}, [format.format(new Date(at)), ...said].join("\n")));
}

function table(series, times, format) {
  const some = times.map((at, place) => [at, series.map(({ points }) => points[place].count)]).filter(([, counts]) => counts.some(Boolean));
  if (!some.length) return h("p", { class: "quiet small" }, "Nothing happened in this time.");
  return h("details", null, h("summary", null, "As a table"), h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Figures" }, h("table", null,
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "When"), series.map(({ metric }) => h("th", { scope: "col", class: "end" }, wordsOf(metric))))),
    h("tbody", null, some.map(([at, counts]) => h("tr", null, h("th", { scope: "row" }, format.format(new Date(at))),
      counts.map((count) => h("td", { class: "end tally" }, number(count)))))))));
}

/** A round even number that is at least `count`. */
function roof(count) {
  const scale = 10 ** Math.floor(Math.log10(Math.max(count, 2)));
  return [2, 4, 6, 8, 10, 20].map((step) => step * scale * (scale > 1 ? 0.5 : 1)).find((whole) => whole >= count && whole % 2 === 0);
}

function s(tag, properties, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
