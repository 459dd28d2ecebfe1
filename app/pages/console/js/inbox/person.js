// Who one is talking with: what is known, where they are on the site, what they did, and what was talked about before.

import { button, fill, h, icon } from "../dom.js";
import { avatar, hue, moment, number, pairs, personName, plain } from "../format.js";
import { eventMark } from "../views/timeline.js";
import { openDialog } from "../dialogs.js";
import { safeAddress } from "./markup.js";
import { browserOf, methodWords, sentence, stars, statusBadge, whoOf, whoseId } from "./words.js";

const ATTRIBUTES = 6;
const PAGES = 5;
const HIDDEN = new Set(["first_name", "last_name", "name"]);

/** `onOpen(id)` opens another conversation. */
export class Person {
  #shown = null;

  constructor({ desk, work, onOpen }) {
    Object.assign(this, { desk, work, onOpen });
    this.element = h("aside", { class: "person-pane", "aria-label": "Details" });
    this.sections = ["who", "talk", "about", "segments", "events", "pages", "earlier"].map((name) => {
      const element = h("section", { "data-part": name });
      this.element.append(element);
      return [name, element];
    });
  }

  get customerId() {
    return this.#shown?.customer?.id;
  }

  clear() {
    this.#shown = null;
    for (const [, element] of this.sections) fill(element);
  }

  /** Shows whom a conversation is with. */
  show(conversation) {
    this.#shown = conversation;
    this.#draw();
  }

