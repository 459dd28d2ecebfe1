// What a campaign tries out: its groups and how they are compared, what came of them so far, and deciding.

import { may } from "../account.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { button, fill, h, icon } from "../dom.js";
import { field, form, tick } from "../forms.js";
import { moment, number, pairs, words } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { CREATE_EXPERIMENT, DECIDE_EXPERIMENT, DELETE_EXPERIMENT, RESULT, UPDATE_EXPERIMENT } from "./documents.js";
import { askPlainly } from "./places.js";

const METRICS = [["OPENED", "Opened by people"], ["CLICKED", "Clicked by people"], ["CONVERTED", "Reached the goal"]];
const UNITS = [["60", "minutes"], ["3600", "hours"], ["86400", "days"]];
const STATES = { DRAFT: ["Not begun", ""], RUNNING: ["Running", "good"], DECIDED: ["Decided", "good"] };
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const share = (perMille) => PERCENT.format(perMille / 1000);

export class ExperimentPart {
  constructor(page, campaign, changed) {
    Object.assign(this, { page, campaign, changed });
    this.element = h("div", { class: "stack" });
  }

  async load() {
    await this.#draw();
    return this.element;
  }

  async renew(campaign) {
    const isEditing = this.element.contains(document.activeElement) && document.activeElement.matches("input, select");
    this.campaign = campaign;
    if (!isEditing) await this.#draw();
  }

