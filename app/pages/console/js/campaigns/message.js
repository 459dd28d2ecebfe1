// What was said in one message, as it was handed over: the letter itself, its plain text and its headers.

import { h } from "../dom.js";
import { pairs, plain, words } from "../format.js";
import { letter } from "./letter.js";
import { bytesOf, sizeWords } from "./parcels.js";

export const MESSAGE = "fragment Said on ArchivedMessage { fromAddress replyTo subject preheader body plain headers fields createdAt }";

/** A card with the message. */
export function messageCard(channel, message) {
  const isMail = channel.toUpperCase() === "EMAIL";
  const headers = (message.headers ?? []).map(({ name, value }) => [name, value]);
  const { attachments, cc, bcc, amp: _, ...fields } = message.fields ?? {};
  const more = Object.entries(fields).filter(([, value]) => value).map(([name, value]) => [words(name), plain(value)]);
  const files = Object.entries(attachments ?? {}).map(([name, content]) => `${name} (${sizeWords(bytesOf(content))})`);
  return h("section", { class: "card stack", "aria-label": "Message" },
    h("div", { class: "letter-head", dir: "auto" }, message.subject && h("strong", null, message.subject), message.preheader && h("span", { class: "quiet small" }, message.preheader)),
    pairs([["From", message.fromAddress || null], ["Answers go to", message.replyTo || null], ["Copies to", cc || null], ["Hidden copies to", bcc || null],
      ["Attachments", files.join(", ") || null], ...more]),
    isMail ? h("div", null, letter(message.body, "The message as it was sent")) : h("div", { class: "letter", dir: "auto" }, message.body),
    isMail && h("details", null, h("summary", null, "Plain text"), h("pre", { dir: "auto" }, message.plain)),
    headers.length > 0 && h("details", null, h("summary", null, "Headers"), pairs(headers)));
}
