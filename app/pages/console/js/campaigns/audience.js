// For whom a campaign is: a segment, a rule or everybody; who is left out; and how many that reaches, gate by gate.

import { may } from "../account.js";
import { fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { RuleBuilder } from "../rules/builder.js";
import { groupOf, sentence } from "../rules/words.js";
import { GraphError } from "../wire.js";
import { ESTIMATE, SEGMENTS, UPDATE } from "./documents.js";
import { estimated } from "./estimate.js";

const THINKING_MS = 500;
/** As the server calls an audience of all customers. */
export const EVERYBODY = { createdAt: { is: { after: "1969-12-31" } } };
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class Audience {
  #turn = 0;
  #timer = null;

  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.found = h("div", { class: "stack", role: "status" });
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  async load() {
    const { segments } = await ask(SEGMENTS, {}, this.page);
    this.segments = segments.nodes;
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
    fill(this.holder, isOpen && may("campaigns:write") ? this.#form() : this.#told());
  }

  #told() {
    const name = (id) => this.segments.find((segment) => segment.id === id)?.name ?? id;
    const tree = (rule) => {
      const group = groupOf(rule);
      return group ? h("li", null, h("span", { class: "strong" }, group.words), h("ul", null, group.below.map(tree))) : h("li", null, sentence(rule, name));
    };
    const { audience, exclusions } = this.campaign;
    return h("section", { class: "card stack" }, h("h2", null, "For whom it is"),
      audience ? h("ul", { class: "tree" }, same(audience, EVERYBODY) ? h("li", null, "Everybody") : tree(audience)) : h("p", { class: "quiet" }, "Whoever it is called for."),
      exclusions && [h("h2", null, "Not for"), h("ul", { class: "tree" }, tree(exclusions))]);
  }

  #form() {
    const { audience, exclusions } = this.campaign;
    const pairs = this.segments.map(({ id, name }) => [id, name]);
    this.who = new Choice("audience", audience, this.segments, pairs, [["segment", "A segment"], ["rule", "Whoever this rule is true of"], ["everybody", "Everybody"]]);
    this.not = new Choice("exclusions", exclusions, this.segments, pairs, [["nobody", "Nobody is left out"], ["segment", "A segment"], ["rule", "Whoever this rule is true of"]]);
    this.left = this.not.read([]);
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
    const [audience, exclusions] = [this.who.read(issues), this.not.read(issues)];
    if (issues.length) throw this.#refused(new GraphError(issues[0].message, { issues }));
    try {
      await ask(UPDATE, { input: { campaignId: this.campaign.id, audience, exclusions } });
    } catch (error) {
      throw error instanceof GraphError ? this.#refused(error) : error;
    }
    this.left = exclusions;
    announce("The audience is saved.");
    await this.changed();
    this.#look();
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
      const unsaved = this.not && !same(this.not.read([]), this.left) && h("p", { class: "small quiet" }, "Who is newly left out counts once it is saved.");
      fill(this.found, estimated(found), unsaved);
    } catch (error) {
      if (this.page.signal.aborted || turn !== this.#turn) return;
      if (!(error instanceof GraphError)) throw error;
      fill(this.found, h("p", { class: error.issues.length ? "quiet" : "callout bad" }, error.issues.length ? "The rule is not complete yet." : error.message));
    }
  }
}

/** A rule, chosen the short way or built. `path` is where the graph speaks of it. */
class Choice {
  constructor(path, rule, segments, pairs, ways) {
    Object.assign(this, { path, segments, pairs });
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
    fill(this.holder, this.builder?.element, this.segment);
  }

  read(issues) {
    if (this.chosen === "everybody") return EVERYBODY;
    if (this.chosen === "nobody") return null;
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