  async #draw() {
    const { experiment } = this.campaign;
    if (!experiment) {
      fill(this.element, this.#none());
      return;
    }
    if (experiment.state === "DRAFT" && may("campaigns:write")) {
      fill(this.element, this.#form(experiment));
      return;
    }
    if (!this.element.hasChildNodes()) fill(this.element, this.#told(experiment, null));
    if (experiment.state !== "DRAFT") this.#compare(experiment);
  }

  /** Asks the statistic, which may take a moment the first time. */
  async #compare(experiment) {
    try {
      const { experimentResult: result } = await ask(RESULT, { id: experiment.id }, this.page);
      fill(this.element, this.#told(experiment, result));
    } catch (failure) {
      if (!this.page.signal.aborted) announce(failure.message);
    }
  }

  #none() {
    const canStart = may("campaigns:write") && (["DRAFT", "FAILED"].includes(this.campaign.status) || ["TRIGGERED", "TRANSACTIONAL"].includes(this.campaign.kind));
    return h("div", { class: "card empty" }, h("strong", null, "It tries nothing out"), h("p", null, "Write it in two ways, let chance decide who gets which, and send the better one to the rest."),
      canStart && button([icon("plus"), "Try two ways"], () => this.#start(), "primary"));
  }

  async #start() {
    try {
      await ask(CREATE_EXPERIMENT, { input: { campaignId: this.campaign.id, groups: [{ name: "A", share: 500 }, { name: "B", share: 500 }] } });
      await this.changed();
    } catch (failure) {
      announce(failure.message);
    }
  }

  #form(experiment) {
    const [length, unit] = [...UNITS].reverse().map(([s]) => [experiment.decidesAfterSeconds / Number(s), s]).find(([count]) => Number.isInteger(count)) ?? [experiment.decidesAfterSeconds / 60, "60"];
    const groups = new Groups(experiment.groups);
    return form({
      submit: "Save experiment",
      extra: [button("Delete experiment", () => this.#delete(), "danger")],
      fields: [
        h("section", { class: "card fields", "aria-label": "Groups" }, h("h2", null, "Groups"), h("p", { class: "quiet small" }, "Each has contents of its own. Who is in which is drawn once and stays so."), groups.element),
        h("section", { class: "card fields", "aria-label": "How it is decided" }, h("h2", null, "How it is decided"),
          h("div", { class: "pair" },
            field({ name: "metric", label: "The better one is", options: METRICS, value: experiment.metric }),
            field({ name: "confidence", label: "How sure one must be, in per cent", type: "number", min: 50, max: 99.9, step: 0.1, value: experiment.confidence / 10 }),
            this.campaign.kind === "ONE_OFF" && field({ name: "sampleShare", label: "Who takes part, in per cent", type: "number", min: 0.1, max: 100, step: 0.1, value: experiment.sampleShare / 10,
              hint: "The others wait and get the better one." })),
          h("div", { class: "pair" }, field({ name: "decidesAfterSeconds", label: "Decided after", type: "number", min: 1, value: length }),
            field({ name: "unit", label: "Unit", options: UNITS, value: unit })),
          tick({ name: "automatic", label: "Decide by itself then", hint: "If no group is surely better, everybody else is split as the sample was.", checked: experiment.automatic })),
      ],
      action: async (values) => {
        const input = { experimentId: experiment.id, groups: groups.read(), metric: values.metric, confidence: Math.round(Number(values.confidence) * 10), automatic: values.automatic === "on",
          decidesAfterSeconds: Math.round(Number(values.decidesAfterSeconds) * Number(values.unit)) };
        if (values.sampleShare) input.sampleShare = Math.round(Number(values.sampleShare) * 10);
        await askPlainly(UPDATE_EXPERIMENT, { input });
        announce("The experiment is saved.");
        document.activeElement?.blur();
        await this.changed();
      },
    });
  }

  #delete() {
    confirmDialog({ title: "Delete the experiment?", text: "Everybody gets the contents of the first group.", submit: "Delete",
      action: async () => {
        await ask(DELETE_EXPERIMENT, { input: { experimentId: this.campaign.experiment.id } });
        await this.changed();
      } });
  }

  #told(experiment, result) {
    const { state, metric, confidence, sampleShare, automatic, decidesAt, winner, decidedAt, groups } = experiment;
    const won = winner === null ? null : groups.find(({ position }) => position === winner)?.name;
    const verdict = state === "DECIDED" ? h("p", { class: "callout good" }, won === null ? "Decided: no group was surely better." : `${won} has won.`)
      : result && h("p", { class: "callout" }, result.winner === null ? "No group is surely better yet." : `${groups[result.winner].name} is better, with a confidence of ${PERCENT.format(result.confidence)}.`);
    const isComparing = !result && state !== "DRAFT" && h("p", { class: "quiet small", role: "status" }, "The groups are being compared…");
    return [verdict, isComparing,
      h("section", { class: "card flush", "aria-label": "Groups" }, table(groups, result, winner)),
      h("section", { class: "card", "aria-label": "How it is decided" }, h("h2", null, "How it is decided"), pairs([
        ["State", h("span", { class: `badge ${STATES[state]?.[1] ?? ""}` }, STATES[state]?.[0] ?? words(state))], ["By", METRICS.find(([key]) => key === metric)?.[1] ?? words(metric)], ["Confidence", share(confidence)],
        ["Take part", share(sampleShare)], [automatic ? "Decides by itself" : "To be decided", decidesAt && moment(decidesAt, "exact")], ["Decided", decidedAt && moment(decidedAt, "exact")]]),
      state === "RUNNING" && may("campaigns:send") && h("div", { class: "decide" }, button("Decide…", () => this.#decide(groups), "primary")))];
  }

  #decide(groups) {
    formDialog({
      title: "Decide the experiment",
      text: "Those who still wait get what has won.",
      submit: "Decide",
      fields: [field({ name: "winner", label: "The better one", options: [["", "What the statistic says"], ...groups.map(({ position, name }) => [String(position), name])], value: "", autofocus: true })],
      action: async ({ winner }) => {
        await ask(DECIDE_EXPERIMENT, { input: { experimentId: this.campaign.experiment.id, winner: winner === "" ? null : Number(winner) } });
        announce("It is decided.");
        await this.changed();
      },
    });
  }
}

function table(groups, result, winner) {
  const most = Math.max(0.01, ...(result?.groups.map(({ high }) => high) ?? []));
  const rows = groups.map(({ position, name, share: part }) => {
    const found = result?.groups.find((one) => one.position === position);
    return h("tr", null, h("th", { scope: "row" }, h("span", { class: "strong" }, name), winner === position && h("span", { class: "badge good" }, "Has won")),
      h("td", { class: "end" }, share(part)),
      found && [h("td", { class: "end tally" }, number(found.sent)), h("td", { class: "end tally" }, number(found.hits)), h("td", { class: "end tally" }, PERCENT.format(found.rate)),
        h("td", null, interval(found, most)), h("td", { class: "end" }, found.pValue === null ? "–" : found.pValue.toFixed(3))]);
  });
  const heads = [["Group"], ["Share", "end"], ...(result ? [["Sent", "end"], ["Did it", "end"], ["Rate", "end"], ["Surely between"], ["By chance alone", "end"]] : [])];
  return h("div", { class: "table", role: "region", "aria-label": "Groups", tabindex: "0" }, h("table", null,
    h("thead", null, h("tr", null, heads.map(([label, look]) => h("th", { scope: "col", class: look }, label)))), h("tbody", null, rows)));
}

/** Where the true rate surely lies, drawn and said. */
function interval({ low, high, rate }, most) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 100 8");
  picture.setAttribute("class", "interval");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("preserveAspectRatio", "none");
  for (const [from, width, look] of [[low, high - low, "reach"], [rate - most / 200, most / 100, "point"]]) {
    const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    part.setAttribute("x", (100 * from) / most);
    part.setAttribute("width", Math.max(0.5, (100 * width) / most));
    part.setAttribute("height", 8);
    part.setAttribute("class", look);
    picture.append(part);
  }
  return [picture, h("span", { class: "small quiet" }, `${PERCENT.format(low)} – ${PERCENT.format(high)}`)];
}

/** Two to ten groups with names and shares, which are a hundred per cent in all. */
class Groups {
  constructor(groups) {
    this.list = h("ol", { class: "stack" });
    this.add = button([icon("plus"), "Add group"], () => this.#append({ name: String.fromCharCode(65 + this.list.children.length), share: 0 }, true), "slight");
    this.element = h("div", { class: "fields", "data-field": "groups" }, this.list, h("div", null, this.add));
    groups.forEach((group) => this.#append(group));
  }

  #append({ name, share: part }, isNew = false) {
    const place = this.list.children.length;
    const remove = button("Remove", () => {
      if (this.list.children.length > 2) row.remove();
      this.add.focus();
    }, "slight", { "aria-label": `Remove group ${name}` });
    const row = h("li", { class: "group-row" }, field({ name: `groups.${place}.name`, label: "Name", value: name, autocomplete: "off" }),
      field({ name: `groups.${place}.share`, label: "Share, in per cent", type: "number", min: 0, max: 100, step: 0.1, value: part / 10 }), remove);
    this.list.append(row);
    if (isNew) row.querySelector("input").focus();
  }

  read() {
    return [...this.list.children].map((row) => {
      const [name, part] = row.querySelectorAll("input");
      return { name: name.value, share: Math.round(Number(part.value) * 10) };
    });
  }
}
