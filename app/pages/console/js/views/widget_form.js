// Making and changing a widget, with how it will look beside it.

import { may } from "../account.js";
import { button, fill, h, newId } from "../dom.js";
import { confirmDialog } from "../dialogs.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { go, head } from "../router.js";
import { CREATE_WIDGET, DELETE_WIDGET, ONE, TEAMS, UPDATE_WIDGET } from "../widgets/documents.js";
import { Hours } from "../widgets/hours.js";
import { Preview, WORDS } from "../widgets/preview.js";
import { copyable, embedding } from "../widgets/snippet.js";
import { GraphError } from "../wire.js";
import { wayBack } from "./ways.js";

const EMPTY = { name: "", team: null, settings: { colors: { accent: "#0d6857" }, theme: "auto", position: "right", default_language: "en", texts: {}, ask_email: "never", csat: true, files: true, show_agents: true, hours: null } };
const TEXTS = [["title", "Title"], ["greeting", "Greeting"], ["start", "Button to begin"], ["start_note", "Line below the button"], ["away_note", "When nobody is there"], ["placeholder", "Hint in the text field"]];
const LANGUAGES = new Intl.DisplayNames(undefined, { type: "language" });
const SUGGESTED = ["en", "de", "fr", "es", "ar", "it", "pt", "nl", "pl", "ja"];

export async function newWidget(page) {
  const { teams } = await ask(TEAMS, {}, page);
  return [wayBack("/widgets", "Widgets"), head("New widget"), new WidgetForm(EMPTY, teams).element];
}

export async function widget(page) {
  const { widget: known, teams } = await ask(ONE, { id: page.params.id }, page);
  if (!known) return [wayBack("/widgets", "Widgets"), head("There is no such widget")];
  const { element, remove } = new WidgetForm(known, teams);
  return [wayBack("/widgets", "Widgets"), head(known.name, null, may("widgets:write") ? [remove] : []), element];
}

