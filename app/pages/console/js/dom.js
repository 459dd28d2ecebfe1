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
