// The HTML of a message, shown as mailboxes show it, in a frame in which nothing runs.
//
// The frame's own page forbids scripts by its sandbox and by its policy. What we add: no opening of ours is counted by
// looking (the pixel is taken out), and links are shown but lead nowhere, because following one would count too.

import { h } from "../dom.js";

const PIXEL = /<img\b[^>]*\/t\/o\/[^>]*>/gi;
const SCRIPT = /<script\b[\s\S]*?<\/script\s*>|<\/?(?:script|iframe|object|embed|link)\b[^>]*>/gi;
const RUNNING = "script, iframe, object, embed, link, meta[http-equiv]";
/** What is written into frames as soon as they are there. */
const waiting = new WeakMap();
const [ROOM, SMALLEST] = [48, 80];
const HIGHEST = 900;

/** A frame with the message. `title` is what it is called for those who listen. */
export function letter(html, title) {
  const frame = h("iframe", { class: "letter-frame", sandbox: "allow-same-origin", src: "letter.html", title });
  waiting.set(frame, html);
  frame.addEventListener("load", () => {
    write(frame, waiting.get(frame));
    waiting.delete(frame);
  }, { once: true });
  return frame;
}

/** Another message in the same frame, without a flicker. */
export function rewrite(frame, html) {
  if (waiting.has(frame)) waiting.set(frame, html);
  else if (frame.isConnected) write(frame, html);
}

function write(frame, html) {
  const page = frame.contentDocument;
  page.open();
  page.write(html.replace(PIXEL, "").replace(SCRIPT, ""));
  page.close();
  for (const element of page.querySelectorAll("*")) {
    for (const name of element.getAttributeNames()) if (name.startsWith("on")) element.removeAttribute(name);
  }
  page.querySelectorAll(RUNNING).forEach((element) => element.remove());
  for (const link of page.querySelectorAll("a[href], area[href]")) {
    link.title = link.getAttribute("href");
    link.removeAttribute("href");
    link.style.cursor = "help";
    if (!link.style.textDecoration) link.style.textDecoration = "underline";
  }
  const all = page.createRange();
  all.selectNodeContents(page.body);
  const height = Math.ceil(all.getBoundingClientRect().bottom) + ROOM;
  frame.style.height = `${Math.min(Math.max(height, SMALLEST), HIGHEST)}px`;
}
