// What people wrote, as the server made HTML of it, built again element by element: only what is listed here is made,
// only the attributes that are listed are taken, and everything else is left out or stands as text.

import { h } from "../dom.js";

const ALLOWED = new Set(["a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
  "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"]);
const SILENT = new Set(["script", "style", "template", "iframe", "object", "noscript", "title", "textarea"]);
const HEADINGS = /^h[1-6]$/;
const HTML = "http://www.w3.org/1999/xhtml";
const DEEPEST = 30;

/** Nodes for trusted places of what untrusted `html` says. The parser's document is inert: nothing in it runs or loads. */
export function builtFrom(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return rebuilt(parsed.body, 0);
}

function rebuilt(parent, depth) {
  if (depth > DEEPEST) return [parent.textContent];
  return [...parent.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [node.data];
    if (node.nodeType !== Node.ELEMENT_NODE) return [];
    const tag = node.localName;
    if (SILENT.has(tag) || node.namespaceURI !== HTML) return [];
    const children = rebuilt(node, depth + 1);
    if (!ALLOWED.has(tag)) return children;
    // A heading inside a message is no heading of the page.
    if (HEADINGS.test(tag)) return [h("p", { class: "strong" }, children)];
    return [h(tag, attributes(tag, node), children)];
  });
}

function attributes(tag, node) {
  if (tag === "a") return link(node.getAttribute("href"));
  if (tag === "ol" && /^\d{1,6}$/.test(node.getAttribute("start") ?? "")) return { start: node.getAttribute("start") };
  return null;
}

function link(address) {
  const href = safeAddress(address);
  return href && { href, target: "_blank", rel: "noopener noreferrer nofollow" };
}

/** An absolute address that a click may lead to, or null. */
export function safeAddress(address) {
  try {
    const url = new URL(address ?? "");
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
