// How one line of a conversation is drawn: a message of either side, a note, or what the system says.

import { button, h, icon } from "../dom.js";
import { avatar, moment } from "../format.js";
import { fileList } from "./files.js";
import { builtFrom } from "./markup.js";
import { before } from "./revisions.js";
import { clock, methodWords, sentence, soon, stars } from "./words.js";

const LONG_GAP_MS = 5 * 60_000;

/** Whether two lines belong together, so that the second needs no name. */
export function continues(line, last) {
  return Boolean(last) && last.kind === line.kind && line.senderKind !== "SYSTEM" && last.senderKind === line.senderKind
    && last.senderName === line.senderName && new Date(line.createdAt) - new Date(last.createdAt) < LONG_GAP_MS;
}

/** A line. `reach`: how far one of ours has come (sent, delivered or read; `last` of all is told in words); `acts` are
 * {edit(line), remove(line)} for those who may, else null. */
export function lineItem(line, { follows, who, whoId, reach, acts }) {
  if (line.senderKind === "SYSTEM") return systemItem(line);
  const side = line.kind === "NOTE" ? "note" : line.senderKind === "VISITOR" ? "theirs" : "ours";
  const name = line.senderKind === "VISITOR" ? line.senderName || who : line.senderName || "API";
  const face = line.senderKind === "VISITOR" ? avatar(name, whoId) : avatar(name, line.sender?.id ?? name);
  const label = side === "note" ? `Note by ${name}` : name;
  return h("li", { class: `line ${side}${follows ? " follows" : ""}`, "data-message": line.id, "data-seq": line.seq },
    h("span", { class: "face" }, follows ? null : face),
    h("div", { class: "body" },
      h("p", { class: `by${follows ? " unseen" : ""}` }, side === "note" && icon("note"), h("span", { class: "strong" }, label)),
      h("div", { class: "bubble" }, content(line)),
      line.deletedAt ? null : fileList(line.files),
      h("p", { class: "under" }, h("time", { datetime: line.createdAt, title: new Date(line.createdAt).toLocaleString() }, clock(line.createdAt)),
        line.editedAt && !line.deletedAt && before(line.id, "edited"), reach && !line.deletedAt && readMark(reach))),
    acts && !line.deletedAt && h("div", { class: "acts" },
      button(icon("pencil"), () => acts.edit(line), "bare slight", { "aria-label": "Edit message", title: "Edit" }),
      button(icon("trash"), () => acts.remove(line), "bare slight", { "aria-label": "Delete message", title: "Delete" })));
}

/** What has not reached the server yet, or was refused. */
export function pendingItem(entry, { name, id, again, discard, follows }) {
  const state = entry.problem ? [h("span", { class: "wrong" }, `Not sent: ${entry.problem}`),
    button("Try again", again, "bare slight"), button("Discard", discard, "bare slight")]
    : h("span", null, icon("clock"), navigator.onLine ? "Sending…" : "Waits for the connection");
  return h("li", { class: `line pending ${entry.kind === "note" ? "note" : "ours"}${follows ? " follows" : ""}`, "data-client": entry.clientId },
    h("span", { class: "face" }, avatar(name, id)),
    h("div", { class: "body" }, h("p", { class: "by" }, entry.kind === "note" && icon("note"),
      h("span", { class: "strong" }, entry.kind === "note" ? `Note by ${name}` : name)),
    h("div", { class: "bubble" }, h("p", { class: "as-written" }, entry.text)), fileList(entry.files),
    h("p", { class: "under" }, state)));
}

function content(line) {
  if (line.deletedAt) return h("p", { class: "gone" }, "This message was ", before(line.id, "deleted"), ".");
  if (!line.html && !line.text) return null;
  return line.html ? builtFrom(line.html) : h("p", { class: "as-written" }, line.text);
}

/** How far the other side's marks say that a line has come. */
export function reachOf(seq, { visitorReadTo, visitorDeliveredTo }) {
  if (seq <= visitorReadTo) return "read";
  return seq <= visitorDeliveredTo ? "delivered" : "sent";
}

function readMark({ state, last }) {
  return h("span", { class: `ticks ${state}`, title: sentence(state) }, icon(state === "sent" ? "check" : "checks"),
    h("span", { class: last ? "" : "unseen" }, sentence(state)));
}

function systemItem(line) {
  return h("li", { class: "line system", "data-message": line.id, "data-seq": line.seq },
    h("span", null, systemWords(line), " ", moment(line.createdAt, "clock")));
}

/** What a system line says: the text that the server made, with what we know better from its data. */
function systemWords({ text, data }) {
  if (data?.event === "rated" && data.score) return ["Rated ", stars(data.score), data.comment && h("q", null, data.comment)];
  if (data?.event === "snoozed" && data.until) return `Snoozed until ${soon(data.until)}`;
  if (text) return text;
  if (data?.event === "assigned") return [data.name ? `Assigned to ${data.name}` : "Back in the queue", data.method && ` (${methodWords(data.method).toLowerCase()})`];
  if (data?.event === "unassigned") return "Back in the queue";
  if (data?.event === "team") return data.name ? `Given to the team ${data.name}` : "Taken from its team";
  return sentence(data?.event ?? "Something changed");
}
