// The head of an open conversation: who it is, what it is about, and what can be done with it.

import { button, fill, h, icon } from "../dom.js";
import { avatar } from "../format.js";
import { announce } from "../notices.js";
import { openMenu } from "./menus.js";
import { face } from "./work.js";
import { priorityFlag, statusBadge, whoOf, whoseId } from "./words.js";

export class Bar {
  #detail = null;
  #drawn = null;

  constructor({ desk, work, onBack, onPanel }) {
    Object.assign(this, { desk, work });
    this.who = h("div", { class: "bar-who" });
    this.assign = button("", () => this.act("assign"), "slight assignee", { "aria-haspopup": "listbox", "aria-keyshortcuts": "A" });
    this.snooze = button(icon("clock"), () => this.act("snooze"), "slight", { "aria-label": "Snooze", title: "Snooze (S)", "aria-haspopup": "listbox", "aria-keyshortcuts": "S" });
    this.end = button("", () => this.act("close"), "slight", { "aria-keyshortcuts": "E" });
    this.more = button(icon("more"), () => this.#menu(), "slight", { "aria-label": "More", title: "More", "aria-haspopup": "listbox" });
    const panel = button(icon("panel"), onPanel, "slight bare panel-button", { "aria-label": "Details", title: "Details" });
    const back = button([icon("back"), h("span", { class: "unseen" }, "Back to the list")], onBack, "slight bare to-list");
    const can = work.allowed ? [this.assign, this.snooze, this.end] : [];
    this.element = h("header", { class: "bar" }, back, this.who, h("div", { class: "actions" }, can, this.more, panel));
  }

  get name() {
    return this.#detail ? whoOf(this.#detail) : "";
  }

  show(detail) {
    this.#detail = detail;
    const { assignee, status } = detail;
    const there = this.desk.isThere(detail.visitor?.id);
    const drawn = JSON.stringify([detail.id, this.name, there, detail.subject, status, detail.snoozedUntil, detail.priority, assignee, this.desk.stateOf(this.desk.agent(assignee?.id) ?? { user: {} })]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    fill(this.who, h("span", { class: `face${there ? " there" : ""}` }, avatar(this.name, whoseId(detail))),
      h("div", null,
        h("div", { class: "title" }, h("h2", null, this.name), status !== "OPEN" && statusBadge(detail)),
        h("p", { class: "about quiet" }, priorityFlag(detail.priority), detail.subject)));
    const agent = assignee && this.desk.agent(assignee.id);
    const name = assignee ? (assignee.id === this.desk.me ? "You" : assignee.name) : "Unassigned";
    fill(this.assign, agent ? face(this.desk, agent) : icon("person"), h("span", { class: "label" }, h("span", { class: "unseen" }, "Assigned to: "), name), icon("down"));
    const closed = status === "CLOSED";
    fill(this.end, icon(closed ? "loop" : "check"), h("span", { class: "label" }, closed ? "Reopen" : "Close"));
    this.end.classList.toggle("primary", !closed);
    this.end.title = closed ? "Open it again" : "Close (E)";
    this.snooze.hidden = closed;
  }

  /** Does by keyboard what the buttons do. */
  act(name) {
    if (!this.#detail || !this.work.allowed) return;
    const { id, status } = this.#detail;
    if (name === "assign") this.work.assign(this.assign, [id], this.#detail);
    else if (name === "snooze" && status !== "CLOSED") this.work.snooze(this.snooze, [id]);
    else if (name === "close" && status === "CLOSED") this.work.reopen([id]);
    else if (name === "close") this.work.close([id]);
    else if (name === "tag") this.work.tag(this.more, [id], this.#detail);
    else if (name === "priority") this.work.prioritise(this.more, [id], this.#detail);
  }

  #menu() {
    const detail = this.#detail;
    const ids = [detail.id];
    const writing = [
      { label: "Subject…", sign: icon("pencil"), run: () => this.work.subject(detail) },
      { label: "Tags…", sign: icon("tag"), key: "T", run: () => this.act("tag") },
      { label: "Priority…", sign: icon("flag"), key: "P", run: () => this.act("priority") },
      detail.status === "OPEN" && { label: "Mark as pending", hint: "The visitor is asked", sign: icon("waiting"), run: () => this.work.change(ids, { status: "PENDING" }, "Pending") },
      ["PENDING", "SNOOZED"].includes(detail.status) && { label: "Open again now", sign: icon("loop"), run: () => this.work.reopen(ids) },
      { label: "Mail the transcript…", sign: icon("mail"), run: () => this.work.transcript(detail) },
    ].filter(Boolean);
    const link = { label: "Copy link", sign: icon("globe"), run: () => navigator.clipboard.writeText(`${location.href.split("#")[0]}#/inbox?c=${detail.id}`)
      .then(() => announce("The link is copied."), () => announce("The browser does not let us copy.")) };
    openMenu(this.more, { label: "More", items: [...(this.work.allowed ? writing : []), link] });
  }
}
