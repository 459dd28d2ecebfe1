// What an e-mail has besides its texts: headers of its own, and files that go along with it.

import { button, fill, h, icon } from "../dom.js";
import { field } from "../forms.js";
import { number } from "../format.js";

const MOST_BYTES = 440_000;
const KILO = 1000;

/** How many bytes a file in base64 has. */
export const bytesOf = (base64) => Math.floor((base64.length * 3) / 4) - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
export const sizeWords = (bytes) => (bytes < KILO ? `${number(bytes)} B` : `${number(Math.ceil(bytes / KILO))} kB`);

/** Names and values, as many as one likes. */
export class Headers {
  constructor(headers) {
    this.list = h("ul", { class: "stack" });
    this.add = button([icon("plus"), "Add header"], () => this.#append({ name: "", value: "" }, true), "slight");
    this.element = h("fieldset", { "data-field": "headers" }, h("legend", null, "Headers"), this.list, h("div", null, this.add));
    headers.forEach((header) => this.#append(header));
  }

  #append({ name, value }, isNew = false) {
    const place = this.list.children.length;
    const remove = button("Remove", () => {
      row.remove();
      this.add.focus();
      this.element.dispatchEvent(new Event("input", { bubbles: true }));
    }, "slight", { "aria-label": `Remove header ${name || place + 1}` });
    const row = h("li", { class: "group-row" }, field({ name: `header.${place}.name`, label: "Name", value: name, placeholder: "X-Campaign", autocomplete: "off", spellcheck: "false" }),
      field({ name: `header.${place}.value`, label: "Value", value, autocomplete: "off", spellcheck: "false" }), remove);
    this.list.append(row);
    if (isNew) row.querySelector("input").focus();
  }

  /** Those that have a name or a value. */
  read() {
    const pairs = [...this.list.children].map((row) => [...row.querySelectorAll("input")].map(({ value }) => value.trim()));
    return pairs.filter(([name, value]) => name || value).map(([name, value]) => ({ name, value }));
  }
}

/** Files that go along with every message, kept by their names. */
export class Attachments {
  constructor(files) {
    this.files = { ...files };
    this.list = h("ul", { class: "rows" });
    this.problem = h("p", { class: "wrong", role: "alert" });
    this.choose = field({ name: "file", label: "Attachments", type: "file", multiple: true, hint: `They go to everybody, so they are small: together at most ${sizeWords(MOST_BYTES)}.`,
      onchange: ({ target }) => this.#take(target) });
    this.element = h("div", { class: "fields", "data-field": "fields.attachments" }, this.choose, this.problem, this.list);
    this.#draw();
  }

  async #take(input) {
    const taken = { ...this.files };
    for (const file of input.files) taken[file.name] = await base64(file);
    input.value = "";
    const isTooMuch = Object.values(taken).reduce((sum, one) => sum + bytesOf(one), 0) > MOST_BYTES;
    fill(this.problem, isTooMuch && `That is more than ${sizeWords(MOST_BYTES)} together.`);
    if (isTooMuch) return;
    this.files = taken;
    this.#draw();
  }

  #draw() {
    fill(this.list, Object.entries(this.files).map(([name, content]) => h("li", null, h("div", null, h("span", { dir: "auto" }, name), h("span", { class: "small quiet" }, ` · ${sizeWords(bytesOf(content))}`)),
      button("Remove", () => {
        delete this.files[name];
        this.#draw();
        this.choose.querySelector("input").focus();
      }, "slight", { "aria-label": `Remove ${name}` }))));
  }

  /** By name, in base64; null for none. */
  read() {
    return Object.keys(this.files).length ? { ...this.files } : null;
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
