// For whom a campaign is: a segment, a rule or everybody; who is left out; and how many that reaches, gate by gate.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { RuleBuilder } from "../rules/builder.js";
import { groupOf, sentence } from "../rules/words.js";
import { GraphError } from "../wire.js";
import { CAMPAIGN, ESTIMATE, SEGMENTS, UPDATE } from "./documents.js";
import { estimated } from "./estimate.js";
import { saveOver } from "./merging.js";

const THINKING_MS = 500;
/** As the server calls an audience of all customers. */
export const EVERYBODY = { createdAt: { is: { after: "1969-12-31" } } };
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The segments that may be chosen; none for who may not see them. */
export async function knownSegments(page) {
  return may("segments:read") ? (await ask(SEGMENTS, {}, page)).segments.nodes : [];
}

export class Audience {
  #turn = 0;
  #timer = null;

  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.found = h("div", { class: "stack", role: "status" });
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  async load() {
    this.segments = await knownSegments(this.page);
    const holder = h("div");
    this.holder = holder;
    this.#draw();
    const title = this.campaign.status === "DRAFT" ? "Whom it would reach" : "Whom it would reach now";
    this.#look();
    return h("div", { class: "columns slim" }, holder, h("section", { class: "card preview", "aria-label": "Estimate" }, h("h2", null, title), this.found));
  }

  /** The campaign has changed: what may be edited is another thing now. */
  renew(campaign, isOther) {
    this.campaign = campaign;
    if (isOther) this.#draw();
  }

  #draw() {
    const { campaign } = this;
    const isOpen = ["DRAFT", "FAILED"].includes(campaign.status) || ["TRIGGERED", "TRANSACTIONAL"].includes(campaign.kind) ||
      (campaign.kind === "RECURRING" && ["SCHEDULED", "SENDING", "PAUSED"].includes(campaign.status));
    fill(this.holder, isOpen && may("campaigns:write") ? this.form() : this.#told());
  }

