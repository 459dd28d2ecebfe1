// How the number of a segment's members went: a line drawn by hand, and its figures for those who listen.

import { fill, h } from "../dom.js";
import { field } from "../forms.js";
import { number } from "../format.js";
import { ask } from "../graph.js";

const SVG = "http://www.w3.org/2000/svg";
const SERIES = `query Growth($id: ID!, $start: DateTime!, $end: DateTime!, $step: SeriesStep!) {
  memberCountSeries(segmentId: $id, start: $start, end: $end, step: $step) { at count }
}`;
const HOUR = 3_600_000;
const RANGES = {
  hours: ["24 hours", "HOUR", HOUR, 24, { timeStyle: "short" }],
  days: ["30 days", "DAY", 24 * HOUR, 30, { day: "numeric", month: "short" }],
  weeks: ["26 weeks", "WEEK", 168 * HOUR, 26, { day: "numeric", month: "short" }],
};
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 210, 52, 12, 12, 30];

/** A card with the curve. `since` is when the segment was made. */
export class Growth {
  constructor(id, since, page) {
    Object.assign(this, { id, page });
    this.range = Date.now() - Date.parse(since) < 2 * 24 * HOUR ? "hours" : "days";
    const choose = field({ name: "range", label: "Over", value: this.range,
      options: Object.entries(RANGES).map(([key, [label]]) => [key, label]),
      onchange: ({ target }) => {
        this.range = target.value;
        this.load();
      } });
    choose.classList.add("beside");
    this.figure = h("figure", { class: "curve" });
    this.element = h("section", { class: "card", "aria-label": "Growth" },
      h("div", { class: "split" }, h("h2", null, "Growth"), choose), this.figure);
  }

  async load() {
    const range = this.range;
    const [, step, length, count, format] = RANGES[range];
    const end = Date.now();
    const [from, to] = [end - length * count, end].map((moment) => new Date(moment).toISOString());
    const { memberCountSeries: points } = await ask(SERIES, { id: this.id, start: from, end: to, step }, this.page);
    if (range === this.range) fill(this.figure, drawn(points, new Intl.DateTimeFormat(undefined, format)));
  }
}

function drawn(points, format) {
  const most = roof(Math.max(...points.map(({ count }) => count)));
  const x = (place) => LEFT + (place * (WIDTH - LEFT - RIGHT)) / Math.max(points.length - 1, 1);
  const y = (count) => TOP + (1 - count / most) * (HEIGHT - TOP - BOTTOM);
  const line = points.map(({ count }, place) => `${place ? "L" : "M"}${x(place).toFixed(1)} ${y(count).toFixed(1)}`).join("");
  const [first, last] = [points[0], points.at(-1)];
  const spoken = `From ${number(first.count)} members on ${format.format(new Date(first.at))} to ${number(last.count)} now`;
  const floor = HEIGHT - BOTTOM;
  const marks = [0, most / 2, most].flatMap((count) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(count), y2: y(count) }),
    s("text", { x: LEFT - 8, y: y(count) + 4, "text-anchor": "end" }, number(count)),
  ]);
  const places = [0, Math.floor((points.length - 1) / 2), points.length - 1];
  const dates = places.map((place, turn) => s("text", { x: x(place), y: HEIGHT - 6, "text-anchor": ["start", "middle", "end"][turn] },
    format.format(new Date(points[place].at))));
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": spoken }, ...marks, ...dates,
    s("path", { class: "area", d: `${line}L${x(points.length - 1)} ${floor}L${LEFT} ${floor}Z` }),
    s("path", { class: "line", d: line }),
    s("circle", { class: "end", cx: x(points.length - 1), cy: y(last.count), r: 4 }));
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
