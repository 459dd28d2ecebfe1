// What is open, and where one is in it. Kept for the tab, so that the next page of the site shows the same.

import { changed } from "./bus.js";
import { allTalks, currentTalk, talkOf, unreadCount } from "./talks.js";

const NAME = "rapport:shown";

export const shown = { isOpen: false, screen: "home", talkId: null, ...kept() };

/** Whether the visitor is looking at this conversation now. */
export function isLookedAt(talk) {
  return shown.isOpen && shown.screen === "talk" && !document.hidden && shownTalk() === talk;
}

/** The conversation on the screen; null for one that has not begun. */
export function shownTalk() {
  return shown.talkId ? talkOf(shown.talkId) : currentTalk();
}

export function show(change) {
  Object.assign(shown, change);
  try {
    sessionStorage.setItem(NAME, JSON.stringify(shown));
  } catch {
    // It is forgotten with the page.
  }
  changed();
}

/** Where somebody wants to be who opens the window: at what is new, else where they were. */
export function whereToBegin() {
  const unread = unreadCount() && allTalks().find(({ visitorUnread }) => visitorUnread);
  if (unread) return { screen: "talk", talkId: unread.id };
  return shown.screen === "talk" && !shownTalk() && !currentTalk() ? { screen: "home", talkId: null } : {};
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME)) || {};
  } catch {
    return {};
  }
}
