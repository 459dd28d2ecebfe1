// Lists from which one thing is picked, by pointer or by keyboard: in a popover of their own, or beneath a text field.

import { fill, h, newId } from "../dom.js";

const EDGE = 8;

/** A listbox that is moved through from outside. Items: {label, hint, sign, section, checked, run}. */
export class Choices {
  #shown = [];
  #active = -1;

  constructor(label, onpick) {
    this.onpick = onpick;
    this.element = h("ul", { class: "choices-list", role: "listbox", "aria-label": label, id: newId("choices") });
  }

  /** Shows items; the first is the active one. `holder` is the element that has the focus meanwhile. */
  show(items, holder) {
    this.holder = holder;
    this.#shown = items.map((item) => ({ item, option: this.#option(item) }));
    let section = null;
    fill(this.element, this.#shown.map(({ item, option }) => {
      const fresh = item.section && item.section !== section;
      section = item.section;
      return [fresh && h("li", { class: "section", role: "presentation" }, item.section), option];
    }));
    this.#active = -1;
    this.#activate(items.length ? 0 : -1);
  }

  get empty() {
    return this.#shown.length === 0;
  }

  /** Moves or picks by a key. True if the key was meant for the list. */
  hears(event) {
    const last = this.#shown.length - 1;
    const steps = { ArrowDown: this.#active >= last ? 0 : this.#active + 1, ArrowUp: this.#active <= 0 ? last : this.#active - 1 };
    if (event.key in steps) this.#activate(steps[event.key]);
    else if (event.key === "Enter" && this.#active >= 0) this.onpick(this.#shown[this.#active].item);
    else return false;
    event.preventDefault();
    return true;
  }

  #option(item) {
    const label = h("span", { class: "what" }, item.label, item.hint && h("small", null, item.hint));
    return h("li", {
      role: "option", id: newId("option"), class: item.look ?? "", "aria-selected": "false",
      onmousedown: (event) => event.preventDefault(),
      onclick: () => this.onpick(item),
      onmousemove: () => this.#activate(this.#shown.findIndex((one) => one.item === item)),
    }, item.sign, label, item.checked && h("span", { class: "tick" }, "✓", h("span", { class: "unseen" }, " chosen")), item.key && h("kbd", null, item.key));
  }

  #activate(place) {
    if (place === this.#active) return;
    this.#shown[this.#active]?.option.setAttribute("aria-selected", "false");
    this.#active = place;
    const option = this.#shown[place]?.option;
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.holder.setAttribute("aria-activedescendant", option.id);
    else this.holder.removeAttribute("aria-activedescendant");
  }
}

/** Opens a menu at an element. `items` is a list, or a function from what is typed to a list (then one may type). When
 * one is picked or none wanted, the focus goes back to the element. */
export function openMenu(anchor, { label, items, placeholder = "Search" }) {
  const searched = typeof items === "function";
  const choices = new Choices(label, (item) => {
    close();
    item.run();
  });
  const input = searched && h("input", {
    class: "input", type: "text", placeholder, "aria-label": `${label}: ${placeholder.toLowerCase()}`, role: "combobox", autocomplete: "off",
    "aria-expanded": "true", "aria-controls": choices.element.id, oninput: () => choices.show(items(input.value.trim()), input),
  });
  const menu = h("div", { class: "menu", popover: "auto" }, input, choices.element);
  const holder = input || choices.element;
  if (!searched) choices.element.tabIndex = 0;
  menu.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
    } else choices.hears(event);
  });
  const close = () => {
    menu.hidePopover();
    anchor.focus();
  };
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    anchor.setAttribute("aria-expanded", "false");
    menu.remove();
  });
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  choices.show(searched ? items("") : items, holder);
  placeAt(menu, anchor);
  holder.focus();
  return close;
}

/** Puts a popover below an element, or above it where there is no room below. */
function placeAt(menu, anchor) {
  const { left, right, top, bottom } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const fromLeft = left + width + EDGE <= innerWidth ? left : right - width;
  menu.style.left = `${Math.max(EDGE, Math.min(fromLeft, innerWidth - width - EDGE))}px`;
  const below = bottom + 4 + height <= innerHeight - EDGE;
  menu.style.top = `${below ? bottom + 4 : Math.max(EDGE, top - height - 4)}px`;
}
