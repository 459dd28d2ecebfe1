// Who is writing right now: the visitor, told to the agents now and then; and the agent, shown while it is fresh.

import { changed, listen } from "./bus.js";
import { TYPE, TYPING } from "./documents.js";
import { follow } from "./live.js";
import { asVisitor } from "./session.js";

const TELL_EVERY_MS = 3000;
const STOPPED_AFTER_MS = 6000;
const FRESH_MS = 10_000;

let told = { id: null, at: 0 };
let stopping = null;
let watched = { id: null, end: null };
let writer = null;
let fading = null;

/** The name of the agent who is writing in the conversation that is watched; null if nobody is. */
export function agentWriting() {
  return writer;
}

/** Shows who writes in a conversation; null: nobody is looking. */
export function watchTyping(id) {
  if (watched.id === id) return;
  if (watched.end) watched.end();
  watched = { id, end: id && follow(TYPING, { id }, { heard, refused: () => {} }) };
  setWriter(null);
}

/** The visitor writes, or has stopped. */
export function tellTyping(id, typing) {
  clearTimeout(stopping);
  if (!id) return;
  if (typing) stopping = setTimeout(() => tellTyping(id, false), STOPPED_AFTER_MS);
  const isNews = typing ? told.id !== id || Date.now() - told.at > TELL_EVERY_MS : told.id === id;
  if (!isNews) return;
  told = typing ? { id, at: Date.now() } : { id: null, at: 0 };
  asVisitor(TYPE, { input: { conversationId: id, typing } }).catch(() => {});
}

function heard({ kind, name, typing }) {
  if (kind === "AGENT") setWriter(typing ? name : null);
}

function setWriter(name) {
  clearTimeout(fading);
  if (name !== null) fading = setTimeout(() => setWriter(null), FRESH_MS);
  if (writer !== name) changed();
  writer = name;
}

listen("arrived", ({ message }) => message.senderKind === "AGENT" && setWriter(null));
listen("forgotten", () => {
  watched = { id: null, end: null };
});
