// The widget on the page: a button in the corner, the window above it, and a word of what is new while it is closed.

import { listen, tell } from "./bus.js";
import { palette } from "./colours.js";
import { h, icon, iconButton } from "./dom.js";
import { agentName, face } from "./faces.js";
import { buildHome } from "./home.js";
import { markup } from "./markup.js";
import { session } from "./session.js";
import { soundFor } from "./sound.js";
import { isLookedAt, show, shown, whereToBegin } from "./state.js";
import { buildTalk } from "./talk.js";
import { unreadCount } from "./talks.js";
import { currentLocale, direction, say } from "./words.js";

const FOCUSABLE = "button:not([disabled]), textarea:not([disabled]), input:not([disabled]), a[href], [tabindex='0']";
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 480px)");
let parts = null;

/** Puts the widget on the page. `position` is the site's choice of a side, before the widget's own. */
export function mount(position) {
  if (parts) return;
  const host = h("rapport-widget");
  host.style.cssText = "all: initial";
  const shadow = host.attachShadow({ mode: "open" });
  addStyles(shadow);
  const onclick = () => (shown.isOpen ? closeWindow() : openWindow());
  const launcher = h(
    "button",
    { type: "button", class: "launcher", "aria-controls": "rapport-window", onclick },
    icon("chat"),
    icon("down"),
  );
  const badge = h("span", { class: "badge", "aria-hidden": "true" });
  const home = buildHome(closeWindow);
  const talk = buildTalk(closeWindow);
  const frame = h(
    "section",
    { id: "rapport-window", class: "window", role: "dialog", tabIndex: -1, onkeydown: pressed },
    home.element,
    talk.element,
  );
  const teaser = h("div", { class: "teaser", hidden: true });
  const spoken = h("div", { class: "unseen", "aria-live": "polite" });
  launcher.append(badge);
  const root = h("div", { class: "rapport" }, teaser, frame, launcher, spoken);
  shadow.append(root);
  parts = { host, root, launcher, badge, home, talk, frame, teaser, spoken, position, screen: null, unread: 0 };
  document.body.append(host);
  listen("draw", draw);
  listen("arrived", arrived);
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  document.addEventListener("visibilitychange", draw);
  if (window.visualViewport) visualViewport.addEventListener("resize", fit);
  draw();
}

/** Takes it off the page: the server does not want it there. */
export function unmount() {
  if (parts) parts.host.remove();
}

export function openWindow() {
  show({ isOpen: true, ...whereToBegin() });
  tell("window opened");
  draw();
  focusIn();
  tell("open");
}

export function closeWindow() {
  if (!shown.isOpen) return;
  show({ isOpen: false });
  draw();
  parts.launcher.focus({ preventScroll: true });
  tell("close");
}

function draw() {
  const { root, launcher, badge, frame, home, talk, teaser } = parts;
  const { settings } = session;
  const isDark = settings.theme === "dark" || (settings.theme === "auto" && dark.matches);
  for (const [name, value] of Object.entries(palette(settings.colors, isDark))) root.style.setProperty(name, value);
  root.dir = direction();
  root.lang = currentLocale();
  root.dataset.theme = isDark ? "dark" : "light";
  root.dataset.side = parts.position || settings.position;
  root.classList.toggle("open", shown.isOpen);
  const unread = unreadCount();
  badge.textContent = unread > 9 ? "9+" : String(unread);
  badge.hidden = !unread || shown.isOpen;
  launcher.setAttribute("aria-expanded", String(shown.isOpen));
  const news = unread ? `. ${say("unread", { n: unread })}` : "";
  launcher.setAttribute("aria-label", shown.isOpen ? say("close") : say("launcher") + news);
  frame.setAttribute("aria-label", say("title"));
  frame.setAttribute("aria-modal", String(shown.isOpen && narrow.matches));
  frame.inert = !shown.isOpen;
  if (shown.isOpen) hideTeaser();
  if (teaser.dataset.talk && !unread) hideTeaser();
  drawScreen(home, talk);
  if (parts.unread !== unread) tell("unread", unread);
  parts.unread = unread;
}

function drawScreen(home, talk) {
  const now = shown.screen === "talk" ? talk : home;
  home.element.hidden = now !== home;
  talk.element.hidden = now !== talk;
  if (shown.isOpen || parts.screen === null) now.draw();
  const isAnother = parts.screen !== null && parts.screen !== now;
  parts.screen = now;
  if (isAnother && shown.isOpen) focusIn();
}

function focusIn() {
  const wanted = matchMedia("(pointer: coarse)").matches ? parts.frame : parts.screen.begin();
  requestAnimationFrame(() => {
    parts.talk.grow();
    (wanted.disabled ? parts.frame : wanted).focus({ preventScroll: true });
  });
}

function pressed(event) {
  event.stopPropagation();
  if (event.key === "Escape") closeWindow();
  if (event.key === "Tab" && narrow.matches) keepInside(event);
}

/** On a small screen nothing else can be seen, so nothing else may be reached. */
function keepInside(event) {
  const all = [...parts.frame.querySelectorAll(FOCUSABLE)].filter((one) => one.getClientRects().length);
  const [from, to] = event.shiftKey ? [all[0], all[all.length - 1]] : [all[all.length - 1], all[0]];
  if (parts.frame.getRootNode().activeElement !== from) return;
  event.preventDefault();
  to.focus();
}

function arrived({ talk, message }) {
  if (message.senderKind !== "AGENT") return;
  tell("message", { conversationId: talk.id, text: message.text, name: message.senderName });
  if (isLookedAt(talk)) return;
  soundFor(message.id);
  if (shown.isOpen) return;
  const name = agentName(message.senderName) || say("team");
  const words = markup(message.html).textContent.trim() || message.files.map((file) => file.name).join(", ");
  parts.teaser.replaceChildren(
    h(
      "button",
      { type: "button", class: "word", onclick: openWindow },
      face(agentName(message.senderName)),
      h("span", {}, h("b", {}, name), h("span", { class: "glance", dir: "auto" }, words)),
    ),
    iconButton("close", say("close"), hideTeaser),
  );
  parts.teaser.dataset.talk = talk.id;
  parts.teaser.hidden = false;
  parts.spoken.textContent = `${name}: ${words}`;
}

function hideTeaser() {
  parts.teaser.hidden = true;
  parts.teaser.dataset.talk = "";
}

/** Stays above the keyboard of a telephone. */
function fit() {
  const { height, offsetTop } = visualViewport;
  parts.root.style.setProperty("--height", `${height}px`);
  parts.root.style.setProperty("--top", `${offsetTop}px`);
}

function addStyles(shadow) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    shadow.append(h("style", {}, STYLES));
  }
}
