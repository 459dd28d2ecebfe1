// The pages for those who are not signed in: sign in, register, and what mailed links open.

import { forget } from "../account.js";
import { h } from "../dom.js";
import { field, form } from "../forms.js";
import { enter, tell } from "../graph.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { session } from "../session.js";

const AWAY = "rapport.away";
const LOG_IN = "mutation LogIn($input: LogInInput!) { logIn(input: $input) { accessToken refreshToken expiresAt } }";
const REGISTER = `mutation Register($input: RegisterInput!) {
  register(input: $input) { accessToken refreshToken expiresAt }
}`;
const FORGOT = "mutation Forgot($input: EmailInput!) { forgotPassword(input: $input) { done } }";
const RESET = "mutation Reset($input: ResetPasswordInput!) { resetPassword(input: $input) { done } }";
const VERIFY = "mutation Verify($input: EmailTokenInput!) { verifyEmail(input: $input) { done } }";
const ACCEPT = `mutation Accept($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) { accessToken refreshToken expiresAt }
}`;

const email = (more = {}) =>
  field({ name: "email", label: "E-mail", type: "email", autocomplete: "username", required: true, ...more });
const newPassword = (more = {}) => field({ name: "password", label: "Password", type: "password",
  autocomplete: "new-password", hint: "10 to 200 characters.", required: true, ...more });

export function signIn(page) {
  const next = page.query.get("next") || "/";
  const fields = [
    email({ autofocus: true }),
    field({ name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true }),
  ];
  const action = (input) => enterAs(LOG_IN, input, next);
  const refused = page.query.get("refused");
  const above = refused ? h("p", { class: "callout bad", role: "alert" }, refused) : null;
  const elsewhere = h("p", { hidden: true },
    h("a", { href: "oidc/begin", onclick: () => sessionStorage.setItem(AWAY, next) }, "Sign in with your organisation"));
  fetch("oidc/offer").then((answer) => answer.json()).then(({ offered }) => (elsewhere.hidden = !offered), () => {});
  return narrow("Sign in", null, [above, form({ fields, submit: "Sign in", action, whole: true }), elsewhere],
    ["Forgot your password?", "/forgot"], ["Register a company", "/register"]);
}

/** Back from an OpenID Connect issuer, with a refresh token that is used up at once.
 *
 * Only in a tab that went there: else a link could sign people in as somebody of the link maker's choice. */
export async function welcome(page) {
  const [token, next] = [page.query.get("token"), sessionStorage.getItem(AWAY)];
  sessionStorage.removeItem(AWAY);
  const taken = token && next && (await session.adopt(token));
  return go(taken ? next : "/sign-in", {}, { replace: true });
}

export function register() {
  const fields = [
    field({ name: "tenantName", label: "Company", autocomplete: "organization", required: true, autofocus: true }),
    field({ name: "name", label: "Your name", autocomplete: "name" }),
    email(),
    newPassword(),
  ];
  const action = (input) => enterAs(REGISTER, input, "/");
  return narrow("Register", "A new company, with you as its owner.",
    form({ fields, submit: "Register", action, whole: true }), ["I have an account", "/sign-in"]);
}

export function forgotten() {
  const sent = h("p", { role: "status" });
  const action = async (input) => {
    await tell(FORGOT, input);
    sent.className = "callout good";
    sent.textContent = "If there is an account with this address, a link is on its way. It works once, for an hour.";
  };
  const fields = [email({ autofocus: true })];
  return narrow("Forgot your password?", "We mail you a link with which you choose a new one.",
    [form({ fields, submit: "Mail me a link", action, whole: true }), sent], ["Back to sign in", "/sign-in"]);
}

export function reset(page) {
  const token = page.query.get("token");
  if (!token) return incomplete("Choose a new password");
  const action = async ({ password }) => {
    await tell(RESET, { token, password });
    announce("Your new password is set. Please sign in with it.");
    go("/sign-in");
  };
  const fields = [newPassword({ label: "New password", autofocus: true }), unseenToken()];
  return narrow("Choose a new password", "You are signed out everywhere else.",
    form({ fields, submit: "Set password", action, whole: true }), ["Back to sign in", "/sign-in"]);
}

export async function verify(page) {
  const token = page.query.get("token");
  if (!token) return incomplete("Confirm your address");
  const onwards = session.signedIn ? ["Go on", "/"] : ["Sign in", "/sign-in"];
  try {
    await tell(VERIFY, { token });
  } catch (refused) {
    return narrow("This link does not work", null,
      h("p", { class: "callout bad", role: "alert" }, refused.code === "INVALID"
        ? "It was used already, or it is too old. Sign in to be mailed a new one."
        : refused.message), onwards);
  }
  forget();
  return narrow("Thank you", null, h("p", { class: "callout good" }, "Your e-mail address is confirmed."), onwards);
}

export function invitation(page) {
  const token = page.query.get("token");
  if (!token) return incomplete("Accept the invitation");
  const action = ({ name, password }) => enterAs(ACCEPT, { token, password, name: name || null }, "/");
  const fields = [
    field({ name: "name", label: "Your name", autocomplete: "name", autofocus: true }),
    newPassword({ hint: "Choose one of 10 to 200 characters; if you have an account already, give its own." }),
    unseenToken(),
  ];
  return narrow("Accept the invitation", "One step, and you are in.",
    form({ fields, submit: "Accept and sign in", action, whole: true }), ["Back to sign in", "/sign-in"]);
}

async function enterAs(document, input, next) {
  await enter(document, input);
  forget();
  go(next);
}

/** Where an issue with the token of the address is shown: there is no input for it. */
function unseenToken() {
  return h("div", { "data-field": "token", class: "field" }, h("input", { type: "hidden", id: "token" }));
}

function incomplete(title) {
  return narrow(title, null, h("p", { class: "callout bad", role: "alert" },
    "This link is incomplete. Please open it again from the message."), ["Back to sign in", "/sign-in"]);
}

function narrow(title, sentence, content, ...ways) {
  return [
    h("section", { class: "card" }, head(title, sentence), content),
    h("p", { class: "ways" }, ways.map(([label, path]) => h("a", { href: `#${path}` }, label))),
  ];
}
