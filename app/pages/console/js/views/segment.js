// One segment: how many members, how that went, the rule, who they are, and why somebody is one or is not.

import { may } from "../account.js";
import { confirmDialog } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { avatar, moment, number, personName } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { Live } from "../live.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { causeWords, groupOf, sentence } from "../rules/words.js";
import { Growth } from "./curve.js";
import { addDialog, importDialog, removeMember } from "./enrolling.js";
import { Reasons } from "./reasons.js";
import { kindWords, stateBadge } from "./segments.js";
import { wayBack } from "./ways.js";

const SEGMENT = `query Segment($id: ID!) {
  segment(id: $id) {
    id name description kind rule state progress memberCount createdAt snapshotCursor usedBy { id name }
  }
  segments(first: 100) { nodes { id name } }
}`;
const MEMBERS = `query Members($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  segment(id: $id) {
    memberships(ended: false, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { enteredAt enterCause customer { id email externalId phone attributes } }
    }
  }
}`;
const CHANGES = `subscription Changes($id: ID!, $after: String) {
  segmentChanges(segmentId: $id, after: $after) { __typename ... on FeedItem { cursor } }
}`;
const REFRESH = "mutation Refresh($input: SegmentInput!) { refreshSegment(input: $input) { segment { id } } }";
const DELETE = "mutation Delete($input: SegmentInput!) { deleteSegment(input: $input) { segmentId } }";
const BUILDING_MS = 700;
const SETTLED_MS = 400;

export async function segment(page) {
  const { segment: found, segments } = await ask(SEGMENT, { id: page.params.id }, page);
  if (!found) return [wayBack("/segments", "Segments"), head("There is no such segment")];
  const view = new SegmentView(page, found, new Map(segments.nodes.map(({ id, name }) => [id, name])));
  await view.load();
  view.follow();
  return view.element;
}

class SegmentView {
  #timer = null;

  constructor(page, found, names) {
    Object.assign(this, { page, found });
    this.segmentName = (id) => names.get(id) ?? id;
    this.count = h("dd", { role: "status" });
    this.state = h("dd", { class: "plain-figure" });
    this.growth = new Growth(found.id, found.createdAt, page);
    this.reasons = may("customers:read") ? new Reasons(found, this.segmentName, page) : null;
    page.signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.live?.close();
    });
  }

  async load() {
    this.#show(this.found);
    this.members = may("customers:read") ? await this.#members() : null;
    await this.growth.load();
    this.element = this.#layout();
  }

  /** Follows who enters and leaves, and a build until it is done. */
  follow() {
    this.live = new Live(() => {});
    this.live.follow(CHANGES, { id: this.found.id }, this.found.snapshotCursor, () => this.#later(SETTLED_MS), (error) => announce(error.message));
    if (this.found.state === "BUILDING") this.#later(BUILDING_MS);
  }

  #later(wait) {
    this.#timer ??= setTimeout(() => this.#reload(), wait);
  }

  async #reload() {
    try {
      const { segment: found } = await ask(SEGMENT, { id: this.found.id }, this.page);
      if (found) this.#show(found);
      await Promise.all([this.members?.reload(), this.growth.load()]);
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    } finally {
      this.#timer = null;
    }
    if (this.found.state === "BUILDING" && !this.page.signal.aborted) this.#later(BUILDING_MS);
  }

  #show(found) {
    this.found = found;
    const text = number(found.memberCount);
    if (this.count.textContent !== text) fill(this.count, text);
    fill(this.state, stateBadge(found), found.state === "BUILDING" &&
      h("progress", { max: "1000", value: String(found.progress), "aria-label": "Progress of finding members" }));
  }

  #layout() {
    const { found } = this;
    const figures = h("dl", { class: "figures" },
      h("div", { class: "card figure" }, h("dt", null, "Members"), this.count),
      h("div", { class: "card figure" }, h("dt", null, "State"), this.state),
      h("div", { class: "card figure" }, h("dt", null, "Kind"), h("dd", { class: "plain-figure" }, kindWords(found.kind))));
    const rule = found.rule && h("section", { class: "card", "aria-label": "Rule" }, h("h2", null, "Rule"),
      h("ul", { class: "tree" }, this.#told(found.rule)));
    const users = found.usedBy.length > 0 && h("section", { class: "card" }, h("h2", null, "Used by"),
      h("ul", { class: "rows" }, found.usedBy.map(({ id, name }) => h("li", null, h("a", { href: `#/segments/${id}` }, name)))));
    return h("div", null, wayBack("/segments", "Segments"), head(found.name, found.description || null, this.#actions()), figures,
      h("div", { class: "columns" },
        h("div", { class: "stack" }, this.growth.element, this.members?.element),
        h("div", { class: "stack" }, rule, this.reasons?.element, users)));
  }

  #told(rule) {
    const group = groupOf(rule);
    if (!group) return h("li", null, sentence(rule, this.segmentName));
    return h("li", null, h("span", { class: "strong" }, group.words), h("ul", null, group.below.map((inner) => this.#told(inner))));
  }

  #actions() {
    if (!may("segments:write")) return [];
    const { id, kind } = this.found;
    const reload = () => this.#later(0);
    const own = kind === "STATIC"
      ? [button("Import CSV", () => importDialog(id, reload)), button("Add customer", () => addDialog(id, reload), "primary")]
      : [button("Find anew", () => this.#refresh())];
    return [button("Delete", () => this.#delete(), "danger"), h("a", { class: "button", href: `#/segments/${id}/edit` }, "Change"), ...own];
  }

  async #refresh() {
    try {
      await ask(REFRESH, { input: { segmentId: this.found.id } });
      announce("The members are being found anew.");
      this.#later(0);
    } catch (failure) {
      announce(failure.message);
    }
  }

  #delete() {
    confirmDialog({
      title: `Delete ${this.found.name}?`,
      text: "Its members leave it. This cannot be undone.",
      submit: "Delete",
      action: async () => {
        await ask(DELETE, { input: { segmentId: this.found.id } });
        announce(`${this.found.name} was deleted.`);
        go("/segments");
      },
    });
  }

  #members() {
    const { id, kind } = this.found;
    const mayRemove = kind === "STATIC" && may("segments:write");
    return pagedTable({
      page: this.page,
      caption: "Members",
      noun: (count) => (count === 1 ? "member" : "members"),
      load: async (slice) => (await ask(MEMBERS, { id, ...slice }, this.page)).segment.memberships,
      empty: () => h("strong", null, "Nobody is in it yet"),
      columns: [
        { label: "Member", head: true, cell: ({ customer }) => this.#person(customer) },
        { label: "Since, and why", cell: ({ enteredAt, enterCause }) => h("div", { class: "entry" }, h("div", null, moment(enteredAt),
          h("span", { class: "small quiet" }, causeWords(enterCause, this.segmentName)))) },
        { label: "Actions", hidden: true, look: "end", cell: ({ customer }) => h("div", { class: "actions" },
          button("Why?", () => this.reasons.explain(customer.id), "slight", { "aria-label": `Why ${personName(customer)}` }),
          mayRemove && button("Remove", () => removeMember(id, customer, () => this.#later(0)), "slight danger",
            { "aria-label": `Remove ${personName(customer)}` })) },
      ],
    });
  }

  #person(customer) {
    const name = personName(customer);
    const second = [customer.email, customer.externalId].find((text) => text && text !== name);
    return h("div", { class: "entry" }, avatar(name, customer.id),
      h("div", null, h("a", { href: `#/customers/${customer.id}` }, name), second && h("span", { class: "small quiet" }, second)));
  }
}
