// What agents wrote comes as HTML of a few kinds. It is read here token by token and built anew from an allow-list, so
// that whatever the text says, nothing but these elements with nothing but a checked link can come of it.

import { h } from "./dom.js";

const ALLOWED = new Set("a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong ul".split(" "));
const EMPTY = new Set(["br", "hr"]);
const TOKEN = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*\/?>|([^<]+)|</gi;
const HREF = /\shref="([^"]*)"/i;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi;
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const DEEPEST = 20;

/** A fragment that shows `html`. */
export function markup(html) {
  const root = document.createDocumentFragment();
  const open = [root];
  for (const [token, closing, name, attributes, text] of html.matchAll(TOKEN)) {
    const top = open[open.length - 1];
    const tag = name && name.toLowerCase();
    if (text !== undefined || !tag) top.append(plain(token));
    else if (!ALLOWED.has(tag)) continue;
    else if (closing) close(open, tag);
    else {
      const element = tag === "a" ? link(HREF.exec(attributes)) : h(tag);
      top.append(element);
      if (!EMPTY.has(tag) && open.length < DEEPEST) open.push(element);
    }
  }
  return root;
}

function close(open, tag) {
  const place = open.findLastIndex ? open.findLastIndex((one) => one.localName === tag) : lastOf(open, tag);
  if (place > 0) open.length = place;
}

function lastOf(open, tag) {
  return open.map(({ localName }) => localName).lastIndexOf(tag);
}

function link(found) {
  let address;
  try {
    address = new URL(plain(found[1]), location.href);
  } catch {
    return h("a");
  }
  if (!["http:", "https:", "mailto:"].includes(address.protocol)) return h("a");
  return h("a", { href: address.href, target: "_blank", rel: "noopener nofollow noreferrer" });
}

function plain(text) {
  return text.replace(ENTITY, (whole, decimal, hex, name) => {
    const point = decimal ? Number(decimal) : parseInt(hex, 16);
    if (name) return NAMED[name.toLowerCase()];
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
