// The first screen: a greeting, whether somebody is there, and the visitor's conversations.

import { h, icon, iconButton, patch } from "./dom.js";
import { agentName, back, face, presence } from "./faces.js";
import { session } from "./session.js";
import { show } from "./state.js";
import { allTalks, currentTalk } from "./talks.js";
import { say, shortly } from "./words.js";

/** The screen and how it is drawn. */
export function buildHome(close) {
  const title = h("h2");
  const greeting = h("p", { class: "greeting" });
  const there = h("p", { class: "there" });
  const start = h("button", {
    type: "button",
    class: "card start",
    onclick: () => show({ screen: "talk", talkId: null }),
  });
  const heading = h("h3");
  const list = h("ul", { class: "card talks" });
  const closing = iconButton("close", "", close);
  const element = h(
    "div",
    { class: "home" },
    h("header", { class: "hero" }, closing, title, greeting, there),
    h("div", { class: "cards" }, start, heading, list),
  );

  function draw() {
    closing.setAttribute("aria-label", say("close"));
    title.textContent = say("title");
    greeting.textContent = say("greeting");
    there.textContent = presence();
    there.classList.toggle("on", session.isOpen);
    const note = session.isOpen ? say("start_note") : session.opensAt ? back() : say("away_note");
    start.replaceChildren(h("span", {}, h("b", {}, say("start")), h("small", {}, note)), icon("send"));
    const talks = allTalks();
    heading.textContent = say("talks");
    heading.hidden = list.hidden = talks.length === 0;
    patch(list, talks.map(rowOf), buildRow);
  }
  return { element, draw, begin: () => start };
}

function rowOf(talk) {
  const { id, lastText, lastMessageAt, createdAt, assigneeName, visitorUnread, lastSenderKind } = talk;
  const name = agentName(assigneeName);
  const when = shortly(lastMessageAt || createdAt);
  const said = lastSenderKind === "VISITOR" ? `${say("you")}: ${lastText}` : lastText;
  const row = { id, name, when, said, unread: visitorUnread, isCurrent: talk === currentTalk() };
  return { ...row, key: id, signature: JSON.stringify([row, say("team")]) };
}

function buildRow({ id, name, when, said, unread, isCurrent }) {
  const open = () => show({ screen: "talk", talkId: isCurrent ? null : id });
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", onclick: open },
      face(name),
      h(
        "span",
        { class: "about" },
        h("span", { class: "top" }, h("b", {}, name || say("team")), h("time", {}, when)),
        h("span", { class: "glance", dir: "auto" }, said),
      ),
      unread > 0 &&
        h(
          "span",
          { class: "count" },
          h("span", { class: "unseen" }, say("unread", { n: unread })),
          h("span", { "aria-hidden": "true" }, unread),
        ),
    ),
  );
}
