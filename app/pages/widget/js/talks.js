// The visitor's conversations as they are known here. Everything that comes, from whichever side and however often,
// is put in its place by its id, so that nothing is shown twice or out of order.

import { changed, listen, tell } from "./bus.js";
import { FOLLOW } from "./documents.js";
import { connect, follow } from "./live.js";
import { reload } from "./session.js";

const talks = new Map();
let unfollow = null;

/** All conversations, the latest first. */
export function allTalks() {
  const at = (talk) => talk.lastMessageAt || talk.createdAt;
  return [...talks.values()].sort((a, b) => (at(a) < at(b) ? 1 : -1));
}

export function talkOf(id) {
  return talks.get(id) || null;
}

/** The conversation in which the next message goes unless another is chosen. */
export function currentTalk() {
  return allTalks().find(({ status }) => status !== "CLOSED") || null;
}

export function unreadCount() {
  return [...talks.values()].reduce((sum, { visitorUnread }) => sum + visitorUnread, 0);
}

/** Whether a message that this browser has made is known to have arrived. */
export function hasArrived(clientId) {
  return [...talks.values()].some(({ messages }) => messages.some((one) => one.mine && one.clientId === clientId));
}

/** Puts in what the server says of a conversation, and perhaps a message of it. Returns whether the message is new. */
export function put(conversation, message) {
  const known = talks.get(conversation.id);
  const talk = known || { messages: [], more: null };
  const late = known && conversation.head < known.head;
  if (!late) Object.assign(talk, conversation, highest(known, conversation));
  talks.set(conversation.id, talk);
  const isNew = Boolean(message) && place(talk, message);
  changed();
  return isNew;
}

/** Puts older messages before those known. */
export function putOlder(talk, { nodes, pageInfo }) {
  for (const message of nodes) place(talk, message);
  talk.more = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  changed();
}

/** What has been read here need not wait for the server to say so. */
export function readHere(talk) {
  talk.visitorUnread = 0;
  changed();
}

function highest(known, { visitorReadTo, agentsReadTo }) {
  if (!known) return {};
  return {
    visitorReadTo: Math.max(known.visitorReadTo, visitorReadTo),
    agentsReadTo: Math.max(known.agentsReadTo, agentsReadTo),
  };
}

function place(talk, message) {
  const { messages } = talk;
  const same = messages.findIndex(({ id }) => id === message.id);
  if (same >= 0) {
    if (!messages[same].deletedAt) messages[same] = message;
    return false;
  }
  const after = messages.findIndex(({ seq }) => seq > message.seq);
  messages.splice(after < 0 ? messages.length : after, 0, message);
  return true;
}

/** A whole session: what is no longer in it is gone; where its pages do not reach ours, ours are let go. */
function putSession({ conversations, snapshotCursor }) {
  for (const { messages, ...conversation } of conversations.nodes) {
    const known = talks.get(conversation.id);
    const oldest = messages.nodes.length ? messages.nodes[messages.nodes.length - 1].seq : 0;
    const joined = known && known.messages.some(({ seq }) => seq >= oldest);
    if (known && !joined) known.messages = [];
    put(conversation);
    const talk = talks.get(conversation.id);
    for (const message of messages.nodes) place(talk, message);
    if (!joined) talk.more = messages.pageInfo.hasNextPage ? messages.pageInfo.endCursor : null;
  }
  const here = new Set(conversations.nodes.map(({ id }) => id));
  if (!conversations.nodes.length) talks.clear();
  else if (here.size < 12) for (const id of talks.keys()) if (!here.has(id)) talks.delete(id);
  changed();
  if (unfollow) unfollow();
  unfollow = follow(FOLLOW, {}, { after: snapshotCursor, heard, refused: () => tell("error", { code: "FORBIDDEN" }) });
  connect();
}

function heard(item) {
  if (item.__typename === "FeedGap") {
    reload().catch(() => setTimeout(() => reload().catch(() => {}), 5000));
    return;
  }
  const { change, conversation, message } = item;
  if (!conversation) return;
  const before = talkOf(conversation.id);
  const isNew = put(conversation, message);
  if (isNew && change === "MESSAGE_CREATED") tell("arrived", { talk: talkOf(conversation.id), message });
  tell("heard", { change, talk: talkOf(conversation.id), before });
}

listen("opened", putSession);
listen("forgotten", () => {
  talks.clear();
  unfollow = null;
});
