// Who the visitor is to the server: a token, kept in this browser for this site, renewed before it ends.

import { listen, tell } from "./bus.js";
import { IDENTIFY, LOAD, OPEN } from "./documents.js";
import { ask } from "./graph.js";
import { inTurn, onOtherTab, recall, remember } from "./storage.js";

const RENEW_BEFORE_MS = 3 * 864e5;
const LOOK_EVERY_MS = 15 * 60e3;

export const session = {
  widgetKey: "",
  locale: "en",
  id: null,
  token: null,
  expiresAt: 0,
  identified: false,
  name: "",
  email: null,
  settings: null,
  isOpen: true,
  opensAt: null,
};

/** Opens the widget: a known visitor comes back, a new one is made. Tells "opened" with the answer's session. */
export async function openSession() {
  const opened = await inTurn("opening", async () => {
    const answer = await openAs(recall("token"));
    const other = recall("token");
    if (!navigator.locks && !session.token && other) return openAs(other);
    remember("token", answer.token);
    return answer;
  });
  take(opened);
  tell("opened", opened.session);
}

/** Asks as the visitor. A token that no longer counts is renewed once. */
export async function asVisitor(document, variables) {
  const { token } = session;
  try {
    return await ask(document, variables, token);
  } catch (refused) {
    if (refused.code !== "UNAUTHENTICATED") throw refused;
    await renew(token);
    return ask(document, variables, session.token);
  }
}

/** Gets a new token, unless another tab has done so since `used` was refused. Tells "renewed". */
export async function renew(used) {
  const opened = await inTurn("opening", async () => {
    const kept = recall("token");
    if (kept && kept !== used) return { token: kept, expiresAt: null };
    const answer = await openAs(kept);
    remember("token", answer.token);
    return answer;
  });
  session.token = opened.token;
  if (opened.expiresAt) take(opened);
  tell("renewed");
}

/** Loads everything anew: after a gap, and whenever what is shown may not be what is so. */
export async function reload() {
  const { visitorSession } = await asVisitor(LOAD);
  if (visitorSession) tell("opened", visitorSession);
}

/** Says who the visitor is, as the site knows them. Another person than before begins as somebody new. */
export async function identify({ userId, userHash, name, email, ...attributes }) {
  const before = recall("user");
  if (before !== null && before !== String(userId) && userId !== session.id) await forget();
  const input = { userId: String(userId), userHash, name, email, attributes };
  const answer = await asVisitor(IDENTIFY, { input });
  if (userId !== session.id) remember("user", String(userId));
  const found = answer.identifyVisitor.session;
  takePerson(found);
  tell("opened", found);
}

/** Becomes somebody new in this browser. */
export async function forget() {
  for (const name of ["token", "user", "shown"]) remember(name, null);
  session.token = null;
  tell("forgotten");
  await openSession();
}

function take(opened) {
  session.token = opened.token;
  session.expiresAt = Date.parse(opened.expiresAt) || 0;
  session.settings = opened.widget;
  session.isOpen = opened.isOpen;
  session.opensAt = opened.opensAt;
  takePerson(opened.session);
}

function takePerson({ id, name, email, identified }) {
  Object.assign(session, { id, name, email, identified });
}

async function openAs(token) {
  const input = {
    widgetKey: session.widgetKey,
    visitorToken: token,
    pageUrl: location.href.slice(0, 2000),
    pageTitle: document.title.slice(0, 300),
    referrer: document.referrer.slice(0, 2000),
    locale: session.locale,
    userAgent: navigator.userAgent.slice(0, 500),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  try {
    return (await ask(OPEN, { input }, token)).openWidget;
  } catch (refused) {
    if (!token || !["UNAUTHENTICATED", "FORBIDDEN"].includes(refused.code)) throw refused;
    return (await ask(OPEN, { input: { ...input, visitorToken: null } })).openWidget;
  }
}

onOtherTab((name) => {
  if (name === "token" && recall("token")) {
    session.token = recall("token");
    tell("renewed");
  }
});

setInterval(() => {
  if (session.expiresAt && session.expiresAt - Date.now() < RENEW_BEFORE_MS) renew(session.token).catch(() => {});
}, LOOK_EVERY_MS);

listen("unauthenticated", () => renew(session.token).catch(() => {}));
