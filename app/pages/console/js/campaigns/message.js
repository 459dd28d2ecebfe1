// What was said in one message, as it was handed over: the letter itself, its plain text and its headers.

import { h } from "../dom.js";
import { pairs, plain } from "../format.js";
import { letter } from "./letter.js";

export const MESSAGE = "fragment Said on ArchivedMessage { fromAddress replyTo subject preheader body plain headers fields createdAt }";

/** A card with the message. */
export function messageCard(channel, message) {
  const isMail = channel.toUpperCase() === "EMAIL";
  const headers = (message.headers ?? []).map(({ name, value }) => [name, value]);
  const more = Object.entries(message.fields ?? {}).filter(([, value]) => value).map(([name, value]) => [name, plain(value)]);
  return h("section", { class: "card stack", "aria-label": "Message" },
    h("div", { class: "letter-head", dir: "auto" }, message.subject && h("strong", null, message.subject), message.preheader && h("span", { class: "quiet small" }, message.preheader)),
    pairs([["From", message.fromAddress || null], ["Answers go to", message.replyTo || null], ...more]),
    isMail ? h("div", null, letter(message.body, "The message as it was sent")) : h("div", { class: "letter", dir: "auto" }, message.body),
    isMail && h("details", null, h("summary", null, "Plain text"), h("pre", { dir: "auto" }, message.plain)),
    headers.length > 0 && h("details", null, h("summary", null, "Headers"), pairs(headers)));
}
