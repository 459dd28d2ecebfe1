// One line of the log as elements.

import { h, icon } from "./dom.js";
import { agentName, face } from "./faces.js";
import { markup } from "./markup.js";
import { discard, sendAgain } from "./outbox.js";
import { linkOf } from "./uploads.js";
import { bytes, clockTime, say } from "./words.js";

const WIDEST = 236;
const HIGHEST = 260;
const STATES = { sending: "clock", waiting: "clock", sent: "tick", read: "ticks", failed: "alert" };

/** The element of a line. Of `before`, the one that it replaces, what has not changed stays: no picture is loaded again
 * and nothing is read out twice. */
export function buildLine(line, before) {
  if (line.kind === "day") return h("div", { class: "day", role: "separator" }, h("span", {}, line.text));
  if (line.kind === "system") return h("div", { class: "system" }, systemText(line));
  const element = before && before.content === line.content ? before : h("div", {}, h("span"), said(line));
  const classes = ["line", line.kind, line.first && "first", line.last && "last", line.state, !before && "new"];
  element.content = line.content;
  element.className = classes.filter(Boolean).join(" ");
  element.dataset.id = line.id || line.key;
  element.firstChild.replaceWith(
    line.kind === "own" ? h("span") : line.last ? face(line.name) : h("span", { class: "face none" }),
  );
  element.lastChild.lastChild.replaceChildren(...meta(line));
  return element;
}

function said(line) {
  return h(
    "div",
    { class: "said" },
    line.first && line.kind === "theirs" && h("div", { class: "name" }, line.name || say("team")),
    h("span", { class: "unseen" }, line.kind === "own" ? `${say("you")}: ` : ""),
    ...content(line),
    h("div", { class: "meta", "aria-live": "off" }),
  );
}

function content(line) {
  if (line.deletedAt) return [h("div", { class: "bubble gone" }, say("deleted"))];
  const text = line.text && h("div", { class: "bubble", dir: "auto" }, ...body(line));
  return [text, ...line.files.map((file) => (isPicture(file) ? picture(file) : card(file)))];
}

/** What agents write is Markdown; what visitors write they see as they wrote it. */
function body({ kind, html, text, editedAt }) {
  return [
    kind === "theirs" ? markup(html) : h("p", {}, text),
    editedAt && h("small", { class: "edited" }, ` ${say("edited")}`),
  ];
}

function meta({ last, latest, state, failed, at, key }) {
  if (state === "failed") {
    return [
      icon("alert"),
      say("failed", { why: failed }),
      h("button", { type: "button", class: "plain", onclick: () => sendAgain(key) }, say("retry")),
      h("button", { type: "button", class: "plain", onclick: () => discard(key) }, say("remove")),
    ];
  }
  if (!last && !["sending", "waiting"].includes(state)) return [];
  const time = h("time", { datetime: at }, clockTime(at));
  return state ? [time, h("span", { class: latest ? "" : "unseen" }, say(state)), icon(STATES[state])] : [time];
}

function systemText({ data, text }) {
  const { event, name } = data || {};
  return say(`system_${event}`, { name: agentName(name) || say("team") }, text);
}

function isPicture({ mimeType, width }) {
  return width && /^image\/(png|jpeg|gif|webp|avif)$/.test(mimeType);
}

function picture(file) {
  const scale = Math.min(1, WIDEST / file.width, HIGHEST / file.height);
  const image = h("img", {
    alt: file.name,
    width: Math.round(file.width * scale),
    height: Math.round(file.height * scale),
  });
  const frame = h("button", { type: "button", class: "picture", title: file.name, onclick: () => open(file) }, image);
  image.onload = () => frame.classList.add("loaded");
  image.onerror = () => image.src && frame.replaceWith(card(file));
  linkOf(file.id).then(
    (url) => {
      image.src = url;
    },
    () => frame.replaceWith(card(file)),
  );
  return frame;
}

function card(file) {
  return h(
    "button",
    { type: "button", class: "bubble file", onclick: () => open(file) },
    icon("file"),
    h("span", {}, h("b", { dir: "auto" }, file.name), h("small", {}, bytes(file.size))),
  );
}

async function open(file) {
  const url = await linkOf(file.id);
  h("a", { href: url, target: "_blank", rel: "noopener" }).click();
}
