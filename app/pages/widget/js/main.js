// Where it begins: window.sc, what was asked of it before it was there, and the session behind it.

import { changed, listen, tell } from "./bus.js";
import { closeWindow, mount, openWindow, unmount } from "./frame.js";
import { SEE } from "./documents.js";
import { useServer } from "./graph.js";
import { disconnect } from "./live.js";
import { asVisitor, forget, identify, openSession, session } from "./session.js";
import { show } from "./state.js";
import { recall, remember, useStorageOf } from "./storage.js";
import { currentTalk } from "./talks.js";
import { flush } from "./outbox.js";
import { useWords } from "./words.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
const LOOK_EVERY_MS = 1500;
const STALE_MS = 10 * 60e3;
const EVENTS = ["ready", "open", "close", "message", "sent", "unread", "identified", "rated", "error"];

const script = document.currentScript;
let begun = false;
let position = null;
let openedAt = 0;
const whenReady = [];

const COMMANDS = {
  init(options = {}) {
    if (begun) return;
    if (!options.widgetKey) throw new Error("sc('init'): widgetKey is missing");
    begun = true;
    session.widgetKey = String(options.widgetKey);
    position = ["left", "right"].includes(options.position) ? options.position : null;
    session.locale = String(options.locale || navigator.language || "en");
    useServer(
      options.server ||
        (script && script.src ? new URL(script.src).href.replace(/\/widget\.js.*$/, "") : location.origin),
    );
    useStorageOf(session.widgetKey);
    showKept();
    start(0);
  },
  open: () => ready(openWindow),
  close: () => ready(closeWindow),
  identify: (who = {}) =>
    ready(async () => {
      if (!who.userId) throw new Error("sc('identify'): userId is missing");
      await identify(who);
      tell("identified", { userId: String(who.userId), verified: session.identified });
    }),
  setLocale: (wanted) => {
    session.locale = String(wanted);
    ready(openSession);
  },
  on(event, heard) {
    if (!EVENTS.includes(event) || typeof heard !== "function") throw new Error(`sc('on'): there is no event ${event}`);
    return listen(event, heard);
  },
  reset: () => ready(forget),
};

function sc(command, ...values) {
  if (!Object.hasOwn(COMMANDS, command)) throw new Error(`sc: there is no command ${command}`);
  return COMMANDS[command](...values);
}

/** Runs what needs a session, once there is one. What it throws is told as an error. */
function ready(work) {
  if (whenReady.done) attempt(work);
  else whenReady.push(work);
}

async function attempt(work) {
  try {
    await work();
  } catch (refused) {
    tell("error", refused);
    console.warn("Rapport:", refused.message);
  }
}

/** The look of the last visit, so that the button is there at once, and without a connection too. */
function showKept() {
  const kept = recall("look");
  if (!kept) return;
  Object.assign(session, kept, { token: recall("token") });
  appear();
}

async function start(failures) {
  try {
    await openSession();
  } catch (refused) {
    if (!refused.passing) {
      remember("look", null);
      unmount();
      attempt(() => {
        throw refused;
      });
      return;
    }
    const wait = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    const timer = setTimeout(again, refused.retryAfter ? refused.retryAfter * 1000 : wait);
    window.addEventListener("online", again, { once: true });
    function again() {
      clearTimeout(timer);
      window.removeEventListener("online", again);
      start(failures + 1);
    }
    return;
  }
  await appear();
  flush();
  if (!whenReady.done) {
    whenReady.done = true;
    tell("ready");
    whenReady.splice(0).forEach(attempt);
  }
}

async function appear() {
  const { language, texts } = session.settings;
  await useWords(language, texts);
  if (document.body) mount(position);
  else document.addEventListener("DOMContentLoaded", () => mount(position), { once: true });
  changed();
}

listen("opened", () => {
  const { settings, isOpen, opensAt } = session;
  openedAt = Date.now();
  remember("look", { settings, isOpen, opensAt });
  if (whenReady.done) appear();
});
listen("window opened", () => {
  if (openedAt && Date.now() - openedAt > STALE_MS) openSession().catch(() => {});
});
listen("forgotten", () => show({ screen: "home", talkId: null }));
listen("long hidden", () => currentTalk() || disconnect());

let page = location.href;
setInterval(() => {
  if (session.opensAt && Date.parse(session.opensAt) < Date.now()) {
    Object.assign(session, { isOpen: true, opensAt: null });
    changed();
  }
  if (document.hidden || page === location.href || !openedAt) return;
  page = location.href;
  asVisitor(SEE, { input: { url: page.slice(0, 2000), title: document.title.slice(0, 300) } }).catch(() => {});
}, LOOK_EVERY_MS);

if (!window.sc || !window.sc.loaded) {
  const asked = (window.sc && window.sc.q) || [];
  window.sc = sc;
  sc.loaded = true;
  for (const one of asked) attempt(() => sc(...one));
  const key = script && script.dataset.widgetKey;
  if (key) sc("init", { widgetKey: key, locale: script.dataset.locale, position: script.dataset.position });
}