  /** Takes the conversation as it is now; what is known of the person stays. */
  learn(conversation) {
    if (this.#shown?.id !== conversation.id) return;
    const { customer, visitor, ...detail } = conversation;
    Object.assign(this.#shown, detail);
    this.#draw();
  }

  #draw() {
    const { visitor, customer } = this.#shown;
    const there = this.desk.isThere(visitor?.id);
    const parts = {
      who: who(this.#shown, there),
      talk: this.#talk(),
      about: about(customer, visitor),
      segments: customer?.segments?.nodes.length ? part("Segments", h("div", { class: "badges" }, customer.segments.nodes.map(({ id, name }) =>
        h("a", { class: `tag tinted hue-${hue(name)}`, href: `#/segments/${id}` }, name)))) : null,
      events: customer?.events?.nodes.length ? part("Latest events", h("ol", { class: "brief-events" }, customer.events.nodes.map(eventLine))) : null,
      pages: visitor ? pages(visitor, there) : null,
      earlier: this.#earlier(),
    };
    for (const [name, element] of this.sections) {
      const fresh = fill(element.cloneNode(false), parts[name]);
      if (!element.isEqualNode(fresh)) fill(element, ...fresh.childNodes);
    }
  }

  #tags() {
    const { tags } = this.#shown;
    const change = this.work.allowed && button([icon("plus"), h("span", { class: "unseen" }, "Change tags")], ({ currentTarget }) => this.work.tag(currentTarget, [this.#shown.id], this.#shown), "bare slight why", { title: "Change tags", "aria-haspopup": "listbox" });
    return h("div", { class: "badges" }, tags.map(({ name }) => h("span", { class: `tag tinted hue-${hue(name)}` }, name)), change);
  }

  #talk() {
    const { assignee, team, createdAt, firstReplyAt, waitingSince, status, csatScore, csatComment, queuePosition, routing, widget } = this.#shown;
    const agent = assignee && (assignee.id === this.desk.me ? `${assignee.name} (you)` : assignee.name);
    const first = firstReplyAt && duration(new Date(firstReplyAt) - new Date(createdAt));
    const why = routing && button("Why?", () => this.#why(), "bare slight why");
    return part("Conversation", pairs([
      ["State", statusBadge(this.#shown)],
      ["Agent", h("span", null, agent ?? (queuePosition ? `Number ${queuePosition} in the queue` : "Nobody"), " ", why)],
      ["Team", team?.name],
      ["Tags", this.#tags()],
      ["Waiting", status !== "CLOSED" && waitingSince ? h("span", null, "since ", moment(waitingSince)) : null],
      ["Began", moment(createdAt)],
      ["First answer", first && `after ${first}`],
      ["Through", widget?.name],
      ["Rating", csatScore && h("span", null, stars(csatScore), csatComment && h("q", { class: "small quiet" }, csatComment))],
    ]));
  }

  #why() {
    const { routing } = this.#shown;
    const named = (id) => this.desk.agents.find(({ user }) => user.id === id || user.id.endsWith(`_${String(id).replaceAll("-", "")}`))?.user.name ?? id;
    const considered = routing.considered ?? [];
    const table = considered.length > 0 && h("div", { class: "table" }, h("table", null, h("caption", { class: "unseen" }, "Who was considered"),
      h("thead", null, h("tr", null, ["Agent", "There", "Load", "Verdict"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, considered.map((one) => h("tr", null, h("th", { scope: "row" }, one.name ?? named(one.user)),
        h("td", null, one.present ? "Yes" : "No"), h("td", null, `${one.load} of ${one.capacity}`), h("td", null, sentence(one.verdict ?? "")))))));
    openDialog({ title: routing.chosen ? `Why ${named(routing.chosen)}?` : "Why nobody yet?", broad: true,
      body: [pairs([["How", methodWords(routing.method)], ["Reason", routing.reason && sentence(routing.reason)], ["When", routing.at && moment(routing.at)]]), table] });
  }

  #earlier() {
    const { id, customer, visitor } = this.#shown;
    const known = (customer ?? visitor)?.conversations?.nodes.filter((one) => one.id !== id) ?? [];
    if (!known.length) return null;
    return part("Earlier conversations", h("ul", { class: "earlier-talks" }, known.map((one) =>
      h("li", null, h("button", { type: "button", onclick: () => this.onOpen(one.id) },
        h("span", { class: "strong" }, one.subject || one.lastText || "Without words"),
        h("span", { class: "small" }, statusBadge(one), one.csatScore && stars(one.csatScore), h("span", { class: "faint" }, moment(one.activeAt))))))));
  }
}

function part(title, ...content) {
  return [h("h3", null, title), content];
}

function who(conversation, there) {
  const { customer, visitor } = conversation;
  const name = whoOf(conversation);
  const proven = visitor?.provenId && h("span", { class: "badge good", title: `Your server vouched for ${visitor.provenId}` }, icon("check"), "Verified");
  const claimed = !customer && visitor && (visitor.name || visitor.email) && h("span", { class: "badge", title: "They say so themselves; nobody vouched for it" }, "Unverified");
  const state = visitor && h("span", { class: `badge${there ? " good" : ""}` }, there ? "Online now" : ["Last here ", moment(visitor.seenAt)]);
  return h("div", { class: "card-who" }, h("span", { class: `face${there ? " there" : ""}` }, avatar(name, whoseId(conversation), true)),
    h("div", null, h("p", { class: "name" }, customer ? h("a", { href: `#/customers/${customer.id}` }, personName(customer) === "Unnamed customer" ? name : personName(customer)) : name),
      h("div", { class: "badges" }, proven, claimed, state)));
}

function about(customer, visitor) {
  const email = customer?.email ?? visitor?.email;
  const rows = [
    ["E-mail", email && h("a", { href: `mailto:${encodeURIComponent(email)}` }, email)], ["Phone", customer?.phone],
    ["Id", customer?.externalId ?? visitor?.provenId], ["Language", customer?.locale ?? visitor?.locale],
    ["Local time", localTime(customer?.timezone ?? visitor?.timezone)],
    ["Known since", customer && moment(customer.createdAt, "date")],
    ...Object.entries(customer?.attributes ?? {}).filter(([name]) => !HIDDEN.has(name)).slice(0, ATTRIBUTES).map(([name, value]) => [sentence(name), plain(value)]),
  ].filter(([, value]) => value);
  return rows.length ? part("About", pairs(rows)) : null;
}

function pages(visitor, there) {
  const link = (url, title) => {
    const href = safeAddress(url);
    const words = title || shortAddress(url);
    return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer", title: url }, words) : h("span", { title: url }, words);
  };
  const trail = (visitor.pages ?? []).slice(0, PAGES);
  const now = visitor.pageUrl && h("p", { class: "now" }, h("span", { class: "small faint" }, there ? "Looks at" : "Looked at last"), link(visitor.pageUrl, visitor.pageTitle));
  const browser = visitor.userAgent && browserOf(visitor.userAgent);
  return part("On your site", now,
    trail.length > 1 && h("ol", { class: "trail" }, trail.map(({ url, title, seenAt }) => h("li", null, link(url, title), h("span", { class: "small faint" }, moment(seenAt, "clock"))))),
    pairs([["Pages seen", visitor.pageCount ? number(visitor.pageCount) : null], ["Browser", browser || null], ["Came from", visitor.referrer ? link(visitor.referrer, shortAddress(visitor.referrer)) : null]]));
}

function eventLine({ name, properties, occurredAt }) {
  const details = Object.entries(properties ?? {}).filter(([, value]) => typeof value !== "object").slice(0, 2).map(([, value]) => plain(value)).join(" · ");
  return h("li", null, h("span", { class: `mark tinted hue-${hue(name)}` }, eventMark(name)),
    h("span", { class: "what" }, h("span", { class: "strong" }, name), details && h("small", { class: "quiet" }, details)), h("small", { class: "faint" }, moment(occurredAt)));
}

function shortAddress(url) {
  try {
    const { hostname, pathname } = new URL(url);
    return pathname === "/" ? hostname : pathname;
  } catch {
    return url;
  }
}

function localTime(timezone) {
  if (!timezone) return null;
  try {
    return `${new Intl.DateTimeFormat(undefined, { timeZone: timezone, hour: "2-digit", minute: "2-digit" }).format(new Date())} (${timezone.split("/").at(-1).replaceAll("_", " ")})`;
  } catch {
    return timezone;
  }
}

function duration(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}