class WidgetForm {
  constructor(known, teams) {
    this.known = known;
    this.settings = structuredClone(known.settings);
    this.language = this.settings.default_language;
    this.preview = new Preview();
    this.texts = h("div", { class: "texts" });
    this.hours = new Hours(this.settings.hours, () => this.#look());
    this.remove = button("Delete widget", () => this.#delete(), "danger");
    const content = may("widgets:write") ? form({
      submit: known.id ? "Save changes" : "Create widget",
      fields: [this.#basics(teams), this.#wording(), this.#times(), this.#manners()],
      extra: [button("Cancel", () => go("/widgets"))],
      action: (values) => this.#save(values),
    }) : h("p", { class: "callout" }, "You may see this widget, but not change it.");
    const embed = known.key && h("section", { class: "card", "aria-label": "Put it on your pages" }, h("h2", null, "Put it on your pages"),
      h("div", { class: "stack" }, h("p", { class: "small quiet" }, "Once, before the end of the body of every page."), copyable("Source", embedding(known.key), { rows: 4 })));
    this.element = h("div", { class: "columns" }, content, h("div", { class: "stack beside-form" }, h("section", { class: "card", "aria-label": "Preview" }, h("h2", null, "Preview"), this.preview.element), embed));
    this.#drawTexts();
    this.#look();
  }

  #basics(teams) {
    const { settings } = this;
    const accent = h("input", { type: "color", class: "color", value: settings.colors.accent, "aria-label": "Choose the colour", oninput: ({ target }) => this.#paint(target.value) });
    const typed = field({ name: "settings.colors.accent", label: "Colour", value: settings.colors.accent, spellcheck: "false", autocomplete: "off", maxlength: "7", oninput: ({ target }) => this.#paint(target.value) });
    this.accents = [accent, typed.querySelector("input")];
    typed.append(accent);
    typed.classList.add("with-color");
    const choice = (name, label, options, value) => field({ name, label, options, value, onchange: ({ target }) => {
      settings[name.split(".")[1]] = target.value;
      this.#look();
    } });
    return card("How it looks",
      field({ name: "name", label: "Name", value: this.known.name, autofocus: !this.known.id, autocomplete: "off", hint: "Only you and your colleagues see it." }),
      h("div", { class: "pair" }, typed, choice("settings.position", "Corner", [["right", "Bottom right"], ["left", "Bottom left"]], settings.position)),
      h("div", { class: "pair" }, choice("settings.theme", "Light or dark", [["auto", "As the visitor has it"], ["light", "Always light"], ["dark", "Always dark"]], settings.theme),
        field({ name: "teamId", label: "Team", options: [["", "Everybody"], ...teams.map(({ id, name }) => [id, name])], value: this.known.team?.id ?? "" })));
  }

  #wording() {
    const list = newId("languages");
    this.tabs = h("div", { class: "tabs", role: "group", "aria-label": "Languages" });
    const another = h("input", { class: "input", list, placeholder: "de, fr, pt-BR…", "aria-label": "Another language", autocomplete: "off", onkeydown: (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#addLanguage(another);
    } });
    this.problem = h("p", { class: "wrong", role: "alert" });
    return card("What it says", h("p", { class: "small quiet" }, "In the visitor's language, if it is here; else in the main one. What is left empty has our own words in English, German, French, Spanish and Arabic."),
      this.tabs, h("div", { class: "beside" }, another, button("Add language", () => this.#addLanguage(another), "slight"), h("datalist", { id: list }, SUGGESTED.map((tag) => h("option", { value: tag }, LANGUAGES.of(tag))))), this.problem, this.texts);
  }

  #times() {
    return card("Hours", this.hours.element);
  }

  #manners() {
    const { settings } = this;
    const box = (name, label, hint) => h("label", { class: "choice" }, h("input", { type: "checkbox", checked: settings[name], onchange: ({ target }) => (settings[name] = target.checked) }), h("span", null, label, h("small", { class: "hint" }, hint)));
    return card("Manners", box("show_agents", "Show who answers", "The name of the agent stands beside each answer."), box("files", "Visitors may send files", "Up to what your plan allows."),
      box("csat", "Ask how it was", "From one to five, after a conversation is closed."),
      field({ name: "settings.ask_email", label: "Ask for an e-mail address", options: [["never", "Never"], ["optional", "Offer it"], ["required", "Before the first message"]], value: settings.ask_email, onchange: ({ target }) => (settings.ask_email = target.value) }));
  }

  #paint(color) {
    this.settings.colors = { accent: color };
    if (/^#[0-9a-f]{6}$/i.test(color)) for (const input of this.accents) if (input.value !== color) input.value = color;
    this.#look();
  }

  #addLanguage(input) {
    let tag;
    try {
      [tag] = Intl.getCanonicalLocales(input.value.trim());
    } catch {
      tag = null;
    }
    fill(this.problem, tag ? null : "This is no language tag such as de or pt-BR.");
    if (!tag) return;
    this.settings.texts[tag] ??= {};
    input.value = "";
    this.language = tag;
    this.#drawTexts();
    this.#look();
  }

  #drawTexts() {
    const { settings } = this;
    const tags = [...new Set([settings.default_language, ...Object.keys(settings.texts)])];
    if (!this.tabs) return;
    fill(this.tabs, tags.map((tag) => button([LANGUAGES.of(tag), tag === settings.default_language && h("span", { class: "small faint" }, " main")], () => {
      this.language = tag;
      this.#drawTexts();
      this.#look();
    }, "slight", { "aria-pressed": String(tag === this.language) })));
    const main = this.language === settings.default_language;
    const own = settings.texts[this.language] ?? {};
    fill(this.texts, TEXTS.map(([name, label]) => field({ name: `settings.texts.${this.language}.${name}`, label, value: own[name] ?? "", placeholder: this.language.startsWith("en") ? WORDS[name] : "", maxlength: "500", autocomplete: "off", lang: this.language, dir: "auto",
      oninput: ({ target }) => {
        settings.texts[this.language] = { ...settings.texts[this.language], [name]: target.value };
        this.#look();
      } })),
    !main && h("div", { class: "actions" }, button("Make it the main language", () => this.#main(), "slight"), button("Remove this language", () => this.#removeLanguage(), "slight danger")));
  }

  #main() {
    this.settings.default_language = this.language;
    this.#drawTexts();
    this.#look();
  }

  #removeLanguage() {
    delete this.settings.texts[this.language];
    this.language = this.settings.default_language;
    this.#drawTexts();
    this.#look();
  }

  #look() {
    this.preview.show(this.settings, this.language);
  }

  async #save({ name, teamId }) {
    const texts = Object.fromEntries(Object.entries(this.settings.texts).map(([tag, own]) => [tag, Object.fromEntries(Object.entries(own).filter(([, text]) => text.trim()))]));
    const settings = { ...this.settings, texts, hours: this.hours.hours };
    const input = { name, teamId: teamId || null, settings };
    try {
      const [{ widget: saved }] = Object.values(await ask(this.known.id ? UPDATE_WIDGET : CREATE_WIDGET, { input: this.known.id ? { widgetId: this.known.id, ...input } : input }));
      announce(this.known.id ? "The widget is saved. Open pages have it at their next visit." : `${name} was created.`);
      go(`/widgets/${saved.id}`);
    } catch (error) {
      throw error instanceof GraphError ? this.#pointed(error) : error;
    }
  }

  /** What is wrong with the colours is told at the one colour that we ask for. */
  #pointed({ message, code, issues }) {
    return new GraphError(message, { code, issues: issues.map((issue) => (issue.field.startsWith("settings.colors") ? { ...issue, field: "settings.colors.accent" } : issue)) });
  }

  #delete() {
    const { id, name } = this.known;
    confirmDialog({ title: `Delete ${name}?`, text: "It disappears from your pages, and its visitors cannot write any more. What was said stays.", submit: "Delete", action: async () => {
      await ask(DELETE_WIDGET, { input: { widgetId: id } });
      announce(`${name} was deleted.`);
      go("/widgets");
    } });
  }
}

function card(title, ...content) {
  return h("section", { class: "card fields", "aria-label": title }, h("h2", null, title), content);
}
