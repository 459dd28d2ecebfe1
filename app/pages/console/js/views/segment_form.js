// Making and changing a segment: its name, and its rule with whom it finds, while it is being built.

import { button, fill, h } from "../dom.js";
import { field, form } from "../forms.js";
import { avatar, number, personName } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { RuleBuilder } from "../rules/builder.js";
import { GraphError } from "../wire.js";
import { wayBack } from "./ways.js";

const SEGMENT = "query Segment($id: ID!) { segment(id: $id) { id name description kind rule } }";
const OTHERS = "query Others { segments(first: 100) { nodes { id name } } }";
const PREVIEW = `query Preview($rule: RuleInput!) {
  previewSegment(rule: $rule, sample: 6) { count sample { id email externalId phone attributes } }
}`;
const CREATE = "mutation Create($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } } }";
const UPDATE = "mutation Update($input: UpdateSegmentInput!) { updateSegment(input: $input) { segment { id } } }";
const THINKING_MS = 450;

export async function newSegment(page) {
  const isStatic = page.query.get("kind") === "static";
  const editor = new Editor(page, { kind: isStatic ? "STATIC" : "DYNAMIC" }, isStatic ? [] : await others(page));
  const sentence = isStatic ? "You put its members into it by hand." : "Whoever the rule is true of belongs to it, from that very moment.";
  return [wayBack("/segments", "Segments"), head(isStatic ? "New list by hand" : "New segment", sentence), editor.element];
}

export async function editSegment(page) {
  const { segment } = await ask(SEGMENT, { id: page.params.id }, page);
  if (!segment) return [wayBack("/segments", "Segments"), head("There is no such segment")];
  const editor = new Editor(page, segment, segment.rule ? await others(page, segment.id) : []);
  return [wayBack(`/segments/${segment.id}`, segment.name), head("Change segment"), editor.element];
}

/** The segments whose members a rule may ask for, as [id, name]. */
async function others(page, except = null) {
  const { segments } = await ask(OTHERS, {}, page);
  return segments.nodes.filter(({ id }) => id !== except).map(({ id, name }) => [id, name]);
}

class Editor {
  #turn = 0;
  #timer = null;

  constructor(page, segment, segments) {
    Object.assign(this, { page, segment });
    this.builder = segment.kind === "DYNAMIC" ? new RuleBuilder(segment.rule, segments) : null;
    this.found = h("div", { class: "stack", role: "status" });
    const rule = this.builder && h("section", { class: "card" }, h("h2", null, "Rule"), this.builder.element);
    const content = form({
      submit: segment.id ? "Save changes" : "Create segment",
      fields: [
        h("section", { class: "card fields" },
          field({ name: "name", label: "Name", value: segment.name, autofocus: true, autocomplete: "off" }),
          field({ name: "description", label: "Description", value: segment.description, autocomplete: "off" })),
        rule,
      ],
      extra: [button("Cancel", () => go(segment.id ? `/segments/${segment.id}` : "/segments"))],
      action: (values) => this.#save(values),
    });
    const beside = this.builder && h("section", { class: "card preview", "aria-label": "Preview" }, h("h2", null, "Whom it finds"), this.found);
    this.element = beside ? h("div", { class: "columns slim" }, content, beside) : content;
    if (!this.builder) return;
    for (const kind of ["input", "change"]) this.builder.element.addEventListener(kind, () => this.#later());
    page.signal.addEventListener("abort", () => clearTimeout(this.#timer));
    if (segment.rule) this.#look();
    else fill(this.found, h("p", { class: "quiet" }, "Give the first condition, and it is counted at once."));
  }

  async #save({ name, description }) {
    const input = { name, description };
    if (this.segment.id) input.segmentId = this.segment.id;
    if (this.builder) {
      const { rule, issues } = this.builder.read();
      if (issues.length) throw this.#refused(new GraphError(issues[0].message, { issues }));
      input.rule = rule;
    }
    try {
      const [done] = Object.values(await ask(this.segment.id ? UPDATE : CREATE, { input }));
      announce(this.segment.id ? "The segment is saved." : `${name} was created.`);
      go(`/segments/${done.segment.id}`);
    } catch (error) {
      throw error instanceof GraphError && this.builder ? this.#refused(error) : error;
    }
  }

  /** Shows what is wrong with the rule at its conditions, and leaves the rest to the form. */
  #refused(error) {
    const others = this.builder.show(error.issues.filter(({ field: path }) => path.split(".")[0] === "rule"), { focus: true });
    const left = [...error.issues.filter(({ field: path }) => path.split(".")[0] !== "rule"), ...others];
    const message = left.length || !error.issues.length ? error.message : "The rule is not complete yet: see the marked conditions.";
    return new GraphError(message, { code: error.code, issues: left });
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), THINKING_MS);
  }

  /** Asks whom the rule finds. An answer that comes after a later question is dropped. */
  async #look() {
    const turn = (this.#turn += 1);
    const { rule, issues } = this.builder.read();
    if (issues.length) {
      this.#unfinished(issues);
      return;
    }
    try {
      const { previewSegment: found } = await ask(PREVIEW, { rule }, this.page);
      if (turn !== this.#turn) return;
      this.builder.clear();
      fill(this.found, this.#preview(found));
    } catch (error) {
      if (this.page.signal.aborted || turn !== this.#turn) return;
      if (!(error instanceof GraphError)) throw error;
      if (error.issues.length) this.#unfinished(error.issues);
      else fill(this.found, h("p", { class: "callout bad" }, error.message));
    }
  }

  #unfinished(issues) {
    this.builder.show(issues);
    fill(this.found, h("p", { class: "quiet" }, "The rule is not complete yet."));
  }

  #preview({ count, sample }) {
    const people = sample.map((customer) => {
      const name = personName(customer);
      return h("li", null, h("div", { class: "entry" }, avatar(name, customer.id),
        h("div", null, h("a", { href: `#/customers/${customer.id}` }, name),
          customer.email && customer.email !== name && h("span", { class: "small quiet" }, customer.email))));
    });
    return [h("p", { class: "found" }, h("strong", null, number(count)), count === 1 ? " customer" : " customers"),
      people.length > 0 && h("ul", { class: "rows" }, people)];
  }
}
