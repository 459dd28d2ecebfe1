// What the visitor has written and the server has not confirmed. It is kept in the browser until it has arrived, under
// a name of its own, by which the server says it once however often it is sent. One tab at a time sends.

import { changed, listen, tell } from "./bus.js";
import { SEND } from "./documents.js";
import { asVisitor } from "./session.js";
import { inTurn, newName, onOtherTab, recall, remember, remembered } from "./storage.js";
import { hasArrived, put, talkOf } from "./talks.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

let failures = 0;
let retry = null;
let sending = false;

/** What waits, in the order in which it was written: {clientId, talkId, text, files, at, failed?}. */
export function waiting() {
  return remembered("out:")
    .map(recall)
    .filter(Boolean)
    .sort((a, b) => a.at - b.at || (a.clientId < b.clientId ? -1 : 1));
}

/** Takes a message; null as `talkId` means the current conversation, or a new one. */
export function send(talkId, text, files) {
  const last = waiting().pop();
  const at = Math.max(Date.now(), last ? last.at + 1 : 0);
  keep({ clientId: newName(), talkId, text, files, at });
  flush();
}

/** Tries again what was refused. */
export function sendAgain(clientId) {
  const one = recall(`out:${clientId}`);
  if (one) keep({ ...one, failed: null });
  flush();
}

/** Gives a message up. */
export function discard(clientId) {
  remember(`out:${clientId}`, null);
  changed();
}

/** Sends everything that waits, one after the other. Called again and again it does no harm. */
export async function flush() {
  clearTimeout(retry);
  if (sending || !waiting().length) return;
  sending = true;
  try {
    await inTurn("sending", sendAll);
    failures = 0;
  } catch (refused) {
    failures += 1;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    retry = setTimeout(flush, refused.retryAfter ? refused.retryAfter * 1000 : wait);
  }
  sending = false;
  changed();
}

async function sendAll() {
  for (;;) {
    const next = waiting().find(({ failed }) => !failed);
    if (!next) return;
    if (hasArrived(next.clientId)) remember(`out:${next.clientId}`, null);
    else await sendOne(next);
  }
}

async function sendOne({ clientId, talkId, text, files, ...rest }) {
  const input = { conversationId: talkId, text, fileIds: files.map(({ id }) => id), clientId };
  try {
    const { message, conversation } = (await asVisitor(SEND, { input })).sendVisitorMessage;
    put(conversation, message);
    remember(`out:${clientId}`, null);
    tell("sent", { talk: talkOf(conversation.id), message });
  } catch (refused) {
    if (!refused.code || refused.passing) throw refused;
    if (recall(`out:${clientId}`)) keep({ clientId, talkId, text, files, ...rest, failed: refused.message });
  }
  changed();
}

function keep(one) {
  remember(`out:${one.clientId}`, one);
  changed();
}

function soon() {
  failures = Math.min(failures, 1);
  flush();
}

window.addEventListener("online", soon);
listen("live", soon);
listen("opened", soon);
listen("forgotten", () => waiting().forEach(({ clientId }) => discard(clientId)));
onOtherTab((name) => name.startsWith("out:") && changed());
