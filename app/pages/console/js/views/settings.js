// Settings: what messages are made of, over whom they go, to whom they may, and who is told of them.

import { may } from "../account.js";
import { h } from "../dom.js";
import { head } from "../router.js";
import { Suppressions, topics } from "../settings/consent.js";
import { domains } from "../settings/domains.js";
import { integrations } from "../settings/integrations.js";
import { Sending } from "../settings/sending.js";
import { layouts, senders, snippets } from "../settings/texts.js";
import { webhooks } from "../settings/webhooks.js";
import { missing } from "./overview.js";

const PARTS = {
  senders: ["Senders", "campaigns:read", senders],
  layouts: ["Layouts", "campaigns:read", layouts],
  snippets: ["Snippets", "campaigns:read", snippets],
  topics: ["Topics", "campaigns:read", topics],
  suppressed: ["Suppressed addresses", "customers:read", (page) => new Suppressions(page)],
  sending: ["Sending", "campaigns:read", (page) => new Sending(page)],
  integrations: ["Integrations", "integrations:read", integrations],
  domains: ["Domains", "widgets:read", domains],
  webhooks: ["Webhooks", "webhooks:read", webhooks],
};

export async function settings(page) {
  const chosen = page.params.part ?? "senders";
  if (!(chosen in PARTS)) return missing(page);
  const [, scope, make] = PARTS[chosen];
  const links = Object.entries(PARTS).filter(([, [, needed]]) => may(needed)).map(([part, [label]]) =>
    h("li", null, h("a", { href: `#/settings/${part}`, "aria-current": part === chosen ? "page" : null }, label)));
  const body = may(scope) ? (await make(page).load()).element : h("p", { class: "callout warn" }, "You may not see this.");
  return [head("Settings", "What messages are made of, over whom they go, and who hears of them."),
    h("div", { class: "stack" }, h("nav", { "aria-label": "Settings", class: "parts-nav" }, h("ul", null, links)), body)];
}
