// What has reached this browser, and what has been read in it, is told to the agents.

import { listen } from "./bus.js";
import { MARK } from "./documents.js";
import { asVisitor } from "./session.js";
import { allTalks, put, readHere } from "./talks.js";

const DELIVERED_AFTER_MS = 400;
const delivered = new Map();
const read = new Map();
let timer = null;

/** The visitor sees everything that is in the conversation. */
export function markRead(talk) {
  const last = lastOfAgents(talk);
  if (last <= Math.max(talk.visitorReadTo, read.get(talk.id) || 0)) return;
  read.set(talk.id, last);
  delivered.set(talk.id, last);
  readHere(talk);
  mark(talk.id, last, false);
}

function lastOfAgents({ messages }) {
  return messages.reduce((last, { seq, senderKind }) => (senderKind === "VISITOR" ? last : Math.max(last, seq)), 0);
}

async function mark(conversationId, seq, deliveredOnly) {
  try {
    const { markVisitorRead } = await asVisitor(MARK, { input: { conversationId, seq, deliveredOnly } });
    put(markVisitorRead.conversation);
  } catch (refused) {
    if (refused.passing) (deliveredOnly ? delivered : read).delete(conversationId);
  }
}

function markDelivered() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const talk of allTalks().filter(({ visitorUnread }) => visitorUnread)) {
      const last = lastOfAgents(talk);
      if (last <= (delivered.get(talk.id) || 0)) continue;
      delivered.set(talk.id, last);
      mark(talk.id, last, true);
    }
  }, DELIVERED_AFTER_MS);
}

listen("arrived", markDelivered);
listen("opened", markDelivered);
