// The frame around pages: navigation for those who are signed in, a narrow column for those who are not.

import { account, may, meet } from "./account.js";
import { button, fill, h, icon } from "./dom.js";
import { words } from "./format.js";
import { session } from "./session.js";

const PLACES = [
  ["/", "Overview", "home", null],
  ["/inbox", "Inbox", "inbox", "conversations:read"],
  ["/customers", "Customers", "people", "customers:read"],
  ["/segments", "Segments", "segment", "segments:read"],
  ["/campaigns", "Campaigns", "send", "campaigns:read"],
  ["/widgets", "Widgets", "widget", "widgets:read"],
  ["/members", "Members", "team", "members:read"],
  ["/api-keys", "API keys", "key", "api_keys:read"],
  ["/outbox", "Outbox", "mail", "outbox:read"],
  ["/audit", "Audit log", "record", "audit:read"],
  ["/settings", "Settings", "settings", "campaigns:read"],
];

/** The main element of the frame that a route is shown in. The frame is kept from page to page. */
export async function frameFor(route) {
  const app = document.getElementById("app");
  if (route.open) return app.querySelector(".entrance main") ?? entrance(app);
  await meet();
  let main = app.querySelector(".frame main");
  if (!main || app.firstElementChild.dataset.who !== whoKey()) main = frame(app);
  mark(app, route);
  return main;
}

function entrance(app) {
  const main = h("main", { id: "main", tabindex: "-1" });
  fill(app, h("div", { class: "entrance" }, brand(), main));
  return main;
}

function frame(app) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const menu = button([icon("menu"), "Menu"], () => {
    const open = side.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  }, "slight menu-button", { "aria-expanded": "false", "aria-controls": "side-nav" });
  const links = PLACES.filter(([, , , scope]) => !scope || may(scope)).map(([path, label, sign]) =>
    h("li", null, h("a", { href: `#${path}`, "data-place": path }, icon(sign), h("span", null, label))));
  const side = h("div", { class: "side" },
    h("div", { class: "top" }, brand(account.tenant.name), menu),
    h("nav", { id: "side-nav", "aria-label": "Main" }, h("ul", null, links)),
    h("div", { class: "who" },
      h("p", { class: "small" }, h("span", { class: "strong" }, account.member?.name || account.label),
        h("span", { class: "faint" }, account.role ? words(account.role) : "")),
      button([icon("out"), h("span", null, "Sign out")], () => session.signOut(), "slight")));
  fill(app, h("div", { class: "frame", "data-who": whoKey() }, side, main));
  return main;
}

function mark(app, route) {
  const side = app.querySelector(".side");
  side.classList.remove("open");
  side.querySelector(".menu-button").setAttribute("aria-expanded", "false");
  for (const link of side.querySelectorAll("[data-place]")) {
    const here = link.dataset.place === route.place;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function brand(tenant = null) {
  return h("a", { class: "brand", href: "#/" }, h("img", { src: "icon.svg", alt: "", width: "30", height: "30" }),
    h("span", null, h("strong", null, "Rapport"), tenant && h("small", null, tenant)));
}

function whoKey() {
  return [account.tenant?.id, account.label, account.role].join(" ");
}
