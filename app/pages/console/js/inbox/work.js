// What agents do with conversations, with one or with many at once: assign, snooze, tag, prioritise, close.

import { may } from "../account.js";
import { h, icon } from "../dom.js";
import { formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { avatar } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { ASSIGN, CLOSE, TRANSCRIPT, UPDATE, UPDATE_MANY } from "./documents.js";
import { openMenu } from "./menus.js";
import { PRIORITIES, soon } from "./words.js";

const HOUR_MS = 3_600_000;
const MORNING = 9;

/** `onLearn(conversations)` hears how those that were changed are now. What cannot be done is said. */
export class Work {
  constructor(desk, onLearn) {
    Object.assign(this, { desk, onLearn, tagsSeen: new Set() });
  }

  get allowed() {
    return may("conversations:write");
  }

  /** Changes one conversation or several: all of them, or none. */
  async change(ids, changes, said = null) {
    try {
      if (ids.length === 1) await this.#changeOne(ids[0], changes);
      else {
        const { updateConversations } = await ask(UPDATE_MANY, { input: { conversationIds: ids, ...changes } });
        this.onLearn(updateConversations.conversations);
      }
      if (said) announce(ids.length === 1 ? said : `${said} (${ids.length} conversations)`);
      return true;
    } catch (failure) {
      announce(failure.message);
      return false;
    }
  }

  async #changeOne(conversationId, { assigneeId, teamId, ...changes }) {
    const moved = { ...(assigneeId !== undefined && { assigneeId }), ...(teamId !== undefined && { teamId }) };
    const input = { conversationId, ...moved, ...changes };
    const [done] = Object.values(Object.keys(moved).length ? await ask(ASSIGN, { input })
      : changes.status === "CLOSED" ? await ask(CLOSE, { input: { conversationId } }) : await ask(UPDATE, { input }));
    this.onLearn([done.conversation]);
  }

  close(ids) {
    return this.change(ids, { status: "CLOSED" }, "Closed");
  }

  reopen(ids) {
    return this.change(ids, { status: "OPEN" }, "Open again");
  }

  /** A menu of who may take conversations: oneself, the queue, colleagues with how they are and what they have. */
  assign(anchor, ids, current = null) {
    const { desk } = this;
    const give = (changes, said) => () => this.change(ids, changes, said);
    const items = [
      desk.me && { label: "Me", hint: current?.assignee?.id === desk.me ? "It is yours" : "Take it", sign: icon("person"), checked: current?.assignee?.id === desk.me, run: give({ assigneeId: desk.me }, "Assigned to you") },
      { label: "Back to the queue", hint: "Whoever is free next", sign: icon("inbox"), checked: Boolean(current) && !current.assignee, run: give({ assigneeId: null }, "Back in the queue") },
      ...desk.agents.filter(({ user }) => user.id !== desk.me).map((agent) => ({
        section: "Colleagues", label: agent.user.name || agent.user.email, hint: agentWords(desk, agent), sign: face(desk, agent),
        checked: current?.assignee?.id === agent.user.id, run: give({ assigneeId: agent.user.id }, `Assigned to ${agent.user.name}`),
      })),
      ...desk.teams.map((team) => ({
        section: "Teams", label: team.name, hint: team.waitingCount === 1 ? "1 waits" : `${team.waitingCount} wait`, sign: icon("team"),
        checked: current?.team?.id === team.id, run: give({ teamId: team.id, assigneeId: null }, `Given to ${team.name}`),
      })),
    ].filter(Boolean);
    openMenu(anchor, { label: "Assign", placeholder: "Colleague or team",
      items: (typed) => items.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase())) });
  }

  snooze(anchor, ids) {
    const until = (moment) => () => this.change(ids, { status: "SNOOZED", snoozedUntil: moment.toISOString() }, `Snoozed until ${soon(moment.toISOString())}`);
    const items = snoozes(new Date()).map(([label, moment]) => ({ label, hint: soon(moment.toISOString()), sign: icon("clock"), run: until(moment) }));
    items.push({ label: "Choose a moment…", sign: icon("pencil"), run: () => formDialog({ title: "Snooze until", submit: "Snooze",
      fields: [field({ name: "snoozedUntil", label: "Day and time", type: "datetime-local", autofocus: true, min: localInput(new Date()), required: true })],
      action: async ({ snoozedUntil }) => {
        const moment = new Date(snoozedUntil);
        if (!Number.isNaN(moment.getTime())) await until(moment)();
      } }) });
    openMenu(anchor, { label: "Snooze", items });
  }

  prioritise(anchor, ids, current = null) {
    openMenu(anchor, { label: "Priority", items: Object.entries(PRIORITIES).reverse().map(([priority, label]) => ({
      label, sign: h("span", { class: `flag ${priority.toLowerCase()}` }, icon("flag")), checked: current?.priority === priority,
      run: () => this.change(ids, { priority }, `Priority: ${label.toLowerCase()}`),
    })) });
  }

  /** A menu of tags: those that are there go, others come; a new word makes a new tag. */
  tag(anchor, ids, current = null) {
    const there = new Set(current?.tags.map(({ name }) => name));
    const items = (typed) => {
      const word = typed.toLowerCase();
      const known = [...new Set([...there, ...this.tagsSeen])].filter((name) => name.includes(word));
      const fresh = word && !this.tagsSeen.has(word) && !there.has(word) ? [{ label: `Add “${word}”`, sign: icon("plus"), run: () => this.change(ids, { addTags: [word] }) }] : [];
      return [...fresh, ...known.map((name) => ({ label: name, sign: icon("tag"), checked: there.has(name),
        run: () => this.change(ids, there.has(name) ? { removeTags: [name] } : { addTags: [name] }) }))];
    };
    openMenu(anchor, { label: "Tags", placeholder: "Find or add a tag", items });
  }

  subject({ id, subject }) {
    formDialog({ title: "Subject", submit: "Save", fields: [field({ name: "subject", label: "What it is about", value: subject, autofocus: true, autocomplete: "off", maxlength: "300" })],
      action: async (input) => {
        const { updateConversation } = await ask(UPDATE, { input: { conversationId: id, subject: input.subject } });
        this.onLearn([updateConversation.conversation]);
      } });
  }

  transcript({ id, customer, visitor }) {
    formDialog({ title: "Mail the transcript", text: "What was said is mailed as text. Notes are never in it.", submit: "Send",
      fields: [field({ name: "recipient", label: "E-mail", type: "email", value: customer?.email ?? visitor?.email ?? "", autofocus: true })],
      action: async ({ recipient }) => {
        await ask(TRANSCRIPT, { input: { conversationId: id, recipient: recipient || null } });
        announce(`The transcript is on its way to ${recipient}.`);
      } });
  }
}

/** How a colleague is and what they have: "online · 2 of 5". */
export function agentWords(desk, agent) {
  return `${desk.stateOf(agent)} · ${agent.load} of ${agent.capacity}`;
}

/** A colleague's sign with how they are. */
export function face(desk, agent) {
  return h("span", { class: "face", "data-state": desk.stateOf(agent) }, avatar(agent.user.name || agent.user.email, agent.user.id));
}

/** Moments to which one may put things off, all of them yet to come. */
export function snoozes(now) {
  const morning = (days) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING);
  const toMonday = (8 - now.getDay()) % 7 || 7;
  return [["In an hour", new Date(now.getTime() + HOUR_MS)], ["In three hours", new Date(now.getTime() + 3 * HOUR_MS)],
    ["Tomorrow morning", morning(1)], ...(toMonday === 1 ? [] : [["Monday morning", morning(toMonday)]]), ["In a week", morning(7)]];
}

function localInput(moment) {
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
