// Widgets, the sites on which they may stand, the teams who answer, and the secret that proves who a visitor is.

import { may } from "../account.js";
import { button, fill, h, icon } from "../dom.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { avatar, moment } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { head } from "../router.js";
import { ADD_DOMAIN, PLACE, REMOVE_DOMAIN } from "../widgets/documents.js";
import { swatch } from "../widgets/preview.js";
import { Identity } from "../widgets/identity.js";
import { TEAM_ROUTES, deleteTeam, teamDialog } from "../widgets/teams.js";

export async function widgets(page) {
  if (!may("widgets:read")) return head("Widgets", "You may not see widgets.");
  const place = new Place(page);
  await place.load();
  return place.element;
}

class Place {
  constructor(page) {
    this.page = page;
    const card = (title, sentence, act = null) => {
      const body = h("div");
      return { body, element: h("section", { class: "card", "aria-label": title },
        h("div", { class: "split" }, h("div", null, h("h2", null, title), h("p", { class: "quiet small" }, sentence)), may("widgets:write") && act), body) };
    };
    this.widgets = h("section", { class: "stack", "aria-label": "Widgets" });
    this.teams = card("Teams", "Who shares a queue, and how a conversation finds its agent.", button([icon("plus"), "New team"], () => this.#team(), "slight"));
    this.domains = card("Sites", "Where your widgets may stand. Without any, they may stand everywhere.", button([icon("plus"), "Add site"], () => this.#addDomain(), "slight"));
    const identity = may("widgets:write") && new Identity().element;
    const create = h("a", { class: "button primary", href: "#/widgets/new" }, icon("plus"), "New widget");
    this.element = h("div", null, head("Widgets", "The chat on your pages: how it looks, when somebody answers, and who.", may("widgets:write") ? [create] : []),
      h("div", { class: "columns" }, h("div", { class: "stack" }, this.widgets, this.teams.element), h("div", { class: "stack" }, this.domains.element, identity)));
  }

  async load() {
    const { widgets: known, domains: all, teams, agents } = await ask(PLACE, {}, this.page);
    const domains = all.filter(({ carriesWidgets }) => carriesWidgets);
    this.agents = agents;
    fill(this.widgets, known.length ? h("ul", { class: "widget-cards" }, known.map(widgetCard)) : h("div", { class: "card empty" },
      h("strong", null, "No widget yet"), h("p", null, "Make one, put one line into your pages, and the first visitor can write to you.")));
    fill(this.domains.body, domains.length ? h("ul", { class: "rows" }, domains.map((domain) => this.#domain(domain))) : h("p", { class: "quiet small" }, "Every site may show your widgets."));
    fill(this.teams.body, teams.length ? h("ul", { class: "rows" }, teams.map((team) => this.#teamRow(team))) : h("p", { class: "quiet small" }, "No teams. What visitors write waits for everybody."));
  }

  #domain({ id, name, createdAt }) {
    const remove = () => confirmDialog({ title: `Remove ${name}?`, text: "Widgets stop working on its pages at once.", submit: "Remove", action: async () => {
      await ask(REMOVE_DOMAIN, { input: { domainId: id } });
      await this.load();
    } });
    return h("li", null, h("div", null, h("span", { class: "strong" }, name), " ", h("span", { class: "small faint" }, "since ", moment(createdAt, "date"))),
      may("widgets:write") && button("Remove", remove, "slight danger", { "aria-label": `Remove ${name}` }));
  }

  #addDomain() {
    formDialog({ title: "Add a site", text: "A host name such as shop.example, or *.shop.example for everything below it.", submit: "Add",
      fields: [field({ name: "name", label: "Host name", autofocus: true, autocomplete: "off", spellcheck: "false", placeholder: "shop.example" })],
      action: async (input) => {
        await ask(ADD_DOMAIN, { input });
        announce(`Widgets may stand on ${input.name}.`);
        await this.load();
      } });
  }

  #teamRow(team) {
    const { name, routing, reassignAfterSeconds, members, waitingCount } = team;
    const faces = h("span", { class: "faces" }, members.slice(0, 6).map(({ user }) => h("span", { title: user.name || user.email }, avatar(user.name || user.email, user.id))),
      h("span", { class: "unseen" }, members.map(({ user }) => user.name || user.email).join(", ")));
    const words = [TEAM_ROUTES.find(([key]) => key === routing)[1], reassignAfterSeconds && `asks somebody else after ${Math.round(reassignAfterSeconds / 60) || "less than 1"} min`, waitingCount && `${waitingCount} waiting`];
    return h("li", null, h("div", null, h("span", { class: "strong" }, name), h("br"), h("span", { class: "small quiet" }, words.filter(Boolean).join(" · "))), faces,
      may("widgets:write") && h("div", { class: "actions" }, button("Change", () => this.#team(team), "slight", { "aria-label": `Change ${name}` }),
        button("Delete", () => deleteTeam(team, () => this.load()), "slight danger", { "aria-label": `Delete ${name}` })));
  }

  #team(team = null) {
    teamDialog(team, this.agents, () => this.load());
  }
}

function widgetCard({ id, name, key, settings, team, installedAt }) {
  return h("li", { class: "card" }, swatch(settings),
    h("div", { class: "about-widget" }, h("a", { class: "strong", href: `#/widgets/${id}` }, name), h("code", { class: "small quiet" }, key),
      h("div", { class: "badges" }, installedAt ? h("span", { class: "badge good" }, "In use since ", moment(installedAt, "date")) : h("span", { class: "badge warn" }, "Not on any page yet"),
        team && h("span", { class: "badge" }, team.name), h("span", { class: "badge" }, settings.hours ? "Business hours" : "Always open"))));
}