  #told() {
    const name = (id) => this.#called(id);
    const tree = (rule) => {
      const group = groupOf(rule);
      return group ? h("li", null, h("span", { class: "strong" }, group.words), h("ul", null, group.below.map(tree))) : h("li", null, sentence(rule, name));
    };
    const { audience, exclusions } = this.campaign;
    return h("section", { class: "card stack" }, h("h2", null, "For whom it is"),
      audience ? h("ul", { class: "tree" }, same(audience, EVERYBODY) ? h("li", null, "Everybody") : tree(audience)) : h("p", { class: "quiet" }, "Whoever it is called for."),
      exclusions && [h("h2", null, "Not for"), h("ul", { class: "tree" }, tree(exclusions))]);
  }

  /** The form of the campaign as it is known. */
  form() {
    const { audience, exclusions, updatedAt } = this.campaign;
    const pairs = this.segments.map(({ id, name }) => [id, name]);
    const ways = [["segment", "A segment"], ["rule", "Whoever this rule is true of"], ["everybody", "Everybody"]];
    if (this.campaign.kind === "TRIGGERED") ways.unshift(["nobody", "Nobody: each call says for whom"]);
    this.who = new Choice("audience", audience, this.segments, pairs, ways);
    this.not = new Choice("exclusions", exclusions, this.segments, pairs, [["nobody", "Nobody is left out"], ["segment", "A segment"], ["rule", "Whoever this rule is true of"]]);
    this.before = this.#read([]);
    this.stamp = updatedAt;
    const content = form({
      submit: "Save audience",
      fields: [h("section", { class: "card fields", "aria-label": "Audience" }, h("h2", null, "For whom it is"), this.who.element),
        h("section", { class: "card fields", "aria-label": "Exclusions" }, h("h2", null, "Who is left out"), this.not.element)],
      action: () => this.#save(),
    });
    for (const kind of ["input", "change"]) content.addEventListener(kind, () => this.#later());
    return content;
  }

  async #save() {
    const issues = [];
    const values = this.#read(issues);
    if (issues.length) throw this.#refused(new GraphError(issues[0].message, { issues }));
    let [saved, stamp] = [values, null];
    try {
      saved = await saveOver({
        before: { values: this.before, stamp: this.stamp },
        values,
        save: async (changes, expectedUpdatedAt) => {
          stamp = (await ask(UPDATE, { input: { campaignId: this.campaign.id, expectedUpdatedAt, ...changes } })).updateCampaign.campaign.updatedAt;
        },
        read: () => this.#fresh(),
        label: (name) => (name === "audience" ? "For whom it is" : "Who is left out"),
        shown: (name, rule) => this.#words(rule, name === "audience" ? "Nobody chosen" : "Nobody"),
      });
    } catch (error) {
      throw error instanceof GraphError ? this.#refused(error) : error;
    }
    announce("The audience is saved.");
    Object.assign(this, { before: saved, stamp });
    await this.changed();
    if (!same(values, saved)) {
      this.#draw();
      this.holder.querySelector("button[type=submit]")?.focus();
    }
    this.#look();
  }

  #read(issues) {
    return { audience: this.who.read(issues), exclusions: this.not.read(issues) };
  }

  /** What is saved now, as a form of its own reads it. */
  async #fresh() {
    const { campaign } = await ask(CAMPAIGN, { id: this.campaign.id }, this.page);
    if (!campaign) return null;
    const other = new Audience(this.page, campaign, () => {});
    Object.assign(other, { segments: this.segments });
    other.form();
    return { values: other.before, stamp: campaign.updatedAt };
  }

  /** A rule in words, a line for each condition. */
  #words(rule, none) {
    if (!rule) return none;
    if (same(rule, EVERYBODY)) return "Everybody";
    const lines = (one, depth) => {
      const group = groupOf(one);
      const indent = "  ".repeat(depth);
      return group ? [`${indent}${group.words}`, ...group.below.flatMap((below) => lines(below, depth + 1))] : [`${indent}${sentence(one, (id) => this.#called(id))}`];
    };
    return lines(rule, 0).join("\n");
  }

  #called(id) {
    return this.segments.find((segment) => segment.id === id)?.name ?? id;
  }

  #refused(error) {
    const others = this.not.show(this.who.show(error.issues));
    const message = others.length || !error.issues.length ? error.message : "A rule is not complete yet: see the marked conditions.";
    return new GraphError(message, { code: error.code, issues: others });
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), THINKING_MS);
  }

  /** Asks whom it would reach. An answer that comes after a later question is dropped. */
  async #look() {
    const turn = (this.#turn += 1);
    const issues = [];
    const rule = this.who ? this.who.read(issues) : this.campaign.audience;
    if (issues.length || !rule) {
      fill(this.found, h("p", { class: "quiet" }, rule === null && !issues.length ? "Nobody yet." : "The rule is not complete yet."));
      return;
    }
    try {
      const { estimateAudience: found } = await ask(ESTIMATE, { id: this.campaign.id, recipients: this.who ? rule : null }, this.page);
      if (turn !== this.#turn) return;
      this.who?.clear();
      const unsaved = this.not && !same(this.not.read([]), this.before.exclusions) && h("p", { class: "small quiet" }, "Who is newly left out counts once it is saved.");
      fill(this.found, estimated(found), unsaved);
    } catch (error) {
      if (this.page.signal.aborted || turn !== this.#turn) return;
      if (!(error instanceof GraphError)) throw error;
      fill(this.found, h("p", { class: error.issues.length ? "quiet" : "callout bad" }, error.issues.length ? "The rule is not complete yet." : error.message));
    }
  }
}

/** A rule, chosen the short way or built. `path` is where the graph speaks of it; `more` has the fields of ways that are no rule. */
export class Choice {
  constructor(path, rule, segments, pairs, ways, more = {}) {
    Object.assign(this, { path, segments, pairs, more });
    const chosen = rule?.segment ? "segment" : rule && same(rule, EVERYBODY) ? "everybody" : rule ? "rule" : ways[0][0];
    this.holder = h("div");
    this.way = field({ name: `${path}.way`, label: "Who", options: ways, value: chosen, onchange: ({ target }) => this.#draw(target.value) });
    this.element = h("div", { class: "fields" }, this.way, this.holder);
    this.#draw(chosen, rule);
  }

  #draw(way, rule = null) {
    this.chosen = way;
    this.builder = way === "rule" ? new RuleBuilder(rule, this.pairs) : null;
    this.segment = way === "segment" && field({ name: `${this.path}.segment`, label: "Segment", value: rule?.segment?.id,
      options: [["", "Choose one"], ...this.segments.map(({ id, name, memberCount }) => [id, `${name} (${memberCount})`])] });
    fill(this.holder, this.builder?.element, this.segment, this.more[way] && h("div", { class: "fields" }, this.more[way]));
  }

  read(issues) {
    if (this.chosen === "everybody") return EVERYBODY;
    if (this.chosen === "nobody" || this.chosen in this.more) return null;
    if (this.chosen === "segment") {
      const id = this.segment.querySelector("select").value;
      return id ? { segment: { id } } : null;
    }
    const { rule, issues: found } = this.builder.read();
    issues.push(...found.map(({ field: place, message }) => ({ field: place.replace(/^rule/, this.path), message })));
    return rule;
  }

  /** Shows what is wrong with the built rule at its conditions; gives what has no place here. */
  show(issues) {
    const ours = issues.filter(({ field: place }) => place.split(".")[0] === this.path);
    const others = issues.filter((issue) => !ours.includes(issue));
    if (!this.builder) return issues;
    const left = this.builder.show(ours.map(({ field: place, message }) => ({ field: place.replace(this.path, "rule"), message })), { focus: ours.length > 0 });
    return [...others, ...left];
  }

  clear() {
    this.builder?.clear();
  }
}
