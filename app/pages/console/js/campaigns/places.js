// Where in a campaign something is wrong, as people say it.

import { ask } from "../graph.js";
import { GraphError } from "../wire.js";
import { channelWords, languageWords } from "./words.js";

const PARTS = { subject: "Subject", preheader: "Preheader", body: "Body", plain: "Plain text", from_address: "From", reply_to: "Reply to", layout: "Layout",
  audience: "Audience", schedule: "Schedule", contents: "Contents" };

const SECONDS = { throttlePerS: "throttlePerSecond", "goal.withinS": "goal.withinSeconds", decidesAfterS: "decidesAfterSeconds" };

/** Asks, and names the fields of what is refused as the input names them, also where the graph says `…S`. */
export async function askPlainly(document, variables) {
  try {
    return await ask(document, variables);
  } catch (error) {
    if (error instanceof GraphError) error.issues = error.issues.map(({ field, message }) => ({ field: SECONDS[field] ?? field, message }));
    throw error;
  }
}

/** A path of an issue: `contents.<number>.<part>`, `contents.<channel>.<group>`, or a part of the campaign. */
export function issuePlace(campaign, path) {
  const [first, second, ...rest] = path.split(".");
  if (first !== "contents" || !second) return PARTS[first] ?? path;
  const content = campaign.contents.find(({ number }) => String(number) === second);
  if (content) return `${contentWords(campaign, content)}: ${PARTS[rest.join(".")] ?? rest.join(".")}`;
  return contentWords(campaign, { channel: second, testGroup: Number(rest[0] ?? 0), language: "" });
}

/** What a content is called: its channel, test group and language. */
export function contentWords(campaign, { channel, testGroup, language }) {
  const isAlone = !language && campaign.contents.every((one) => !one.language);
  const parts = [campaign.channels.length > 1 && channelWords(channel), groupWords(campaign, testGroup), isAlone ? "Everybody" : languageWords(language)];
  return parts.filter(Boolean).join(" · ");
}

/** A test group's name; nothing where there is but one. */
export function groupWords({ experiment }, position) {
  const group = experiment?.groups.find((one) => one.position === position);
  return group ? group.name : position > 0 && `Group ${position + 1}`;
}
