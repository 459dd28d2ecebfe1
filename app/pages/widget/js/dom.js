// Elements made by hand. Nothing here or anywhere in the widget makes markup of text.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "disabled", "hidden", "checked", "multiple", "tabIndex"]);

/** An element with attributes (`on…` are listeners; null and false are left out) and children (texts or nodes). */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const ICONS = {
  chat: "M12 4c-5 0-9 3.3-9 7.4 0 2.2 1.2 4.2 3 5.5L5.5 21l4-2c.8.2 1.6.3 2.5.3 5 0 9-3.5 9-7.9S17 4 12 4z",
  down: "M5 9l7 7 7-7",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5m-6 6 6-6 6 6",
  clip: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L14.5 7",
  file: "M14 3H6v18h12V7l-4-4v4h4",
  bell: "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4l2-2m4 5h4",
  mute: "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4l2-2m4 5h4M3 3l18 18",
  tick: "M5 13l4 4L19 7",
  ticks: "M2 13l4 4L16 7M11 16l1 1L22 7",
  clock: "M12 3a9 9 0 1 0 .1 0zm0 4v5l3 2",
  alert: "M12 3a9 9 0 1 0 .1 0zm0 5v5m0 3v.1",
  again: "M19 15a8 8 0 1 1 1-6V4m0 5h-5",
  star: "M12 3l2.8 5.8 6.2.9-4.5 4.4 1.1 6.2L12 17.3l-5.6 3 1.1-6.2L3 9.7l6.2-.9z",
};

/** A picture that says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${name}`);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and is called `label`. */
export function iconButton(name, label, onclick, attributes) {
  return h(
    "button",
    { type: "button", class: "round", "aria-label": label, title: label, onclick, ...attributes },
    icon(name),
  );
}

/** Makes the children of `parent` those of `items`. What has kept its key and its signature keeps its element; where
 * the focus goes with one, it comes to what is around them. */
export function patch(parent, items, build) {
  const before = parent.kept || new Map();
  const kept = new Map();
  const focused = parent.contains(parent.getRootNode().activeElement);
  let place = parent.firstChild;
  for (const item of items) {
    let one = before.get(item.key);
    if (!one || one.signature !== item.signature) {
      const element = build(item, one && one.element);
      if (one && one.element !== element) {
        if (place === one.element) place = place.nextSibling;
        one.element.remove();
      }
      one = { signature: item.signature, element };
    }
    before.delete(item.key);
    kept.set(item.key, one);
    if (one.element === place) place = place.nextSibling;
    else parent.insertBefore(one.element, place);
  }
  for (const { element } of before.values()) element.remove();
  parent.kept = kept;
  if (focused && !parent.contains(parent.getRootNode().activeElement)) parent.closest("[tabindex]").focus();
}
