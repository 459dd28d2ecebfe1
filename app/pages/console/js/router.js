// Hash routes: `#/customers/cust_…?status=ACTIVE`. One page at a time; the one before is told by its signal to stop.

import { fill, h } from "./dom.js";
import { session } from "./session.js";

/** What a page is given: `params` of its path, `query`, and a `signal` that aborts when the page is left. */
class Page {
  constructor(path, params, query, signal) {
    Object.assign(this, { path, params, query, signal });
  }

  /** Notes the state of the page in its address, without loading the page again. Empty values are left out. */
  note(changes, { asStep = false } = {}) {
    if (this.signal.aborted) return; // The address is another page's by now.
    for (const [name, value] of Object.entries(changes)) {
      if (value) this.query.set(name, value);
      else this.query.delete(name);
    }
    const address = this.query.size ? `#${this.path}?${this.query}` : `#${this.path}`;
    history[asStep ? "pushState" : "replaceState"](null, "", address);
  }
}

/** Shows the page that the address names.
 *
 * `routes`: {path, view, open, scope, title}; `path` may have `:names`. A view gets its Page and gives an element, or a
 * promise of one. `frameFor(route)` gives the main element to show it in. */
export class Router {
  #routes;
  #frameFor;
  #leaving = new AbortController();
  #first = true;

  constructor(routes, frameFor) {
    this.#routes = routes.map((route) => ({ ...route, pattern: patternOf(route.path) }));
    this.#frameFor = frameFor;
  }

  start() {
    window.addEventListener("hashchange", () => this.show());
    return this.show();
  }

  async show() {
    this.#leaving.abort(new DOMException("The page was left.", "AbortError"));
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    const [path, search = ""] = (location.hash.slice(1) || "/").split("?", 2);
    const route = this.#routes.find(({ pattern }) => pattern.test(path)) ?? this.#routes.at(-1);
    if (!route.open && !session.signedIn) {
      go("/sign-in", path === "/" ? {} : { next: location.hash.slice(1) }, { replace: true });
      return;
    }
    const page = new Page(path, path.match(route.pattern)?.groups ?? {}, new URLSearchParams(search), signal);
    await this.#show(route, page);
  }

  async #show(route, page) {
    let main, content;
    try {
      main = await this.#frameFor(route);
      main.setAttribute("aria-busy", "true");
      content = await route.view(page);
    } catch (error) {
      if (page.signal.aborted || !session.signedIn && !route.open) return;
      content = failed(error, () => this.show());
      main ??= h("main", { id: "main", tabindex: "-1" });
      if (!main.isConnected) fill(document.getElementById("app"), main);
    }
    if (page.signal.aborted) return;
    main.removeAttribute("aria-busy");
    fill(main, content);
    this.#arrive(main, route);
  }

  /** A new page is told by its heading, which takes the focus; the first one leaves the focus where the browser has it. */
  #arrive(main, route) {
    const heading = main.querySelector("h1");
    const title = heading?.textContent || route.title;
    document.title = title ? `${title} · Rapport` : "Rapport";
    const wanted = main.querySelector("[data-autofocus]");
    if (wanted) wanted.focus();
    else if (!this.#first && heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
    if (!this.#first) window.scrollTo(0, 0);
    this.#first = false;
  }
}

/** Goes to a page. */
export function go(path, query = {}, { replace = false } = {}) {
  const search = new URLSearchParams(query);
  const address = search.size ? `#${path}?${search}` : `#${path}`;
  if (location.hash === address) window.dispatchEvent(new HashChangeEvent("hashchange"));
  else if (replace) location.replace(address);
  else location.hash = address;
}

/** The head of a page: its name, a sentence, and what can be done. */
export function head(title, sentence = null, actions = []) {
  const words = h("div", null, h("h1", null, title), sentence && h("p", null, sentence));
  return h("header", { class: "head" }, words, actions.length ? h("div", { class: "actions" }, actions) : null);
}

function failed(error, again) {
  const missing = error.code === "NOT_FOUND";
  return h("div", { class: "stack" },
    head(missing ? "There is nothing here" : "This page could not be loaded"),
    h("div", { class: "callout bad", role: "alert" }, error.message,
      h("button", { type: "button", class: "button slight", onclick: again }, "Try again")));
}

function patternOf(path) {
  return new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`);
}
