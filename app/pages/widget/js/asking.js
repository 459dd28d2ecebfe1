// What the visitor is asked below the log: how it was, and where they can be reached.

import { h, icon } from "./dom.js";
import { RATE } from "./documents.js";
import { asVisitor, identify, session } from "./session.js";
import { recall, remember } from "./storage.js";
import { show } from "./state.js";
import { put } from "./talks.js";
import { changed, tell } from "./bus.js";
import { say } from "./words.js";

const SCORES = [1, 2, 3, 4, 5];

/** What there is to ask now, as items for `patch`. */
export function questions(talk, hasWritten) {
  const items = [];
  if (talk && talk.status === "CLOSED") {
    const words = say("new_talk");
    if (session.settings.csat)
      items.push({ key: `rate ${talk.id}`, signature: `${talk.csatScore}${words}`, build: () => rating(talk) });
    items.push({
      key: "new",
      signature: words,
      build: () => h("button", { type: "button", class: "plain", onclick: another }, words),
    });
  }
  if (wantsEmail() && (hasWritten || session.settings.ask_email === "required")) {
    items.push({ key: "email", signature: say("email"), build: email });
  }
  return items;
}

/** Whether nothing can be written before an address is given. */
export function mustGiveEmail() {
  return session.settings.ask_email === "required" && wantsEmail();
}

function another() {
  show({ screen: "talk", talkId: null });
}

function wantsEmail() {
  const { settings, identified, email: known } = session;
  return (
    settings.ask_email !== "never" &&
    !identified &&
    !known &&
    (settings.ask_email === "required" || !recall("no email"))
  );
}

function rating(talk) {
  if (talk.csatScore) {
    return h("div", { class: "ask done", role: "status" }, stars(talk.csatScore), h("p", {}, say("rate_thanks")));
  }
  const words = say("rate_comment");
  const comment = h("textarea", { rows: 2, maxlength: 2000, dir: "auto", placeholder: words, "aria-label": words });
  const done = h("button", { type: "submit", class: "main" }, say("rate_send"));
  const more = h("div", { class: "more", hidden: true }, comment, done);
  const choice = h(
    "fieldset",
    {
      class: "stars",
      onchange: () => {
        more.hidden = false;
      },
    },
    h("legend", {}, say("rate")),
    SCORES.map((score) =>
      h(
        "label",
        { title: say(`rate_${score}`) },
        h("input", { type: "radio", name: "score", value: String(score), "aria-label": say(`rate_${score}`) }),
        icon("star"),
      ),
    ),
  );
  const form = h("form", { class: "ask", onsubmit }, choice, more);

  async function onsubmit(event) {
    event.preventDefault();
    const score = Number(new FormData(form).get("score"));
    done.disabled = true;
    try {
      const answer = await asVisitor(RATE, {
        input: { conversationId: talk.id, score, comment: comment.value.trim() },
      });
      put(answer.rateConversation.conversation);
      tell("rated", { talk, score });
    } catch (refused) {
      wrong(form, refused);
    }
    done.disabled = false;
  }
  return form;
}

function stars(score) {
  return h(
    "div",
    { class: "stars given", role: "img", "aria-label": say(`rate_${score}`) },
    SCORES.map((one) => h("span", { class: one <= score ? "lit" : "" }, icon("star"))),
  );
}

function email() {
  const words = say("email");
  const shape = { type: "email", required: true, maxlength: 320, autocomplete: "email", dir: "ltr" };
  const field = h("input", { ...shape, placeholder: words, "aria-label": words });
  const skip = () => {
    remember("no email", true);
    changed();
  };
  const form = h(
    "form",
    { class: "ask", onsubmit },
    h("p", {}, say("email_ask")),
    h("div", { class: "row" }, field, h("button", { type: "submit", class: "main" }, say("save"))),
    session.settings.ask_email === "optional" &&
      h("button", { type: "button", class: "plain", onclick: skip }, say("skip")),
  );

  async function onsubmit(event) {
    event.preventDefault();
    try {
      await identify({ userId: session.id, email: field.value.trim() });
    } catch (refused) {
      wrong(form, refused);
    }
  }
  return form;
}

function wrong(form, { message }) {
  const told = form.querySelector(".trouble") || form.appendChild(h("p", { class: "trouble", role: "alert" }));
  told.textContent = message;
}
