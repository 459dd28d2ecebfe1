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
  chat: "M12 3C6.5 3 2 6.9 2 11.6c0 2.6 1.4 4.9 3.5 6.5-.1 1-.5 2-1.3 2.9 1.8 0 3.5-.7 4.7-1.6 1 .3 2 .4 3.1.4 5.5 0 10-3.7 10-8.2S17.500 3 12 3z",
  down: "M5.600 8.300 12 14.700l6.400-6.400 1.600 1.600-8 8-8-8z",
  back: "M15.700 5.400 9.100 12l6.600 6.600-1.600 1.600L5.900 12l8.200-8.200z",
  close: "M6.400 4.900 12 10.500l5.600-5.600 1.500 1.500-5.600 5.600 5.600 5.600-1.500 1.500-5.600-5.600-5.600 5.600-1.500-1.500 5.600-5.600-5.600-5.600z",
  send: "M3.200 20.500 21.700 12 3.200 3.500 3.200 10.200 15 12 3.200 13.800z",
  clip: "M16.900 6.200v10.600a4.900 4.900 0 0 1-9.800 0V5.400a3.300 3.300 0 0 1 6.600 0v10.300a1.700 1.700 0 0 1-3.400 0V6.200H8.700v9.500a3.300 3.300 0 0 0 6.600 0V5.400a4.900 4.900 0 0 0-9.800 0v11.400a6.500 6.500 0 0 0 13 0V6.200z",
  file: "M6 2h8.500L20 7.500V22H4V2zm7.500 1.800v4.700h4.700z",
  bell: "M12 22a2.300 2.300 0 0 0 2.300-2.200H9.700A2.300 2.300 0 0 0 12 22zm7-6.200v-5.300c0-3.300-1.800-6.100-4.900-6.900v-.7a2.100 2.100 0 0 0-4.200 0v.7C6.800 4.400 5 7.200 5 10.500v5.300l-1.800 1.800v1h17.600v-1z",
  mute: "M12 22a2.300 2.300 0 0 0 2.300-2.200H9.700A2.300 2.300 0 0 0 12 22zM3.300 2.600 2 3.900l4 4c-.6 1-.9 1.700-1 2.600v5.300l-1.800 1.800v1h13.500l2.400 2.400 1.300-1.300zM19 15.200v-4.700c0-3.300-1.800-6.100-4.900-6.900v-.7a2.100 2.100 0 0 0-4.200 0v.7c-.6.1-1.200.4-1.700.7z",
  tick: "M9.200 16.200 4.900 11.900 3.500 13.300l5.700 5.700L21.500 6.700l-1.400-1.400z",
  ticks: "M17.600 6.300 16.200 4.900 9.900 11.200l1.400 1.400zM22 4.900 11.300 15.600 7 11.400l-1.400 1.400 5.700 5.700L23.500 6.300zM.500 12.800l5.700 5.700 1.400-1.400-5.700-5.700z",
  clock: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 18a8 8 0 1 1 0-16 8 8 0 0 1 0 16zm.7-13h-1.600v6l5.200 3.100.8-1.300-4.400-2.600z",
  alert: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1.100 15h-2.200v-2.200h2.200zm0-4.400h-2.200V7h2.200z",
  again: "M17.600 6.400A8 8 0 1 0 19.700 14h-2.100a6 6 0 1 1-1.400-6.200L13 11h7V4z",
  star: "M12 17.300 18.200 21l-1.600-7L22 9.200l-7.200-.6L12 2 9.200 8.600 2 9.200 7.500 14l-1.700 7z",
  go: "M8.600 5.400 15.200 12l-6.600 6.600 1.500 1.600L18.300 12l-8.200-8.200z",
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
  return h("button", { type: "button", class: "round", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** Makes the children of `parent` those of `items`. What has kept its key and its signature keeps its element. */
export function patch(parent, items, build) {
  const before = parent.kept || new Map();
  const kept = new Map();
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
}
