// The views of the inbox with their numbers, and how I am: whether I take conversations, and how many.

import { button, fill, h, icon } from "../dom.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { avatar, number } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { AVAILABILITY, DELETE_VIEW, SAVE_VIEW } from "./documents.js";
import { openMenu } from "./menus.js";
import { VIEWS, viewOf } from "./views.js";
import { sentence } from "./words.js";

const AVAILABILITIES = [["ONLINE", "Online", "You are given conversations"], ["AWAY", "Away", "You keep yours and get no new ones"], ["OFFLINE", "Offline", "You count as gone"]];

/** `onChoose(key)` shows a view; `filter()` is what is shown now, to be saved. */
export class Places {
  #links = new Map();
  #current = null;

  constructor({ desk, work, onChoose, onKeys, filter }) {
    Object.assign(this, { desk, work, onChoose, filter });
    this.standard = h("ul");
    this.teams = h("ul");
    this.saved = h("ul");
    this.me = h("button", { type: "button", class: "me", "aria-haspopup": "listbox", onclick: () => this.#availability() });
    const save = button([icon("plus"), h("span", { class: "unseen" }, "Save this view")], () => this.#save(), "bare slight", { title: "Save this view" });
    this.teamsPart = h("div", null, h("h2", null, "Teams"), this.teams);
    const keys = button([icon("keyboard"), "Shortcuts", h("kbd", null, "?")], onKeys, "bare slight keys");
    this.element = h("nav", { class: "places", "aria-label": "Views" },
      h("div", { class: "head-line" }, h("h1", null, "Inbox")),
      h("div", { class: "places-scroll" }, this.standard, this.teamsPart,
        h("div", null, h("div", { class: "split" }, h("h2", null, "Saved views"), work.allowed && save), this.saved)),
      h("div", { class: "places-foot" }, h("a", { class: "button bare slight keys", href: "#/ready-answers" }, icon("bolt"), "Ready answers"), keys, this.me));
    desk.addEventListener("people", () => this.#drawMe());
    desk.addEventListener("views", () => this.#draw());
    desk.addEventListener("counts", () => this.#numbers());
    this.#draw();
  }

  /** Marks the view that is shown. */
  chosen(key) {
    this.#current = key;
    for (const [name, link] of this.#links) {
      if (name === key) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #draw() {
    this.#links.clear();
    fill(this.standard, VIEWS.map((view) => this.#item(view)));
    this.teamsPart.hidden = this.desk.teams.length === 0;
    fill(this.teams, this.desk.teams.map(({ id }) => this.#item(viewOf(`team:${id}`, this.desk))));
    fill(this.saved, this.desk.savedViews.length ? this.desk.savedViews.map(({ id }) => this.#item(viewOf(`saved:${id}`, this.desk)))
      : h("li", { class: "small faint nothing" }, "Search or choose a view, then save it with +."));
    this.#numbers();
    this.#drawMe();
    this.chosen(this.#current);
  }

  #item({ key, label, sign, saved }) {
    const link = h("button", { type: "button", class: "place", "data-view": key, onclick: () => this.onChoose(key) },
      icon(sign), h("span", { class: "label" }, label), h("span", { class: "number" }));
    this.#links.set(key, link);
    const remove = saved && this.work.allowed && button("×", () => this.#remove(saved), "bare slight remove", { "aria-label": `Delete the view ${label}` });
    return h("li", null, link, remove);
  }

  #numbers() {
    for (const [key, link] of this.#links) {
      const count = this.desk.counts[key];
      const quiet = count === undefined || count === 0 || key === "closed";
      fill(link.lastChild, count === undefined ? null : number(count));
      link.classList.toggle("none", quiet);
    }
  }

  #drawMe() {
    const me = this.desk.myself;
    this.me.hidden = !me || !this.work.allowed;
    if (!me) return;
    const [, label] = AVAILABILITIES.find(([key]) => key === me.availability);
    fill(this.me, h("span", { class: "face", "data-state": me.availability.toLowerCase() }, avatar(me.user.name || me.user.email, me.user.id)),
      h("span", null, h("span", { class: "strong" }, label), h("small", { class: "faint" }, `${number(me.load)} of ${number(me.capacity)} taken`)), icon("down"));
    this.me.setAttribute("aria-label", `My availability: ${label}, ${me.load} of ${me.capacity} conversations`);
  }

  #availability() {
    const { availability, capacity } = this.desk.myself;
    openMenu(this.me, { label: "My availability", items: [
      ...AVAILABILITIES.map(([key, label, hint]) => ({ label, hint, sign: h("span", { class: "dot", "data-state": key.toLowerCase() }), checked: key === availability, run: () => this.#be({ availability: key }) })),
      { section: "Capacity", label: `${capacity} at once`, hint: "Change how many you take", sign: icon("people"), run: () => this.#capacity(capacity) },
    ] });
  }

  #capacity(capacity) {
    formDialog({ title: "How many at once?", text: "Routing gives you no more conversations than this. You can always take more yourself.", submit: "Save",
      fields: [field({ name: "capacity", label: "Conversations", type: "number", min: "0", max: "100", value: String(capacity), autofocus: true })],
      action: (values) => this.#set({ capacity: Number(values.capacity) }) });
  }

  async #be(input) {
    try {
      await this.#set(input);
      announce(`You are ${sentence(input.availability.toLowerCase()).toLowerCase()} now.`);
    } catch (failure) {
      announce(failure.message);
    }
  }

  async #set(input) {
    const { setAvailability } = await ask(AVAILABILITY, { input });
    this.desk.learn(setAvailability.agent);
  }

  #save() {
    formDialog({ title: "Save this view", text: "What is shown now, with its search, comes back with one click.", submit: "Save",
      fields: [field({ name: "name", label: "Name", autofocus: true, autocomplete: "off", required: true }),
        field({ name: "shared", label: "For whom", options: [["", "Only me"], ["yes", "Everybody"]] })],
      action: async ({ name, shared }) => {
        const { createSavedView } = await ask(SAVE_VIEW, { input: { name, shared: shared === "yes", filter: this.filter() } });
        this.desk.learnViews((views) => [...views, createSavedView.savedView]);
        this.onChoose(`saved:${createSavedView.savedView.id}`);
      } });
  }

  #remove({ id, name, shared }) {
    confirmDialog({ title: `Delete the view ${name}?`, text: shared ? "It is gone for everybody. The conversations stay." : "The conversations stay.", submit: "Delete",
      action: async () => {
        await ask(DELETE_VIEW, { input: { savedViewId: id } });
        this.desk.learnViews((views) => views.filter((view) => view.id !== id));
      } });
  }
}
