// From messages to what stands in the log: days, groups of one sender, and how far each message has come.

import { agentName } from "./faces.js";
import { isLive } from "./live.js";
import { dayOf } from "./words.js";

const TOGETHER_MS = 5 * 60e3;

/** The lines of a log, each with a `key` that stays and a `signature` of what it shows. */
export function linesOf(talk, pending) {
  const said = talk ? talk.messages : [];
  const here = new Set(said.map(({ mine, clientId }) => mine && clientId));
  const all = [
    ...said.map((one) => fromServer(one, talk)),
    ...pending.filter((one) => !here.has(one.clientId)).map(fromHere),
  ];
  const lines = [];
  let day = "";
  all.forEach((line, place) => {
    const today = dayOf(line.at);
    if (today !== day) lines.push({ key: `day ${today}`, kind: "day", text: today, signature: today });
    line.first = today !== day || !together(all[place - 1], line);
    line.last = !all[place + 1] || dayOf(all[place + 1].at) !== today || !together(line, all[place + 1]);
    day = today;
    lines.push(line);
  });
  const mine = all.filter((one) => one.kind === "own");
  if (mine.length) mine[mine.length - 1].latest = true;
  for (const line of all) sign(line);
  return lines;
}

function fromServer(message, talk) {
  const own = message.senderKind === "VISITOR";
  const kind = message.kind === "SYSTEM" ? "system" : own ? "own" : "theirs";
  const state = kind === "own" ? (talk.agentsReadTo >= message.seq ? "read" : "sent") : "";
  const key = (message.mine && message.clientId) || message.id;
  return { ...message, key, kind, state, at: message.createdAt, name: own ? "" : agentName(message.senderName) };
}

function fromHere({ clientId, text, files, at, failed }) {
  const state = failed ? "failed" : isLive() ? "sending" : "waiting";
  return { key: clientId, kind: "own", text, files, at: new Date(at).toISOString(), state, failed, name: "" };
}

function together(one, other) {
  if (!one || one.kind !== other.kind || one.kind === "system" || one.name !== other.name) return false;
  return new Date(other.at) - new Date(one.at) < TOGETHER_MS;
}

/** Says what a line shows: its `content`, and with that its `signature`, how it stands among others. */
function sign(line) {
  const { text, editedAt, deletedAt, first, last, latest, state, failed, files, name } = line;
  line.content = JSON.stringify([text, editedAt, deletedAt, first, name, files.map(({ id, width }) => [id, width])]);
  line.signature = JSON.stringify([line.content, last, latest, state, failed]);
}
