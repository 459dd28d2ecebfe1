// Elements from plain calls. Text always becomes a text node, so nothing that people or customers wrote is ever markup.

const SVG = "http://www.w3.org/2000/svg";

const STROKES = {
  home: "M4 11.2 12 4l8 7.2M6 9.6V20h4.4v-5.4h3.2V20H18V9.6",
  people: "M9 11.4a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8ZM2.8 19.4c.5-3.4 3-5.2 6.2-5.2s5.7 1.8 6.2 5.2M16 4.9a3.4 3.4 0 0 1 0 6.2M18 14.7c1.8.8 2.9 2.4 3.2 4.7",
  segment: "M12 3.8v8.2l6.4 5.1A8.2 8.2 0 1 1 12 3.8ZM15.4 4.6a8.2 8.2 0 0 1 4.8 8.9l-4.8-3.8Z",
  key: "M8.2 19.4a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4ZM11.3 12.3 19.5 4M16 7.5l2.7 2.7M13.5 10l1.7 1.7",
  team: "M4 20v-1.6c0-2.6 2-4.2 4.6-4.2h6.8c2.6 0 4.6 1.6 4.6 4.2V20M12 11.2a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.2Z",
  record: "M7 3.8h10A1.8 1.8 0 0 1 18.8 5.6v12.8a1.8 1.8 0 0 1-1.8 1.8H7a1.8 1.8 0 0 1-1.8-1.8V5.6A1.8 1.8 0 0 1 7 3.8ZM8.8 8.3h6.4M8.8 12h6.4M8.8 15.7h3.6",
  mail: "M4.8 5.5h14.4A1.8 1.8 0 0 1 21 7.3v9.4a1.8 1.8 0 0 1-1.8 1.8H4.8A1.8 1.8 0 0 1 3 16.7V7.3a1.8 1.8 0 0 1 1.8-1.8ZM3.6 7.5l8.4 6 8.4-6",
  back: "M14.5 5.5 8 12l6.5 6.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  plus: "M12 5v14M5 12h14",
  bolt: "M13 3.5 5.5 13.5H11l-.9 7L18 10.3h-5.5Z",
  cart: "M3.5 4.5h2.3l2.1 10.7h9.3l2-7.7H6.5M9 19.5h.01M16.2 19.5h.01",
  eye: "M2.8 12S6 5.8 12 5.8 21.2 12 21.2 12 18 18.2 12 18.2 2.8 12 2.8 12ZM12 14.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2Z",
  loop: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.8v3.8h-3.8",
  pencil: "M5 19l.9-3.8L15.8 5.3a1.8 1.8 0 0 1 2.6 0l.3.3a1.8 1.8 0 0 1 0 2.6L8.8 18.1Z",
  menu: "M4 7h16M4 12h16M4 17h16",
  inbox: "M4 13.5 6.4 5.6A1.8 1.8 0 0 1 8.1 4.3h7.8a1.8 1.8 0 0 1 1.7 1.3L20 13.5v4.4a1.8 1.8 0 0 1-1.8 1.8H5.8A1.8 1.8 0 0 1 4 17.9ZM4 13.5h4.6l1.2 2.4h4.4l1.2-2.4H20",
  widget: "M6.2 4.5h11.6A2.2 2.2 0 0 1 20 6.7v7.6a2.2 2.2 0 0 1-2.2 2.2H12l-4.4 3.6v-3.6H6.2A2.2 2.2 0 0 1 4 14.3V6.7a2.2 2.2 0 0 1 2.2-2.2ZM8.2 9h7.6M8.2 12.2h4.6",
  search: "M10.8 17.6a6.8 6.8 0 1 0 0-13.6 6.8 6.8 0 0 0 0 13.6ZM15.8 15.8 20 20",
  clock: "M12 20.2a8.2 8.2 0 1 0 0-16.4 8.2 8.2 0 0 0 0 16.4ZM12 7.4V12l3 2",
  check: "M5 12.6 9.6 17 19 7.4",
  checks: "M2.8 12.8 7 17l8.6-9.2M11.6 15.6l1.5 1.4 8.3-9.2",
  close: "M6 6l12 12M18 6 6 18",
  tag: "M4 5.6v5.2a1.8 1.8 0 0 0 .5 1.3l7 7a1.8 1.8 0 0 0 2.6 0l5-5a1.8 1.8 0 0 0 0-2.6l-7-7a1.8 1.8 0 0 0-1.3-.5H5.6A1.6 1.6 0 0 0 4 5.6ZM8.4 8.4h.01",
  flag: "M6 20.4V4.2M6 5h11.4l-2.2 4 2.2 4H6",
  clip: "M19.4 11.4 12 18.8a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.5 7.5a1.6 1.6 0 0 1-2.2-2.2l6.8-6.8",
  send: "M4.4 11.8 20 4.4l-5 15.6-3.2-6.6ZM11.8 13.4 20 4.4",
  note: "M6 4h12a1.8 1.8 0 0 1 1.8 1.8v8.6L14.4 20H6a1.8 1.8 0 0 1-1.8-1.8V5.8A1.8 1.8 0 0 1 6 4ZM19.6 14.4h-3.4a1.8 1.8 0 0 0-1.8 1.8v3.6M8 8.6h8M8 12h4",
  person: "M12 11.4a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.4ZM5 20c.6-3.6 3.4-5.4 7-5.4s6.4 1.8 7 5.4",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  file: "M7 3.8h6.6l4.6 4.6v10a1.8 1.8 0 0 1-1.8 1.8H7a1.8 1.8 0 0 1-1.8-1.8V5.6A1.8 1.8 0 0 1 7 3.8ZM13.4 4v4.6H18",
  globe: "M12 20.2a8.2 8.2 0 1 0 0-16.4 8.2 8.2 0 0 0 0 16.4ZM4 12h16M12 3.8c2.4 2.3 3.5 5 3.5 8.2s-1.1 5.9-3.5 8.2c-2.4-2.3-3.5-5-3.5-8.2s1.1-5.9 3.5-8.2Z",
  panel: "M5.8 4.8h12.4A1.8 1.8 0 0 1 20 6.6v10.8a1.8 1.8 0 0 1-1.8 1.8H5.8A1.8 1.8 0 0 1 4 17.4V6.6a1.8 1.8 0 0 1 1.8-1.8ZM14.6 5v14",
  keyboard: "M4.8 6.5h14.4A1.8 1.8 0 0 1 21 8.3v7.4a1.8 1.8 0 0 1-1.8 1.8H4.8A1.8 1.8 0 0 1 3 15.7V8.3a1.8 1.8 0 0 1 1.8-1.8ZM6.8 10h.01M10.2 10h.01M13.6 10h.01M17 10h.01M8 14h8",
  waiting: "M7 3.8h10M7 20.2h10M8 4v3.2c0 2.2 4 3 4 4.8s-4 2.6-4 4.8V20M16 4v3.2c0 2.2-4 3-4 4.8s4 2.6 4 4.8V20",
  bookmark: "M7.4 4.2h9.2a1 1 0 0 1 1 1v14.6L12 15.6l-5.6 4.2V5.2a1 1 0 0 1 1-1Z",
  out: "M10 4.5H6.3a1.8 1.8 0 0 0-1.8 1.8v11.4a1.8 1.8 0 0 0 1.8 1.8H10M15.5 8l4 4-4 4M19 12H9.5",
  down: "M6.5 9.5 12 15l5.5-5.5",
  settings: "M4.5 7.5h9M17.5 7.5h2M4.5 16.5h2M10.5 16.5h9M15.5 9.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8.5 18.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  trash: "M5 7h14M10 7V4.6h4V7M7 7l.8 11.6a1.6 1.6 0 0 0 1.6 1.4h5.2a1.6 1.6 0 0 0 1.6-1.4L17 7M10.4 10.6v5.8M13.6 10.6v5.8",
};

/** An element. Properties: `on…` are listeners, true and false set bare attributes, everything else is an attribute. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

/** Replaces everything inside an element. Nothing, null and false are left out; lists are flattened. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** A drawn sign that says nothing to those who listen: the words beside it do. */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", STROKES[name]);
  picture.append(line);
  return picture;
}

/** A button that does something. `look` adds classes: primary, danger, slight, bare. */
export function button(label, onclick, look = "", properties = {}) {
  return h("button", { type: "button", class: `button ${look}`, onclick, ...properties }, label);
}

let last = 0;

/** An id that no other element has. */
export function newId(word) {
  last += 1;
  return `${word}-${last}`;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
