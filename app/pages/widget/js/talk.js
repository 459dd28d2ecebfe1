// The conversation on the screen.

import { changed, listen, tell } from "./bus.js";
import { mustGiveEmail, questions } from "./asking.js";
import { buildLine } from "./bubbles.js";
import { buildComposer } from "./composer.js";
import { OLDER } from "./documents.js";
import { h, icon, iconButton, patch } from "./dom.js";
import { agentName, back, face, presence } from "./faces.js";
import { linesOf } from "./lines.js";
import { isLive } from "./live.js";
import { markRead } from "./marks.js";
import { waiting } from "./outbox.js";
import { asVisitor, reload, session } from "./session.js";
import { soundIsOn, turnSound } from "./sound.js";
import { isLookedAt, show, shown, shownTalk } from "./state.js";
import { currentTalk, putOlder } from "./talks.js";
import { agentWriting, watchTyping } from "./typing.js";
import { say } from "./words.js";

const NEAR_PX = 80;
const ASK_QUEUE_MS = 15_000;
const OFFLINE_AFTER_MS = 2500;

/** The screen and how it is drawn. */
export function buildTalk(close) {
  const goBack = iconButton("back", "", () => show({ screen: "home", talkId: null }));
  const closing = iconButton("close", "", close);
  const sound = iconButton("mute", "", () => {
    turnSound(!soundIsOn());
    draw();
  });
  const who = h("h2");
  const about = h("p", { class: "there" });
  const whose = h("span", { class: "whose" });
  const notice = h("p", { class: "notice", role: "status" });
  const earlier = h("button", { type: "button", class: "plain earlier", onclick: loadEarlier });
  const welcome = h("div", { class: "welcome" });
  const lines = h("div", { class: "lines" });
  const typing = h("div", { class: "line theirs typing last" });
  const asked = h("div", { class: "asked" });
  const log = h(
    "div",
    { class: "log", role: "log", "aria-live": "polite", tabIndex: 0, onscroll: scrolled },
    earlier,
    welcome,
    lines,
    typing,
  );
  const newer = h("button", { type: "button", class: "newer", onclick: () => toEnd(true) });
  const composer = buildComposer(() => toEnd(true));
  const dropping = h("div", { class: "dropping" }, h("span"));
  const element = h(
    "div",
    { class: "talk", ondragenter: dragged, ondragover: dragged, ondragleave: left, ondrop: dropped },
    h("header", { class: "bar" }, goBack, whose, h("div", { class: "about" }, who, about), sound, closing),
    notice,
    h("div", { class: "middle" }, log, newer),
    asked,
    composer.element,
    dropping,
  );
  let atEnd = true;
  let drawnTalk;
  let lostAt = 0;

  function draw() {
    const talk = shownTalk();
    if (talk) shown.talkId = talk.id;
    const pending = waiting().filter((one) => isOf(one, talk));
    if (drawnTalk !== (talk && talk.id)) {
      atEnd = true;
      drawnTalk = talk && talk.id;
    }
    drawHead(talk);
    drawNotice();
    drawWelcome(talk);
    log.setAttribute("aria-label", who.textContent);
    earlier.hidden = !(talk && talk.more);
    earlier.textContent = say("earlier");
    patch(lines, linesOf(talk, pending), buildLine);
    drawTyping();
    patch(asked, questions(talk, pending.length > 0 || Boolean(talk)), ({ build }) => build());
    composer.field.disabled = mustGiveEmail();
    composer.draw();
    dropping.firstChild.textContent = say("drop");
    newer.replaceChildren(say("newer"), icon("down"));
    if (atEnd) toEnd(false);
    newer.hidden = atEnd || !(talk && talk.visitorUnread);
    if (talk && isLookedAt(talk) && atEnd) markRead(talk);
    watchTyping(shown.isOpen && talk && talk.status !== "CLOSED" ? talk.id : null);
  }

  function drawHead(talk) {
    const name = agentName(talk && talk.assigneeName);
    who.textContent = name || say("team");
    about.textContent = talk && talk.queuePosition ? queue(talk.queuePosition) : presence();
    about.classList.toggle("on", session.isOpen);
    if (whose.dataset.name !== name) whose.replaceChildren(face(name));
    whose.dataset.name = name;
    const on = soundIsOn();
    for (const [button, label] of [
      [goBack, "back"],
      [closing, "close"],
      [sound, on ? "sound_off" : "sound_on"],
    ]) {
      button.setAttribute("aria-label", say(label));
      button.title = say(label);
    }
    sound.replaceChildren(icon(on ? "bell" : "mute"));
  }

  function drawNotice() {
    const lost = !isLive();
    if (!lost) lostAt = 0;
    else if (!lostAt) {
      lostAt = Date.now();
      setTimeout(draw, OFFLINE_AFTER_MS + 50);
    }
    const told = lost && (!navigator.onLine || Date.now() - lostAt > OFFLINE_AFTER_MS) ? say("offline") : "";
    if (notice.textContent !== told) notice.textContent = told;
  }

  function drawWelcome(talk) {
    welcome.hidden = Boolean(talk) && (talk.more || talk !== currentTalk());
    const away = session.isOpen ? "" : [say("away_note"), session.opensAt && back()].filter(Boolean).join(" ");
    const items = [{ key: "hello", text: say("greeting") }, ...(away ? [{ key: "away", text: away }] : [])];
    patch(
      welcome,
      items.map((one) => ({ ...one, signature: one.text + away })),
      ({ key, text }) =>
        h(
          "div",
          { class: "line theirs" },
          away && key === "hello" ? h("span", { class: "face none" }) : face(""),
          h("div", { class: "said" }, h("div", { class: "bubble", dir: "auto" }, text)),
        ),
    );
  }

  function drawTyping() {
    const name = agentWriting();
    typing.hidden = name === null;
    if (name === null || typing.dataset.name === name) return;
    typing.dataset.name = name;
    const words = say("typing", { name: agentName(name) || say("team") });
    typing.replaceChildren(
      face(agentName(name)),
      h(
        "div",
        { class: "said" },
        h("div", { class: "bubble dots", title: words }, h("span", { class: "unseen" }, words), h("i"), h("i"), h("i")),
      ),
    );
  }

  function queue(position) {
    return position === 1 ? say("queue_next") : say("queue", { n: position });
  }

  function scrolled() {
    const was = atEnd;
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    if (atEnd !== was) draw();
  }

  function toEnd(smoothly) {
    atEnd = true;
    const behavior = smoothly && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant";
    requestAnimationFrame(() => log.scrollTo({ top: log.scrollHeight, behavior }));
    newer.hidden = true;
  }

  async function loadEarlier() {
    const talk = shownTalk();
    const height = log.scrollHeight - log.scrollTop;
    earlier.disabled = true;
    try {
      const answer = await asVisitor(OLDER, { id: talk.id, after: talk.more });
      putOlder(talk, answer.visitorConversation.messages);
      draw();
      log.scrollTop = log.scrollHeight - height;
      log.focus();
    } catch (refused) {
      tell("error", refused);
    }
    earlier.disabled = false;
  }

  function dragged(event) {
    if (!session.settings.files || ![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    element.classList.add("over");
  }

  function left(event) {
    if (!element.contains(event.relatedTarget)) element.classList.remove("over");
  }

  function dropped(event) {
    left({ relatedTarget: null });
    const files = [...event.dataTransfer.files];
    if (!files.length || !session.settings.files) return;
    event.preventDefault();
    composer.add(files);
  }

  setInterval(() => {
    const talk = shown.isOpen && !document.hidden && shownTalk();
    if (talk && talk.queuePosition && isLive()) reload().catch(() => {});
  }, ASK_QUEUE_MS);
  new ResizeObserver(() => atEnd && toEnd(false)).observe(log);
  listen("live", changed);
  listen("window opened", () => {
    atEnd = true;
  });
  return { element, draw, begin: () => composer.field, grow: composer.grow };
}

function isOf(one, talk) {
  if (one.talkId) return Boolean(talk) && one.talkId === talk.id;
  return talk === currentTalk();
}
