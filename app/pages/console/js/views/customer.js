// One person: what is known, and what they do while one is looking.
//
// The page is loaded and its place in the person's feed noted in one query; the subscriptions begin at that very place,
// so nothing falls between. What the server cannot replay any more makes the page load again.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { number, words } from "../format.js";
import { ask } from "../graph.js";
import { Live } from "../live.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { Contact } from "./contact.js";
import { decisions, unmergeDialog } from "./deciding.js";
import { PROFILE, Profile } from "./profile.js";
import { Timeline } from "./timeline.js";
import { wayBack } from "./ways.js";

const EVENT = "fragment Line on Event { id name properties occurredAt source anonymousId }";
const CUSTOMER = `query Customer($id: ID!, $events: Boolean!) {
  customer(id: $id) {
    ...Profile
    snapshotCursor
    events(first: 30) @include(if: $events) {
      totalCount nodes { ...Line } pageInfo { endCursor hasNextPage }
    }
  }
} ${PROFILE} ${EVENT}`;
const OLDER = `query Older($id: ID!, $after: String) {
  customer(id: $id) { events(first: 50, after: $after) { nodes { ...Line } pageInfo { endCursor hasNextPage } } }
} ${EVENT}`;
const EVENTS = `subscription Events($customerId: ID!, $after: String) {
  customerEvents(customerId: $customerId, after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on TrackedEvent { event { ...Line } }
    ... on FeedGap { reason }
  }
} ${EVENT}`;
const CHANGES = `subscription Changes($customerId: ID!, $after: String) {
  customerChanged(customerId: $customerId, after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on CustomerChange { change changedAt customer { ...Profile } }
    ... on FeedGap { reason }
  }
} ${PROFILE}`;

const STATES = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…", refused: "Not live" };
const TOLD = {
  UPDATED: "Profile updated",
  IDENTIFIED: "Became known",
  SUPPRESSED: "Suppressed",
  UNSUPPRESSED: "Messages allowed again",
  CONSENT: "Consent changed",
  DEVICE: "Devices changed",
};
const RETRY_MS = 3_000;

export async function customer(page) {
  const person = new Person(page);
  return (await person.load()) ? person.element : [wayBack("/customers", "Customers"), head("There is no such customer")];
}

class Person {
  #live = null;
  #timeline = null;
  #older = null;
  #total = 0;
  #loading = Promise.resolve();

  constructor(page) {
    this.page = page;
    this.profile = new Profile((merge) => unmergeDialog(merge, () => this.reload()));
    this.contact = new Contact(page);
    this.actions = h("div", { class: "actions" });
    this.live = h("span", { class: "live", role: "status", "data-state": "connecting" }, STATES.connecting);
    this.count = h("span", { class: "faint small" });
    this.story = h("div");
    this.element = this.#layout();
    page.signal.addEventListener("abort", () => this.#live?.close());
  }

  /** Loads and follows. False if there is no such customer. */
  async load() {
    const { customer: found } = await ask(CUSTOMER, { id: this.page.params.id, events: may("events:read") }, this.page);
    if (!found || this.page.signal.aborted) return false;
    this.#show(found);
    this.#tell(found.events);
    this.#follow(found.snapshotCursor);
    await this.contact.load();
    return true;
  }

  /** Loads again, after what may be under way. Tries until it can: until then the page stands still. */
  reload() {
    this.#live?.close();
    this.#state("waiting");
    this.#loading = this.#loading.then(async () => {
      while (!this.page.signal.aborted) {
        try {
          this.#live?.close();
          await this.load();
          return;
        } catch {
          await new Promise((resume) => setTimeout(resume, RETRY_MS));
        }
      }
    });
    return this.#loading;
  }

  #layout() {
    const story = h("section", { class: "card", "aria-label": "Timeline" },
      h("div", { class: "split" }, h("div", { class: "actions" }, h("h2", null, "Timeline"), this.count), this.live),
      this.story);
    return h("div", null, wayBack("/customers", "Customers"),
      h("header", { class: "head" }, this.profile.heading, this.actions),
      h("div", { class: "stack" }, this.profile.state, h("div", { class: "columns" }, story, h("div", { class: "stack" }, this.profile.element, this.contact.element))));
  }

  #show(found) {
    const focused = this.actions.contains(document.activeElement);
    this.profile.show(found);
    const audit = may("audit:read") && h("a", { class: "button bare", href: `#/audit?subject=${found.id}` }, "Audit log");
    fill(this.actions, audit, decisions(found, (changed) => this.#show(changed), () => this.reload()));
    if (focused) this.actions.querySelector("button")?.focus();
  }

  #tell(events) {
    if (!events) {
      fill(this.story, h("p", { class: "quiet" }, "You may not see what customers do."));
      return;
    }
    this.#timeline = new Timeline(() => this.#showOlder());
    this.#timeline.add(events.nodes);
    this.#more(events.pageInfo);
    this.#counted(events.totalCount);
    fill(this.story, this.#timeline.element);
  }

  #follow(cursor) {
    this.#live = new Live((state) => this.#state(state));
    const refused = (error) => announce(error.message);
    const following = { customerId: this.page.params.id };
    if (this.#timeline) this.#live.follow(EVENTS, following, cursor, (item) => this.#hear(item), refused);
    this.#live.follow(CHANGES, following, cursor, (item) => this.#hear(item), refused);
  }

  #hear(item) {
    if (item.__typename === "TrackedEvent") {
      if (item.event && this.#timeline.arrive(item.event)) this.#counted(this.#total + 1);
    } else if (item.__typename === "CustomerChange" && item.change in TOLD && item.customer) {
      this.#show(item.customer);
      this.#timeline?.note(item.cursor, TOLD[item.change], item.changedAt);
    } else {
      // A gap, or a change that moves events from one person to another: only loading again tells the whole.
      announce(item.change ? `The customer changed: ${words(item.change).toLowerCase()}.` : "Something was missed; the page is loaded again.");
      this.reload();
    }
  }

  async #showOlder() {
    try {
      const { customer: found } = await ask(OLDER, { id: this.page.params.id, after: this.#older }, this.page);
      this.#timeline.add(found.events.nodes);
      this.#more(found.events.pageInfo);
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #more({ endCursor, hasNextPage }) {
    this.#older = endCursor;
    this.#timeline.setMore(hasNextPage);
  }

  #counted(total) {
    this.#total = total;
    fill(this.count, `${number(total)} ${total === 1 ? "event" : "events"}`);
  }

  #state(state) {
    if (this.live.dataset.state === state) return;
    this.live.dataset.state = state;
    fill(this.live, STATES[state]);
  }
}
